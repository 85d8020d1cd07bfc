//! Durable: what is measured runs in a process of its own, because a slow disk is one that its process was started with.

use std::process::{Command, Stdio};
use std::time::Duration;

use lexopt::ValueExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::acknowledgements::Acknowledgements;
use super::claims::Claims;
use super::flush::SlowFlush;
use super::growth::Growth;
use super::snapshot::Snapshot;
use crate::{Effort, Failure};

/// The first argument of such a process, which no user gives.
pub(crate) const NAME: &str = "durable";

/// What one process measures, under its second argument.
pub(crate) trait Measured: Serialize + DeserializeOwned {
    const NAME: &'static str;
}

impl Measured for Acknowledgements {
    const NAME: &'static str = "acknowledgements";
}

impl Measured for Claims {
    const NAME: &'static str = "claims";
}

impl Measured for Growth {
    const NAME: &'static str = "growth";
}

impl Measured for Snapshot {
    const NAME: &'static str = "snapshot";
}

/// A disk: this machine's as it is, or with flushes that last longer.
pub(crate) enum Disk<'a> {
    AsIs,
    Slow(&'a SlowFlush, Duration),
}

impl Disk<'_> {
    /// Has a process measure on this disk.
    pub(crate) fn measure<T: Measured>(&self, effort: Effort) -> Result<T, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([NAME, T::NAME]).stderr(Stdio::inherit());
        if effort == Effort::Quick {
            command.arg("--quick");
        }
        if let Self::Slow(library, delay) = self {
            library.slow(&mut command, *delay);
        }
        let output = command.output()?;
        if !output.status.success() {
            return Err(format!("{} could not be measured", T::NAME).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// What such a process does: measures, and prints it as JSON.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<(), Failure> {
    let name = arguments.value()?.string()?;
    let effort = if arguments.next()?.is_some() { Effort::Quick } else { Effort::Full };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let json = runtime.block_on(async {
        Ok::<_, Failure>(match name.as_str() {
            Acknowledgements::NAME => serde_json::to_string(&Acknowledgements::measure(effort).await?)?,
            Claims::NAME => serde_json::to_string(&Claims::measure(effort).await?)?,
            Growth::NAME => serde_json::to_string(&Growth::measure(effort).await?)?,
            Snapshot::NAME => serde_json::to_string(&Snapshot::measure(effort).await?)?,
            other => return Err(format!("nothing durable is called {other}").into()),
        })
    })?;
    println!("{json}");
    Ok(())
}
