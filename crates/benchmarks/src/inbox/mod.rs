//! Inbox: what a durable acknowledgement costs, against the disk's limit.

pub(crate) mod flush;

use crate::report::Report;
use crate::{Effort, Failure};

pub(crate) fn measure(_effort: Effort) -> Result<Report, Failure> {
    Ok(Report::new("Durable acknowledgement"))
}
