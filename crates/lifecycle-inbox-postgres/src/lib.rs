#![doc = include_str!("../README.md")]

mod batcher;
mod clock;
mod ending;
mod endings;
mod engine;
mod error;
mod handler;
mod hosts;
mod installations;
mod low_water;
mod migration;
mod notifier;
mod quiet;
mod row;
mod runner;
mod secrets;
mod session;
mod settings;
mod sql;
mod tls;
mod url;
mod writer;

pub use engine::PostgresEngine;
pub use error::OpenError;
pub use handler::TransactionalHandler;
pub use runner::PostgresRunner;
pub use settings::Settings;
/// The driver, of the version whose `Transaction` a [`TransactionalHandler`] gets.
pub use tokio_postgres;
