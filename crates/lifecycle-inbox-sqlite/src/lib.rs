#![doc = include_str!("../README.md")]

mod checkpoints;
mod claims;
mod columns;
mod content;
mod deliveries;
mod engine;
mod files;
mod handler;
mod installations;
mod job;
mod open;
mod operations;
mod readers;
mod runner;
mod schema;
mod secrets;
mod url;
mod writer;

pub use engine::SqliteEngine;
pub use handler::{Transaction, TransactionalHandler};
pub use open::OpenError;
pub use runner::SqliteRunner;
/// The version of `rusqlite` that a [`Transaction`] is of.
pub use rusqlite;
pub use url::path_from_url;
