//! How a file looks.

use crate::tree::{self, File};

/// Lines of a file without its own tests. Past this it is about two things.
const LONGEST: usize = 400;

/// What no file holds. Written in two pieces, so that this one does not either.
const NEVER: &[(&str, &str)] = &[
    (concat!("#[", "allow("), "say `#[expect(.., reason = \"..\")]`, which ends by itself"),
    (concat!("#![", "allow("), "say `#![expect(.., reason = \"..\")]`, which ends by itself"),
    (concat!("todo", "!("), "finish it, or leave it out"),
    (concat!("unimplemented", "!("), "finish it, or leave it out"),
    (concat!("dbg", "!("), "it was for looking"),
];

/// Places on somebody's machine.
const MACHINES: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("C:\\", "Users"),
    concat!("/wo", "rk/"),
];

#[test]
fn every_source_file_begins_with_what_it_is() {
    for file in rust() {
        let first = file.text.lines().next().unwrap_or_default();
        let says = first.strip_prefix("//! ").is_some_and(|sentence| sentence.len() > 10);
        let includes = (first.starts_with("#![doc = ") || first.starts_with("#![cfg_attr("))
            && first.contains("README.md");
        assert!(says || includes, "{} begins with {first:?}, not with a `//!` sentence", file.path);
    }
}

#[test]
fn no_source_file_is_long() {
    for file in rust() {
        let lines = file.product().count();
        assert!(lines <= LONGEST, "{} has {lines} lines besides its tests; split it by nouns", file.path);
    }
}

#[test]
fn nothing_is_silenced_or_left_undone() {
    for file in rust() {
        for (number, line) in file.text.lines().enumerate() {
            let found = NEVER.iter().find(|(text, _)| line.contains(text));
            assert!(found.is_none(), "{}:{}: {found:?}", file.path, number + 1);
        }
    }
}

#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    for file in tree::text("") {
        for (number, line) in file.text.lines().enumerate() {
            let found = MACHINES.iter().find(|place| line.contains(**place));
            assert!(found.is_none(), "{}:{}: {found:?}", file.path, number + 1);
        }
    }
}

fn rust() -> Vec<File> {
    ["crates", "examples", "xtask"].iter().flat_map(|folder| tree::rust(folder)).collect()
}
