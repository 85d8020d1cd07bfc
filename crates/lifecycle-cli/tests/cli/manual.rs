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
fn an_example_in_the_help_fits_on_80_columns_so_that_none_is_broken() {
    for command in COMMANDS.into_iter().filter(|command| !matches!(*command, ["explain" | "verify"])) {
        let help = lifecycle_with([command, &["--help"]].concat(), &[("COLUMNS", "200")], b"").out;
        let examples =
            help.lines().skip_while(|line| *line != "Examples:").take_while(|line| !line.is_empty());
        let wide = examples.filter(|line| line.chars().count() > 80).collect::<Vec<_>>();
        assert!(wide.is_empty(), "{command:?}: {wide:?}");
    }
}

#[test]
fn the_version_tells_the_commit_and_the_fixtures_where_it_is_asked_for_at_length() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(lifecycle(["-V"]).out, format!("lifecycle {version}\n"));
    let long = lifecycle(["--version"]).out;
    let lines: Vec<&str> = long.lines().collect();
    assert_eq!(lines[0], format!("lifecycle {version}"));
    let listed = lifecycle(["conformance", "--list", "--json"]).json()["fixtures"].as_array().unwrap().len();
    assert!(long.contains(&format!("\n{listed} fixtures of ")), "{long}");
    let head = std::process::Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    match head {
        Ok(head) if head.status.success() => {
            assert_eq!(lines[1], format!("commit {}", String::from_utf8(head.stdout).unwrap().trim()));
        }
        _ => assert!(!long.contains("commit"), "{long}"),
    }
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
fn there_is_a_manual_page_for_each_command() {
    assert!(lifecycle(["man"]).out.contains(".TH lifecycle 1"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("man1");
    assert_eq!(lifecycle([Path::new("man"), Path::new("--dir"), &folder].map(Path::as_os_str)).code, 0);
    for page in ["lifecycle.1", "lifecycle-explain.1", "lifecycle-send-seismic.1"] {
        let text = fs::read_to_string(folder.join(page)).unwrap();
        assert!(text.contains(".TH") && !text.contains(".SH EXTRA"), "{page}");
        assert!(text.contains("\n.SH EXAMPLES\n") || page == "lifecycle.1", "{page}");
    }
}

#[test]
fn there_are_colours_only_where_they_are_wanted() {
    let list = ["explain", "--causes"];
    assert!(!lifecycle(list).out.contains('\u{1b}'), "no terminal");
    assert!(lifecycle_with(list, &[("CLICOLOR_FORCE", "1")], b"").out.contains('\u{1b}'));
    assert!(!lifecycle_with(list, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], b"").out.contains('\u{1b}'));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lifecycle"));
    let ran = command.args(["explain", "--causes"]).stdout(full).output().unwrap();
    let error = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2), "{error}");
    assert!(error.starts_with("error: the output cannot be written: No space left"), "{error}");
}
