//! Completions: what the program offers to the shells, and what bash makes of it.

use std::process::Command;

use crate::program::{Ran, lifecycle, lifecycle_with};
use crate::servers::is_missing;

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// What fits in the place of the last word, one a line, as the shell's script asks for it.
fn offered(shell: &str, words: &[&str]) -> Vec<String> {
    let index = words.len().to_string();
    let variables = [("COMPLETE", shell), ("_CLAP_COMPLETE_INDEX", &index), ("_CLAP_IFS", "\n")];
    let Ran { code, out, .. } = lifecycle_with([&["--", "lifecycle"], words].concat(), &variables, b"");
    assert_eq!(code, 0, "{shell} {words:?}: {out}");
    // Behind a value may stand what it means.
    out.lines().map(|line| line.split(['\t', ':']).next().unwrap().trim().to_owned()).collect()
}

#[test]
fn every_shell_is_offered_commands_events_scenarios_cases_and_platforms() {
    for shell in ["bash", "fish", "zsh"] {
        for (words, expected) in [
            (&[""][..], &["simulate", "send", "inbox"][..]),
            (&["send", ""], &["github", "seismic", "zoom"]),
            (&["send", "seismic", ""], &["install", "enable", "upgrade", "disable", "uninstall"]),
            (&["send", "slack", "url"], &["url_verification"]),
            (&["send", "securityscorecard", ""], &["action"]),
            (&["send", "github", "install", "--d"], &["--dry-run"]),
            (&["send", "github", "install", "--expect", ""], &["acknowledged", "blocked"]),
            (&["scenario", "re"], &["re-install"]),
            (&["scenario", "--print", ""], &["rotation-day", "duplicates"]),
            (&["scenario", "duplicates", "--platform", "g"], &["github"]),
            (&["conformance", "--show", "tampered-r"], &["tampered-reserialized"]),
            (&["conformance", "--filter", "forged-s"], &["forged-slow"]),
            (&["conformance", "--level", ""], &["must", "should", "strict"]),
            (&["inbox", "list", "--state", ""], &["dead", "done", "leased", "pending"]),
            (&["inbox", "list", "--kind", "un"], &["uninstall"]),
            (&["completions", "f"], &["fish"]),
        ] {
            let offered = offered(shell, words);
            for value in expected {
                assert!(offered.iter().any(|own| own == value), "{shell} {words:?}: {value} of {offered:?}");
            }
        }
    }
}

#[test]
fn a_scenario_may_be_a_file_of_any_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.json"), "{}").unwrap();
    let begun = format!("{}/mi", folder.path().display());
    let whole = format!("{}/mine.json", folder.path().display());
    assert_eq!(offered("bash", &["scenario", &begun]), [whole]);
}

#[test]
fn every_shell_gets_a_script_that_asks_the_program() {
    for shell in SHELLS {
        let ran = lifecycle(["completions", shell]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.contains("COMPLETE") && ran.out.contains("lifecycle"), "{shell}: {ran:?}");
    }
}

#[cfg(unix)]
#[test]
fn bash_completes_what_is_typed() {
    if is_missing("bash") {
        return;
    }
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_lifecycle")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let script = r#"source <(lifecycle completions bash)
        COMP_WORDS=(lifecycle send seismic ins) COMP_CWORD=3 COMP_TYPE=9
        _clap_complete_lifecycle lifecycle ins seismic
        printf '%s\n' "${COMPREPLY[@]}""#;
    let output = Command::new("bash").args(["--norc", "-c", script]).env("PATH", path).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "install\n",
        "{:?}",
        String::from_utf8(output.stderr)
    );
}
