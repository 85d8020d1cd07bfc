//! Flush: a disk that flushes as slowly as a real one, so that ratios repeat on any machine.
//!
//! Virtual disks often take a flush at its word and answer at once. A small library, preloaded into a program, makes
//! every `fsync` and `fdatasync` of it and of its children last longer.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::Failure;

const SOURCE: &str = include_str!("slow_flush.c");

/// The library, for as long as this value lives.
pub(crate) struct SlowFlush(TempDir);

impl SlowFlush {
    /// Compiles it, with the system's `cc`.
    pub(crate) fn build() -> Result<Self, Failure> {
        // PostgreSQL runs as another user, who has to read it.
        let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir()?;
        let source = folder.path().join("slow_flush.c");
        std::fs::write(&source, SOURCE)?;
        let built = Self(folder);
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O2", "-o"]).arg(built.library()).arg(source);
        if !cc.status().map_err(|error| format!("cc: {error}"))?.success() {
            return Err("cc could not compile the library that slows flushes".into());
        }
        Ok(built)
    }

    /// Makes each flush of this program and of its children last so much longer. Programs that run as another user than
    /// the file they are started from are left as they are.
    pub(crate) fn slow<'a>(&self, command: &'a mut Command, delay: Duration) -> &'a mut Command {
        command.env("LD_PRELOAD", self.library()).env("SLOW_FLUSH_NANOS", delay.as_nanos().to_string())
    }

    fn library(&self) -> PathBuf {
        self.0.path().join("slow_flush.so")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_flush_lasts_longer_by_the_delay() {
        let slow = SlowFlush::build().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let delay = Duration::from_millis(300);
        for way in [&["--data"][..], &[]] {
            let mut sync = Command::new("sync");
            let started = Instant::now();
            let status = slow.slow(&mut sync, delay).args(way).arg(file.path()).status().unwrap();
            assert!(status.success(), "{way:?}");
            assert!(started.elapsed() >= delay, "{way:?} took {:?}", started.elapsed());
        }
    }
}
