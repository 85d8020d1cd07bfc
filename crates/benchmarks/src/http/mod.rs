//! HTTP: what a face adds to its framework's bare route, over sockets.

use crate::report::Report;
use crate::{Effort, Failure};

pub(crate) fn measure(_effort: Effort) -> Result<Report, Failure> {
    Ok(Report::new("HTTP"))
}
