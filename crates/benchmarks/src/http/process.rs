//! Process: a server as a process of its own, and the CPU that it runs on.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread::available_parallelism;
use std::time::Duration;

use super::callback::SECRET;
use crate::Failure;

/// The CPU of the servers, and that of the load.
const CPUS: [&str; 2] = ["0", "1"];

/// A server that runs; it ends when this is dropped.
pub(super) struct Process {
    child: Child,
    pub(super) address: SocketAddr,
}

/// Where processes run. While it lives, servers and load have a CPU each, if the machine allows that.
pub(super) struct Cpus {
    /// Those of this process, to be restored.
    own: Option<String>,
}

impl Cpus {
    /// Keeps this process to its CPU, which is to be the load.
    pub(super) fn apart() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let own = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let several = available_parallelism().is_ok_and(|cpus| cpus.get() > 1);
        Self { own: own.map(|list| list.trim().to_owned()).filter(|_| several && keep_to(CPUS[1])) }
    }

    /// For the note of a table.
    pub(super) fn note(&self) -> &'static str {
        match self.own {
            Some(_) => "Server and load have a CPU each.",
            None => "Server and load share CPUs, as `taskset` or a second CPU is missing: expect noise.",
        }
    }

    /// The server that the words name.
    pub(super) fn server(&self, words: &[&str]) -> std::io::Result<Command> {
        let program = std::env::current_exe()?.with_file_name("benchmark-server");
        let mut command = match self.own {
            Some(_) => Command::new("taskset"),
            None => Command::new(&program),
        };
        if self.own.is_some() {
            command.args(["-c", CPUS[0]]).arg(program);
        }
        command.args(words).env("SIGNING_SECRET", SECRET);
        Ok(command)
    }
}

impl Drop for Cpus {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            keep_to(own);
        }
    }
}

fn keep_to(cpus: &str) -> bool {
    let pid = std::process::id().to_string();
    let status = Command::new("taskset").args(["-cp", cpus, &pid]).stdout(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

impl Process {
    pub(super) fn start(mut command: Command) -> Result<Self, Failure> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let address = line.trim().parse().map_err(|_| format!("{command:?} did not start"))?;
        Ok(Self { child, address })
    }

    /// The CPU time that all its threads have used. Only Linux tells it in nanoseconds.
    pub(super) fn cpu_time(&self) -> Result<Duration, Failure> {
        let mut nanos = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let stat = fs::read_to_string(thread?.path().join("schedstat"))?;
            nanos += stat.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take()); // it ends by that
        let _ = self.child.wait();
    }
}
