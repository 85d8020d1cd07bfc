//! HTTP: what a route adds to its framework's bare route, over sockets, under a flood and with a disk.

mod callback;
mod durable;
mod flood;
mod load;
mod process;
mod routes;

use tokio::runtime::Builder;

use crate::report::Report;
use crate::{Effort, Failure};
use process::Cpus;

pub(crate) fn measure(effort: Effort) -> Result<Report, Failure> {
    let mut report = Report::new("HTTP");
    let cpus = Cpus::apart();
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        routes::measure(effort, &cpus, &mut report).await?;
        flood::measure(effort, &cpus, &mut report).await?;
        durable::measure(effort, &cpus, &mut report).await
    })?;
    Ok(report)
}
