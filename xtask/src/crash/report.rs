//! Report: what came of a round, in one line where all is well.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::incident::Incident;

/// The most faults that are printed.
const SHOWN: usize = 20;

/// What came of it.
pub(crate) struct Report {
    pub(crate) apps: String,
    pub(crate) incident: Incident,
    pub(crate) kills: usize,
    pub(crate) acknowledged: usize,
    pub(crate) in_doubt: usize,
    pub(crate) in_doubt_handled: usize,
    pub(crate) duplicates: usize,
    pub(crate) took: Duration,
    pub(crate) faults: Vec<String>,
    /// Where the logs of a failed round are.
    pub(crate) kept: Option<PathBuf>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { apps, incident, kills, acknowledged, in_doubt, in_doubt_handled, duplicates, .. } = self;
        write!(
            f,
            "{apps}, {}: {kills} kills, {acknowledged} acknowledged, {in_doubt} in doubt ({in_doubt_handled} handled), \
             {duplicates} duplicates, {:.1} s",
            incident.name(),
            self.took.as_secs_f32()
        )?;
        if self.faults.is_empty() {
            return Ok(());
        }
        write!(f, " FAILED")?;
        for fault in self.faults.iter().take(SHOWN) {
            write!(f, "\n    {fault}")?;
        }
        if let Some(more) = self.faults.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            write!(f, "\n    and {more} more")?;
        }
        match &self.kept {
            Some(folder) => write!(f, "\n    logs are in {}", folder.display()),
            None => Ok(()),
        }
    }
}
