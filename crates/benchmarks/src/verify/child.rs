//! Child: a program that takes its turn with the cases of this process.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{self, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::Failure;
use crate::measure::Case;

/// A count comes in on a line, and after so many calls the nanoseconds of CPU time go out on another.
pub(super) struct Child {
    process: process::Child,
    counts: ChildStdin,
    times: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts it and lets it make a first call, so that one that cannot is known before anything is measured.
    pub(super) fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(counts), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("a child has no pipes".into());
        };
        let mut child = Self { process, counts, times: BufReader::new(answers).lines() };
        child.time(1)?;
        Ok(child)
    }

    pub(super) fn case(mut self, name: &str) -> Case<'static> {
        Case { name: name.to_owned(), run: Box::new(move |times| self.time(times)) }
    }

    fn time(&mut self, times: u32) -> Result<Duration, Failure> {
        writeln!(self.counts, "{times}")?;
        let answer = self.times.next().ok_or("a child ended")??;
        Ok(Duration::from_nanos(answer.parse()?))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
