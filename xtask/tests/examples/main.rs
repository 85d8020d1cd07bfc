//! The example apps as people copy them: how they hold up against strangers, and how they end. What they answer to callbacks
//! is the fixtures' business.

// The apps are built as the tasks build them.
#[path = "../../src/cargo.rs"]
mod cargo;
#[path = "../../src/examples.rs"]
mod examples;

mod app;
mod connections;
mod installation;
mod logs;
mod signals;
mod starving;

/// Any error, which a test unwraps.
type Failure = Box<dyn std::error::Error + Send + Sync>;
