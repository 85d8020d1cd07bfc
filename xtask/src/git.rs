//! Git, asked about this repository.

use std::process::{Command, Stdio};

use crate::Failure;

/// What it prints.
pub(crate) fn git(words: &[&str]) -> Result<String, Failure> {
    let mut git = Command::new("git");
    git.args(words).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let output = git.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("git {}: {}", words.join(" "), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}
