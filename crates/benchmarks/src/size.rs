//! Size: what a library brings into a build.

use crate::report::Report;
use crate::{Effort, Failure};

pub(crate) fn measure(_effort: Effort) -> Result<Report, Failure> {
    Ok(Report::new("Size"))
}
