//! Machine: on what it was measured, for a reader who wants to compare.

use std::fs;
use std::process::Command;

use serde::Serialize;

/// On what a report was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
    rustc: String,
    /// Of the last minute, when the part began: 0 is a quiet machine.
    load: String,
}

impl Machine {
    pub(crate) fn read() -> Self {
        let file = |path| fs::read_to_string(path).unwrap_or_default();
        let cpu = file("/proc/cpuinfo")
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned());
        let rustc = Command::new("rustc").arg("--version").output();
        Self {
            cpu,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
            rustc: rustc
                .map_or_else(|_| String::new(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned()),
            load: file("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        }
    }

    /// One line, to stand over tables.
    pub(crate) fn line(&self) -> String {
        let Self { cpu, cores, kernel, rustc, load } = self;
        format!("{cpu}, {cores} cores, Linux {kernel}, {rustc}, load {load}")
    }
}
