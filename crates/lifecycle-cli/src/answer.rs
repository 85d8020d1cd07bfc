//! Answer: what a command found out, for people and for programs, and whether all was well.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::Value;

use crate::failure::Failure;

/// How a command ended, as its exit code tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    /// All is well: 0.
    Well,
    /// Something is wrong: 1.
    Wrong,
    /// The command could not find out: 2, as for one that could not do its work.
    Undecided,
}

impl Exit {
    /// For a command that always finds out.
    pub(crate) const fn well_if(well: bool) -> Self {
        if well { Self::Well } else { Self::Wrong }
    }
}

/// What a command found out.
#[derive(Debug)]
pub(crate) struct Answer {
    /// For people; with colours, which are taken out where they are not wanted.
    pub(crate) text: String,
    /// For programs.
    pub(crate) json: Value,
    pub(crate) exit: Exit,
}

impl Answer {
    /// Writes it to the standard output.
    pub(crate) fn print(self, as_json: bool) -> ExitCode {
        let text = if as_json { format!("{:#}\n", self.json) } else { self.text };
        if let Err(error) = write_out(&text) {
            let next = "check the space that is left where it goes";
            return Failure::new(format!("the output cannot be written: {error}"), next).print(false);
        }
        ExitCode::from(match self.exit {
            Exit::Well => 0,
            Exit::Wrong => 1,
            Exit::Undecided => 2,
        })
    }
}

/// Writes to the standard output. A reader that has seen enough, such as `head`, may close the pipe.
pub(crate) fn write_out(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
