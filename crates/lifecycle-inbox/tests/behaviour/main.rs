//! What the inbox and its workers do, over the engine in memory, in a time that passes only while everybody waits.

mod accepting;
mod clocks;
mod enabled;
mod failing;
mod leasing;
mod model;
mod observing;
mod platforms;
mod retrying;
mod support;
#[cfg(feature = "metrics")]
mod telemetry;
mod working;
