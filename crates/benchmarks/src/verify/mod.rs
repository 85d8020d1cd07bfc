//! Verify: what judging one callback costs, against the limit and other libraries.

use crate::report::Report;
use crate::{Effort, Failure};

pub(crate) fn measure(_effort: Effort) -> Result<Report, Failure> {
    Ok(Report::new("Verification"))
}
