#![doc = include_str!("../README.md")]

mod bell;
mod clock;
mod completion;
mod error;
mod installations;
mod migration;
mod postgres;
mod row;
mod runner;
mod session;
mod settings;
mod sql;
mod tls;
mod writer;

pub use error::OpenError;
pub use migration::migrate;
pub use postgres::Postgres;
pub use runner::{TransactionHandler, TransactionRunner};
pub use settings::Settings;
/// The driver, of the version whose `Transaction` a [`TransactionHandler`] gets.
pub use tokio_postgres;
