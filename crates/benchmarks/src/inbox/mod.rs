//! Inbox: what a durable acknowledgement costs, against the disk's limit.

use crate::report::Report;
use crate::{Effort, Failure};

pub(crate) fn measure(_effort: Effort) -> Result<Report, Failure> {
    Ok(Report::new("Durable acknowledgement"))
}
