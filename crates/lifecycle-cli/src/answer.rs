//! Answer: what a command found out, for people and for programs, and whether all was well.

use std::io::Write;
use std::process::ExitCode;

use serde_json::Value;

/// What a command found out.
#[derive(Debug)]
pub(crate) struct Answer {
    /// For people; with colours, which are taken out where they are not wanted.
    pub(crate) text: String,
    /// For programs.
    pub(crate) json: Value,
    /// Whether all was well: exit code 0, or 1.
    pub(crate) well: bool,
}

impl Answer {
    /// Writes it to the standard output.
    pub(crate) fn print(self, as_json: bool) -> ExitCode {
        if as_json {
            write_out(&format!("{:#}\n", self.json));
        } else {
            write_out(&self.text);
        }
        ExitCode::from(u8::from(!self.well))
    }
}

/// Writes to the standard output. A reader that has seen enough, such as `head`, may close the pipe.
pub(crate) fn write_out(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
