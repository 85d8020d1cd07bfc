//! Help, completions and manual pages.

use std::fs;
use std::path::Path;

use crate::program::{lifecycle, lifecycle_with};

const COMMANDS: [&[&str]; 20] = [
    &["completions"],
    &["conformance"],
    &["explain"],
    &["inbox", "delete"],
    &["inbox", "list"],
    &["inbox", "retry"],
    &["inbox", "show"],
    &["inbox", "stats"],
    &["man"],
    &["scenario"],
    &["send", "securityscorecard", "action"],
    &["send", "discord"],
    &["send", "github"],
    &["send", "securityscorecard"],
    &["send", "seismic"],
    &["send", "slack"],
    &["send", "stripe"],
    &["sign"],
    &["simulate"],
    &["verify"],
];

#[test]
fn the_help_of_the_program() {
    insta::assert_snapshot!(lifecycle(["--help"]).out);
}

#[test]
fn the_help_of_every_command_has_examples_and_offers_json() {
    for command in COMMANDS {
        let ran = lifecycle([command, &["--help"]].concat());
        assert_eq!(ran.code, 0);
        assert!(
            ran.out.contains("\nExamples:\n  lifecycle ") || ran.out.contains("\n  lifecycle "),
            "{command:?}: {ran:?}"
        );
        assert!(ran.out.contains("--json"), "{command:?}");
    }
}

#[test]
fn the_help_warns_that_a_secret_among_the_arguments_is_seen() {
    let ran = lifecycle(["send", "seismic", "--help"]);
    assert!(ran.out.contains("process list"), "{ran:?}");
}

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = lifecycle(["completions", shell]);
        assert_eq!(ran.code, 0);
        assert!(ran.out.contains("conformance") && ran.out.contains("previous-secret-env"), "{shell}");
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    assert!(lifecycle(["man"]).out.contains(".TH lifecycle 1"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("man1");
    assert_eq!(lifecycle([Path::new("man"), Path::new("--dir"), &folder].map(Path::as_os_str)).code, 0);
    for page in ["lifecycle.1", "lifecycle-explain.1", "lifecycle-send-seismic.1"] {
        assert!(fs::read_to_string(folder.join(page)).unwrap().contains(".TH"), "{page}");
    }
}

#[test]
fn there_are_colours_only_where_they_are_wanted() {
    let list = ["explain", "--causes"];
    assert!(!lifecycle(list).out.contains('\u{1b}'), "no terminal");
    assert!(lifecycle_with(list, &[("CLICOLOR_FORCE", "1")], b"").out.contains('\u{1b}'));
    assert!(!lifecycle_with(list, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], b"").out.contains('\u{1b}'));
}
