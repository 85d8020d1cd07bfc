//! Apps in the database.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{EngineError, Store, json, parse};
use crate::app::{App, PreviousSecret, Registration, Signing};
use crate::moment::Moment;

const SELECT: &str = "SELECT id, name, app_id, registration, created_at FROM app";

impl Store {
    pub(crate) fn apps(&self) -> Result<Vec<App>, EngineError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY id"))?;
        let rows = statement.query_map([], raw)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(|row| read(&connection, row)).collect()
    }

    pub(crate) fn app(&self, id: i64) -> Result<Option<App>, EngineError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
        let row = statement.query_row([id], raw).optional()?;
        row.map(|row| read(&connection, row)).transpose()
    }

    /// Adds an app, with its first signing secret where the platform signs.
    pub(crate) fn add_app(
        &self,
        name: &str,
        app_id: &str,
        registration: &Registration,
        secret: Option<&[u8]>,
    ) -> Result<i64, EngineError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO app (name, app_id, registration, created_at) VALUES (?1, ?2, ?3, ?4)",
            params![name, app_id, json(registration), Moment::now().0],
        )?;
        let id = transaction.last_insert_rowid();
        if let Some(secret) = secret {
            self.insert_secret(&transaction, id, 1, secret)?;
        }
        transaction.commit()?;
        Ok(id)
    }

    pub(crate) fn change_app(
        &self,
        id: i64,
        name: &str,
        registration: &Registration,
    ) -> Result<(), EngineError> {
        let sql = "UPDATE app SET name = ?2, registration = ?3 WHERE id = ?1";
        self.lock().execute(sql, params![id, name, json(registration)])?;
        Ok(())
    }

    /// Removes an app with its installations, secrets and deliveries.
    pub(crate) fn remove_app(&self, id: i64) -> Result<bool, EngineError> {
        Ok(self.lock().execute("DELETE FROM app WHERE id = ?1", [id])? == 1)
    }
}

type Raw = (i64, String, String, String, i64);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

fn read(
    connection: &Connection,
    (id, name, app_id, registration, created_at): Raw,
) -> Result<App, EngineError> {
    let registration: Registration = parse(&registration)?;
    let signing = signing(connection, id)?;
    Ok(App { id, name, app_id, registration, signing, created_at: Moment(created_at) })
}

fn signing(connection: &Connection, app: i64) -> Result<Option<Signing>, EngineError> {
    let mut statement = connection.prepare_cached(
        "SELECT number, until FROM signing_secret WHERE app = ?1 ORDER BY number DESC LIMIT 2",
    )?;
    let rows = statement.query_map([app], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?)))?;
    let mut rows = rows.collect::<Result<Vec<(i64, _)>, _>>()?.into_iter();
    let Some((current, _)) = rows.next() else { return Ok(None) };
    let now = Moment::now();
    let previous = rows
        .next()
        .and_then(|(number, until)| Some(PreviousSecret { number, until: Moment(until?) }))
        .filter(|previous| now < previous.until);
    Ok(Some(Signing { current, previous }))
}
