//! Store: the state of the marketplace in one SQLite file.

mod apps;
mod database;
mod deliveries;
mod history;
mod installations;
mod secrets;
mod settings;
mod tenants;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lifecycle_vault::{Keyring, SealError};
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

pub(crate) use deliveries::{Finish, KEPT, NewDelivery};
pub(crate) use history::{Bucket, Counts, Filter};

/// The database and the keyring that seals the secrets in it. Its calls block for as long as a write takes to be safe.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Mutex<Connection>,
    keyring: Keyring,
}

/// Why the database could not do as it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    #[error("a row holds what no version of the simulator wrote")]
    Damaged,
    #[error("{0}")]
    Seal(#[from] SealError),
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl Store {
    /// Opens the database, or makes a new one, with the key in its own file.
    pub(crate) fn open(path: &Path, key: &Path) -> Result<Self, Error> {
        let (connection, keyring) = database::open(path, key)?;
        Ok(Self { connection: Mutex::new(connection), keyring })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic cannot leave a transaction half done: its guard rolls it back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value as a JSON column.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("these values have text keys")
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, EngineError> {
    serde_json::from_str(text).map_err(|_| EngineError::Damaged)
}

/// A word of a closed set as a text column.
fn word<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn parse_word<T: DeserializeOwned>(word: String) -> Result<T, EngineError> {
    serde_json::from_value(serde_json::Value::String(word)).map_err(|_| EngineError::Damaged)
}
