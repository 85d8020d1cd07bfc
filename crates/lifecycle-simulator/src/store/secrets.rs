//! Secrets in the database: sealed on the way in, opened for the one request that needs them.

use rusqlite::{Connection, OptionalExtension, params};
use zeroize::Zeroizing;

use super::{EngineError, Store};
use crate::moment::Moment;

/// The key and the value of a secret of an installation.
pub(crate) type Pair = (String, Zeroizing<String>);

impl Store {
    /// A signing secret of an app.
    pub(crate) fn signing_secret(
        &self,
        app: i64,
        number: i64,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, EngineError> {
        let sql = "SELECT sealed FROM signing_secret WHERE app = ?1 AND number = ?2";
        let sealed: Option<Vec<u8>> =
            self.lock().query_row(sql, [app, number], |row| row.get(0)).optional()?;
        sealed.map(|sealed| self.open_secret(&signing_place(app, number), &sealed)).transpose()
    }

    /// Makes a new secret the current one. The one before counts until then, those before it no more.
    pub(crate) fn rotate(&self, app: i64, secret: &[u8], until: Moment) -> Result<(), EngineError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        // Where the test key signed, the first secret takes its place.
        let sql = "SELECT coalesce(max(number), 0) FROM signing_secret WHERE app = ?1";
        let current: i64 = transaction.query_row(sql, [app], |row| row.get(0))?;
        let sql = "UPDATE signing_secret SET until = ?3 WHERE app = ?1 AND number = ?2";
        transaction.execute(sql, params![app, current, until.0])?;
        transaction.execute("DELETE FROM signing_secret WHERE app = ?1 AND number < ?2", [app, current])?;
        self.insert_secret(&transaction, app, current + 1, secret)?;
        Ok(transaction.commit()?)
    }

    /// Ends the time in which the secret before the current one counts.
    pub(crate) fn end_rotation(&self, app: i64) -> Result<(), EngineError> {
        self.lock().execute("DELETE FROM signing_secret WHERE app = ?1 AND until IS NOT NULL", [app])?;
        Ok(())
    }

    pub(super) fn insert_secret(
        &self,
        connection: &Connection,
        app: i64,
        number: i64,
        secret: &[u8],
    ) -> Result<(), EngineError> {
        let sealed = self.keyring.seal_at(signing_place(app, number).as_bytes(), secret)?;
        let sql = "INSERT INTO signing_secret (app, number, sealed) VALUES (?1, ?2, ?3)";
        connection.execute(sql, params![app, number, sealed])?;
        Ok(())
    }

    /// The secrets of an installation, in the order of their keys.
    pub(crate) fn installation_secrets(&self, installation: i64) -> Result<Vec<Pair>, EngineError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT key, sealed FROM installation_secret WHERE installation = ?1 ORDER BY key",
        )?;
        let rows = statement.query_map([installation], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.map(|row| {
            let (key, sealed): (String, Vec<u8>) = row?;
            let value = self.open_secret(&place(installation, &key), &sealed)?;
            let value = String::from_utf8(value.to_vec()).map_err(|_| EngineError::Damaged)?;
            Ok((key, Zeroizing::new(value)))
        })
        .collect()
    }

    fn open_secret(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        let opened = self.keyring.open_at(place.as_bytes(), sealed).map_err(|_| EngineError::Damaged)?;
        Ok(Zeroizing::new(opened.as_bytes().to_vec()))
    }

    /// Replaces the secrets of an installation by those that came with its data.
    pub(crate) fn complete_installation(
        &self,
        installation: i64,
        secrets: &[Pair],
    ) -> Result<(), EngineError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute("DELETE FROM installation_secret WHERE installation = ?1", [installation])?;
        for (key, value) in secrets {
            let sealed = self.keyring.seal_at(place(installation, key).as_bytes(), value.as_bytes())?;
            let sql = "INSERT INTO installation_secret (installation, key, sealed) VALUES (?1, ?2, ?3)";
            transaction.execute(sql, params![installation, key, sealed])?;
        }
        let sql = "UPDATE installation SET completed_at = ?2 WHERE id = ?1";
        transaction.execute(sql, [installation, Moment::now().0])?;
        Ok(transaction.commit()?)
    }
}

fn signing_place(app: i64, number: i64) -> String {
    format!("signing_secret/{app}/{number}")
}

fn place(installation: i64, key: &str) -> String {
    format!("installation_secret/{installation}/{key}")
}
