//! Program: runs the built program and keeps what it printed.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// A secret that receivers in these tests share with the sender.
pub(crate) const SECRET: &str = "seismic-demo-signing-secret-1";

/// What is made again for each request, as filters of snapshots.
pub(crate) const MADE_ANEW: [(&str, &str); 10] = [
    (r"date: [A-Z].*", "date: [time]"),
    (r"lifecycle/\d+\.\d+\.\d+", "lifecycle/[version]"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:[port]"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[uuid]"),
    (r"eyJ[\w-]+\.[\w-]*\.[\w-]+", "[token]"),
    (r"[0-9a-f]{64,}", "[hex]"),
    (r"[A-Za-z0-9+/]{43}=", "[base64]"),
    (r"[0-9a-f]{32}", "[id]"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)?", "[time]"),
    (r"\b1[789]\d{8}(\d{3})?\b", "[time]"),
];

/// What the program did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The JSON that it printed.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs it with these arguments, without a secret in the environment.
pub(crate) fn lifecycle<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    lifecycle_with(arguments, &[], b"")
}

/// Runs it with these arguments, variables and standard input.
pub(crate) fn lifecycle_with<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
    variables: &[(&str, &str)],
    input: &[u8],
) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lifecycle"));
    for name in ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    let mut child = command
        .args(arguments)
        .env_remove("SEISMIC_SIGNING_SECRET")
        .env_remove("SEISMIC_SIGNING_SECRET_FILE")
        .env_remove("DATABASE_URL")
        .env_remove("DATABASE_URL_FILE")
        .env_remove("CLICOLOR_FORCE")
        .env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env_remove("COLUMNS") // it would change where help is wrapped
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end without reading.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let ran = Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    assert!(!ran.err.contains("panicked"), "{ran:?}");
    ran
}

/// What differs from run to run, replaced: ports, milliseconds.
pub(crate) fn redacted(text: &str) -> String {
    let mut redacted = String::new();
    for line in text.lines() {
        let words = line.split(' ').collect::<Vec<_>>();
        let mut shown = Vec::new();
        for (place, word) in words.iter().enumerate() {
            let number = word.trim_matches(|letter: char| !letter.is_ascii_digit());
            let is_millis = words.get(place + 1).is_some_and(|next| next.starts_with("ms"));
            let is_field = place > 0
                && matches!(words[place - 1], "\"latency_ms\":" | "\"max\":" | "\"median\":" | "\"p99\":");
            let is_own = (is_millis || is_field) && *word != "3000" && !number.is_empty();
            let word = if is_own { word.replace(number, "[n]") } else { (*word).to_owned() };
            shown.push(match word.split_once("http://127.0.0.1:") {
                Some((before, after)) => {
                    let path = after.find('/').map_or("", |place| &after[place..]);
                    format!("{before}http://127.0.0.1:[port]{path}")
                }
                None => word,
            });
        }
        redacted.push_str(shown.join(" ").trim_end());
        redacted.push('\n');
    }
    redacted.trim_end().to_owned()
}
