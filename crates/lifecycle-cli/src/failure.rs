//! Failure: why a command could not do its work, in one line that says what to do next.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::answer::write_out;
use crate::shown::{ERROR, one_line};

/// Why a command could not do its work. It never holds a secret, a signature or a payload.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    message: String,
    next: String,
}

impl Failure {
    /// What went wrong, and what to do next.
    pub(crate) fn new(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { message: message.into(), next: next.into() }
    }

    /// A file that cannot be read.
    pub(crate) fn unreadable(file: &Path, error: &std::io::Error) -> Self {
        Self::new(format!("cannot read {}: {error}", file.display()), "check the path and its permissions")
    }

    /// A file that cannot be written.
    pub(crate) fn unwritable(file: &Path, error: &std::io::Error) -> Self {
        Self::new(
            format!("cannot write {}: {error}", file.display()),
            "check the path, its permissions and the space left",
        )
    }

    /// The same, of what went wrong when something was done already.
    pub(crate) fn after(self, done: &str) -> Self {
        Self { message: format!("{} (after {done})", self.message), next: self.next }
    }

    /// Writes it to the standard error and, where JSON is asked for, to the standard output too: exit code 2.
    pub(crate) fn print(&self, as_json: bool) -> ExitCode {
        if as_json {
            let document = json!({"error": {"message": self.message, "next": self.next}});
            let _ = write_out(&format!("{document:#}\n")); // the error is told below, too
        }
        let line = one_line(&self.to_string());
        let _ = writeln!(anstream::stderr(), "{ERROR}error:{ERROR:#} {line}"); // there is nowhere else to say it
        ExitCode::from(2)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.next)
    }
}
