//! Opening the database: whose it is, which version, safe on every commit, and in use by one program at a time.

use std::path::Path;
use std::time::Duration;

use lifecycle_core::{securityscorecard, seismic};
use lifecycle_vault::Keyring;
use rusqlite::{Connection, ErrorCode, params};

use super::tenants;
use crate::delivery::{Cause, Effect, State};
use crate::error::Error;
use crate::key_file::{self, private};
use crate::platform::Platform;
use crate::tenant::Tenant;

/// Marks the file as the simulator's: "lcyc" in ASCII.
const APPLICATION_ID: i32 = 0x6c63_7963;
/// The versions of the schema, with what each adds to the one before.
const VERSIONS: [(u32, &str); 3] = [
    (1, include_str!("schema.sql")),
    (2, include_str!("to_version_2.sql")),
    (3, include_str!("to_version_3.sql")),
];
/// The place of what only the database's own key opens.
const KEY_CHECK: &[u8] = b"vault_check";

pub(super) fn open(path: &Path, key: &Path) -> Result<(Connection, Keyring), Error> {
    let failed = |error: rusqlite::Error| failure(path, &error);
    let fresh =
        private().create(true).append(true).open(path).and_then(|file| Ok(file.metadata()?.len() == 0));
    let fresh = fresh.map_err(|error| Error::Database { path: path.into(), reason: error.to_string() })?;
    let mut connection = Connection::open(path).map_err(failed)?;
    if !fresh {
        recognize(&connection, path)?;
    }
    let prepare = |connection: &Connection| {
        // Long enough for one that is just ending.
        connection.busy_timeout(Duration::from_secs(1))?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "secure_delete", true)?;
        // Takes the lock that the exclusive mode keeps.
        connection.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))
    };
    let version = prepare(&connection).map_err(failed)?;
    if VERSIONS.iter().all(|(known, _)| *known < version) {
        return Err(Error::NewerDatabase(path.into()));
    }
    let keyring = key_file::open(key, version == 0)?;
    if version == 0 {
        let check = keyring
            .seal_at(KEY_CHECK, b"")
            .map_err(|error| Error::Database { path: path.into(), reason: error.to_string() })?;
        create(&mut connection, &check).map_err(failed)?;
    } else {
        check_key(&connection, &keyring, key, failed)?;
        let transaction = connection.transaction().map_err(failed)?;
        bring_up(&transaction, version).and_then(|()| transaction.commit()).map_err(failed)?;
    }
    interrupt(&connection).map_err(failed)?;
    Ok((connection, keyring))
}

/// Refuses another program's file before anything is written to it.
fn recognize(connection: &Connection, path: &Path) -> Result<(), Error> {
    let read = || {
        let application =
            connection.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0))?;
        let tables =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        Ok((application, tables))
    };
    match read().map_err(|error: rusqlite::Error| failure(path, &error))? {
        (APPLICATION_ID, _) | (0, 0) => Ok(()),
        _ => Err(Error::ForeignDatabase(path.into())),
    }
}

fn create(connection: &mut Connection, check: &[u8]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    bring_up(&transaction, 0)?;
    transaction.execute("INSERT INTO vault_check VALUES (1, ?1)", [check])?;
    // Those of other platforms come with the first app there.
    for platform in [&seismic::PLATFORM, &securityscorecard::PLATFORM] {
        for tenant in Tenant::first(Platform::of(platform)) {
            tenants::insert(&transaction, &tenant)?;
        }
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()
}

/// From this version to the present one.
fn bring_up(connection: &Connection, version: u32) -> rusqlite::Result<()> {
    for (number, added) in VERSIONS.iter().filter(|(number, _)| *number > version) {
        connection.execute_batch(added)?;
        connection.pragma_update(None, "user_version", number)?;
    }
    Ok(())
}

fn check_key(
    connection: &Connection,
    keyring: &Keyring,
    key: &Path,
    failed: impl Fn(rusqlite::Error) -> Error,
) -> Result<(), Error> {
    let sealed = connection
        .query_row("SELECT sealed FROM vault_check", [], |row| row.get::<_, Vec<u8>>(0))
        .map_err(failed)?;
    keyring.open_at(KEY_CHECK, &sealed).map_err(|_| Error::KeyWrong(key.into()))?;
    Ok(())
}

/// What was on its way when the program ended got no answer that counts.
fn interrupt(connection: &Connection) -> rusqlite::Result<()> {
    let cause = Cause::new("interrupted", "the simulator was stopped before an answer came");
    connection.execute(
        "UPDATE delivery SET state = ?1, cause = ?2, effect = iif(role = 'action' AND forgery IS NULL, ?3, effect) WHERE state = ?4",
        params![
            super::word(State::Failed),
            super::json(&cause),
            super::word(Effect::Blocked),
            super::word(State::Sending)
        ],
    )?;
    Ok(())
}

fn failure(path: &Path, error: &rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::InUse(path.into()),
        Some(ErrorCode::NotADatabase) => Error::ForeignDatabase(path.into()),
        _ => Error::Database { path: path.into(), reason: error.to_string() },
    }
}
