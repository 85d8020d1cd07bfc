//! Report file: a file for a report, opened before the run that it is about.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file for a report. It is opened before anything is sent, so that a path that cannot be written costs no run, and
/// keeps what it holds until the report is there.
#[derive(Debug)]
pub struct ReportFile {
    path: PathBuf,
    file: File,
    /// Whether it is new and still empty, so that a run without a report leaves nothing behind.
    is_made: bool,
}

impl ReportFile {
    /// Opens it for writing, and makes it if there is none.
    ///
    /// # Errors
    /// What [`File::open`] and the path allow for.
    pub fn open(path: &Path) -> io::Result<Self> {
        let is_made = !path.exists();
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        Ok(Self { path: path.to_owned(), file, is_made })
    }

    /// Replaces what it holds.
    ///
    /// # Errors
    /// When the disk is full, for one.
    pub fn write(mut self, report: &str) -> io::Result<()> {
        if self.file.metadata()?.is_file() {
            self.file.set_len(0)?; // a pipe or a terminal holds nothing
        }
        self.file.write_all(report.as_bytes())?;
        self.is_made = false;
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        if self.is_made {
            let _ = fs::remove_file(&self.path); // it is empty, and only untidy
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_cannot_be_written_is_told_before_the_run() {
        let folder = tempfile::tempdir().unwrap();
        assert!(ReportFile::open(&folder.path().join("missing/report.xml")).is_err());
        assert!(ReportFile::open(folder.path()).is_err(), "a folder");
    }

    #[test]
    fn an_older_report_stays_until_the_new_one_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.xml");
        drop(ReportFile::open(&path).unwrap());
        assert!(!path.exists(), "a run without a report leaves nothing behind");
        ReportFile::open(&path).unwrap().write("a long report").unwrap();
        drop(ReportFile::open(&path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "a long report");
        ReportFile::open(&path).unwrap().write("short").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "short");
    }
}
