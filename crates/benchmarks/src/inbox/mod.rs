//! Inbox: what a durable acknowledgement costs, against the disk's limit.

mod acknowledgements;
mod callbacks;
mod claims;
pub(crate) mod durable;
pub(crate) mod flush;
mod goals;
mod growth;
mod history;
mod senders;
mod snapshot;
mod stores;
mod tables;

use std::time::Duration;

use acknowledgements::Acknowledgements;
use claims::Claims;
use durable::Disk;
use flush::SlowFlush;
use growth::Growth;
use snapshot::Snapshot;

use crate::report::Report;
use crate::{Effort, Failure};

/// A flush of an ordinary disk.
const DELAY: Duration = Duration::from_millis(2);

pub(crate) fn measure(effort: Effort) -> Result<Report, Failure> {
    let mut report = Report::new("Durable acknowledgement");
    let library = SlowFlush::build()?;
    let slow = Disk::Slow(&library, DELAY);

    let acknowledged: Acknowledgements = slow.measure(effort)?;
    report.table(tables::acknowledgements("with a flush of 2 ms", &acknowledged));
    report.table(tables::acknowledgements("as it is", &Disk::AsIs.measure(effort)?));
    let claims: [Claims; 2] = [slow.measure(effort)?, Disk::AsIs.measure(effort)?];
    report.table(tables::claims(&claims));
    let growth: Growth = Disk::AsIs.measure(effort)?;
    report.table(tables::growth(&growth));
    let snapshot: Snapshot = Disk::AsIs.measure(effort)?;
    report.table(tables::snapshot(&snapshot));

    for goal in goals::of(&acknowledged, &growth, &snapshot) {
        report.goal(goal);
    }
    Ok(report)
}
