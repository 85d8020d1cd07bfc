//! Step: one command of a task, with a heading and the time that it took.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use std::{env, thread};

use crate::Failure;
use crate::cargo::cargo;

/// Runs `cargo` with these words, split at spaces.
pub(crate) fn run_cargo(words: &str) -> Result<(), Failure> {
    run(cargo().args(words.split_whitespace()), &format!("cargo {words}"))
}

/// Installs `cargo NAME` in this version, where there is none.
pub(crate) fn tool(name: &str, version: &str) -> Result<(), Failure> {
    let mut asked = cargo();
    asked.args([name, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if asked.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    run_cargo(&format!("install cargo-{name} --version {version} --locked --quiet"))
}

/// Runs a command to its end. What it prints is seen as it prints it.
pub(crate) fn run(command: &mut Command, heading: &str) -> Result<(), Failure> {
    println!("== {heading}");
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("{heading}: {error}"))?;
    if !status.success() {
        return Err(format!("{heading}: {status}").into());
    }
    println!("== {:.0} s", start.elapsed().as_secs_f32());
    Ok(())
}

/// A command that runs beside others. What it prints is kept: all of it is shown if it fails, else what it
/// warns of and its last line.
pub(crate) struct Step {
    heading: String,
    command: Command,
}

/// Steps, and how many of them run at a time.
pub(crate) struct Queue {
    pub(crate) steps: VecDeque<Step>,
    pub(crate) at_a_time: usize,
}

impl Step {
    pub(crate) fn new(heading: impl Into<String>, command: Command) -> Self {
        Self { heading: heading.into(), command }
    }

    /// `cargo` with these words, split at spaces.
    pub(crate) fn cargo(words: &str) -> Self {
        let mut command = cargo();
        command.args(words.split_whitespace());
        Self::new(format!("cargo {words}"), command)
    }

    /// Another task of this program, with these words, split at spaces.
    pub(crate) fn task(words: &str) -> Self {
        // Its name and not its file: the tests' build puts another file in the place of the one that runs.
        let mut command = Command::new(env::args_os().next().unwrap_or_default());
        command.args(words.split_whitespace());
        Self::new(format!("cargo xtask {words}"), command)
    }

    pub(crate) fn env(mut self, variable: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(variable, value);
        self
    }

    pub(crate) fn env_remove(mut self, variable: &str) -> Self {
        self.command.env_remove(variable);
        self
    }

    /// The same, giving way to what runs beside it.
    pub(crate) fn gives_way(self) -> Self {
        if !cfg!(unix) {
            return self;
        }
        let mut nice = Command::new("nice");
        nice.arg(self.command.get_program()).args(self.command.get_args());
        for (variable, value) in self.command.get_envs() {
            match value {
                Some(value) => nice.env(variable, value),
                None => nice.env_remove(variable),
            };
        }
        Self::new(self.heading, nice)
    }

    /// Whether it succeeded.
    fn run(&mut self) -> bool {
        let start = Instant::now();
        let ran = self.keep();
        let seconds = start.elapsed().as_secs_f32();
        let heading = &self.heading;
        match ran {
            Ok((true, printed)) => {
                let warnings = printed.split_inclusive('\n').filter(|line| line.starts_with("warning"));
                let warnings: String = warnings.collect();
                let last = printed.trim_end().lines().next_back().map(|last| format!("; {last}"));
                println!("{warnings}== {heading}: {seconds:.0} s{}", last.unwrap_or_default());
                return true;
            }
            Ok((false, printed)) => {
                println!(
                    "== {heading}: FAILED after {seconds:.0} s\n{}\n== until here: {heading}",
                    printed.trim_end()
                );
            }
            Err(error) => println!("== {heading}: FAILED: {error}"),
        }
        false
    }

    /// Runs it to its end: whether it succeeded, and what it printed. A file takes that and no pipe, which a process that
    /// it left behind would keep open.
    fn keep(&mut self) -> io::Result<(bool, String)> {
        let mut file: File = tempfile::tempfile()?;
        let command = self.command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file.try_clone()?);
        let status = command.status()?;
        file.rewind()?;
        let mut printed = Vec::new();
        file.read_to_end(&mut printed)?;
        Ok((status.success(), String::from_utf8_lossy(&printed).into_owned()))
    }
}

/// Runs the steps of all queues, also after one has failed, and gives the headings of those that failed.
pub(crate) fn run_queues(queues: Vec<Queue>) -> Vec<String> {
    let failed = Mutex::new(Vec::new());
    let queues: Vec<_> = queues.into_iter().map(|queue| (queue.at_a_time, Mutex::new(queue.steps))).collect();
    thread::scope(|scope| {
        for (at_a_time, steps) in &queues {
            for _ in 0..*at_a_time {
                scope.spawn(|| {
                    while let Some(mut step) = { locked(steps).pop_front() } {
                        if !step.run() {
                            locked(&failed).push(step.heading);
                        }
                    }
                });
            }
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
