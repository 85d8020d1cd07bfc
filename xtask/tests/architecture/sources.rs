//! How a file looks.

use syn::visit::{Visit, visit_arm};
use syn::{Arm, Expr};

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

/// Nothing else on this machine notices: it compiles with a newer Rust, and Clippy knows from when on a function is there, but no syntax.
/// `cargo xtask msrv` compiles with the one that we promise.
#[test]
fn no_arm_has_a_guard_that_rust_1_89_cannot_read() {
    let sources = rust().into_iter().filter(|file| file.text.contains("if let "));
    for File { path, text } in sources {
        let mut guards = LetGuards(0);
        guards.visit_file(&syn::parse_file(&text).unwrap());
        assert_eq!(guards.0, 0, "{path}: `if let` guards an arm, which Rust can since 1.95");
    }
}

/// How many arms are guarded by a pattern.
struct LetGuards(u32);

impl<'a> Visit<'a> for LetGuards {
    fn visit_arm(&mut self, arm: &'a Arm) {
        if arm.guard.as_ref().is_some_and(|(_, guard)| is_let(guard)) {
            self.0 += 1;
        }
        visit_arm(self, arm);
    }
}

fn is_let(guard: &Expr) -> bool {
    match guard {
        Expr::Binary(both) => is_let(&both.left) || is_let(&both.right),
        guard => matches!(guard, Expr::Let(_)),
    }
}

fn rust() -> Vec<File> {
    ["crates", "examples", "xtask"].iter().flat_map(|folder| tree::rust(folder)).collect()
}
