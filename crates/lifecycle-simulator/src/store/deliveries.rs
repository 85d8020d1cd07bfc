//! Deliveries in the database.

use std::time::Duration;

use lifecycle_core::Status;
use rusqlite::{OptionalExtension, Row, params};

use super::{EngineError, Store, installations, json, parse, parse_word, word};
use crate::delivery::{Answer, Cause, Delivery, Effect, Request, Role, State};
use crate::forgery::Forgery;
use crate::moment::Moment;
use crate::occurrence::Occurrence;

/// How many deliveries of an app are kept; then the oldest go, unless they are held.
pub(crate) const KEPT: i64 = 2_000;

pub(super) const COLUMNS: &str = "id, app, tenant, event, url, headers, body, batch, repeats, role, created_at, state, effect, \
    answer, cause, elapsed_us, method, occurrence, forgery";

/// A forgery on its way is waited for like any other.
const IS_WAITING: &str =
    "SELECT EXISTS (SELECT 1 FROM delivery WHERE state = 'sending' AND app = coalesce(?1, app))";
const OF_CLICK: &str = "batch = ?1 ORDER BY id";

/// A delivery that is about to be sent or held.
#[derive(Debug)]
pub(crate) struct NewDelivery {
    pub(crate) app: i64,
    pub(crate) tenant: i64,
    pub(crate) request: Request,
    pub(crate) occurrence: Option<Occurrence>,
    pub(crate) forgery: Option<Forgery>,
    /// The first delivery of the same click; `None` for the first itself.
    pub(crate) batch: Option<i64>,
    pub(crate) repeats: Option<i64>,
    pub(crate) role: Role,
    pub(crate) state: State,
    pub(crate) effect: Effect,
    pub(crate) cause: Option<Cause>,
}

/// How a delivery ended.
#[derive(Debug)]
pub(crate) struct Finish {
    pub(crate) id: i64,
    pub(crate) state: State,
    pub(crate) effect: Effect,
    pub(crate) answer: Option<Answer>,
    pub(crate) cause: Option<Cause>,
    pub(crate) elapsed: Duration,
}

impl Store {
    pub(crate) fn add_delivery(&self, new: &NewDelivery) -> Result<i64, EngineError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO delivery (app, tenant, event, url, headers, body, batch, repeats, role, created_at, state,
                effect, cause, method, occurrence, forgery)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, coalesce(?7, 0), ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            params![
                new.app,
                new.tenant,
                new.request.event,
                new.request.url,
                json(&new.request.headers),
                new.request.body,
                new.batch,
                new.repeats,
                word(new.role),
                Moment::now().0,
                word(new.state),
                word(new.effect),
                new.cause.as_ref().map(json),
                new.request.method,
                new.occurrence.as_ref().map(json),
                new.forgery.map(word)
            ],
        )?;
        let id = transaction.last_insert_rowid();
        if new.batch.is_none() {
            transaction.execute("UPDATE delivery SET batch = id WHERE id = ?1", [id])?;
        }
        transaction.execute(
            "DELETE FROM delivery WHERE app = ?1 AND state NOT IN ('held', 'sending') AND id <= (
                SELECT id FROM delivery WHERE app = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            [new.app, KEPT],
        )?;
        transaction.commit()?;
        Ok(id)
    }

    /// Marks a held delivery as on its way; `false` if it is not held.
    pub(crate) fn release_delivery(&self, id: i64) -> Result<bool, EngineError> {
        let sql = "UPDATE delivery SET state = ?2, role = ?3 WHERE id = ?1 AND state = ?4";
        let values = params![id, word(State::Sending), word(Role::Late), word(State::Held)];
        Ok(self.lock().execute(sql, values)? == 1)
    }

    /// Whether an action of the same app in the same tenant went through after this delivery.
    pub(crate) fn is_overtaken(&self, delivery: &Delivery) -> Result<bool, EngineError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM delivery WHERE app = ?1 AND tenant = ?2 AND id > ?3 AND effect = ?4)";
        let values = params![delivery.app, delivery.tenant, delivery.id, word(Effect::Applied)];
        Ok(self.lock().query_row(sql, values, |row| row.get(0))?)
    }

    /// Ends deliveries and, where an action went through, sets the installation's state: all of it or nothing.
    pub(crate) fn finish(
        &self,
        finishes: &[Finish],
        applied: Option<(i64, i64, Status, Option<&str>)>,
    ) -> Result<(), EngineError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for finish in finishes {
            transaction.execute(
                "UPDATE delivery SET state = ?2, effect = ?3, answer = ?4, cause = ?5, elapsed_us = ?6 WHERE id = ?1",
                params![
                    finish.id,
                    word(finish.state),
                    word(finish.effect),
                    finish.answer.as_ref().map(json),
                    finish.cause.as_ref().map(json),
                    i64::try_from(finish.elapsed.as_micros()).unwrap_or(i64::MAX)
                ],
            )?;
        }
        if let Some((app, tenant, status, version)) = applied {
            installations::apply(&transaction, app, tenant, status, version)?;
        }
        Ok(transaction.commit()?)
    }

    pub(crate) fn delivery(&self, id: i64) -> Result<Option<Delivery>, EngineError> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached(&format!("SELECT {COLUMNS} FROM delivery WHERE id = ?1"))?;
        statement.query_row([id], read).optional()?.transpose()
    }

    /// Whether anything is on its way to this app, or to any.
    pub(crate) fn is_waiting(&self, app: Option<i64>) -> Result<bool, EngineError> {
        Ok(self.lock().query_row(IS_WAITING, [app], |row| row.get(0))?)
    }

    /// Every delivery of one click, in order.
    pub(crate) fn batch(&self, batch: i64) -> Result<Vec<Delivery>, EngineError> {
        let connection = self.lock();
        let sql = format!("SELECT {COLUMNS} FROM delivery WHERE {OF_CLICK}");
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map([batch], read)?;
        rows.map(|row| row?).collect()
    }
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Result<Delivery, EngineError>> {
    let headers: String = row.get(5)?;
    let words: [String; 3] = [row.get(9)?, row.get(11)?, row.get(12)?];
    let [answer, cause]: [Option<String>; 2] = [row.get(13)?, row.get(14)?];
    let (event, url, body) = (row.get(3)?, row.get(4)?, row.get(6)?);
    let elapsed: Option<u64> = row.get::<_, Option<i64>>(15)?.and_then(|elapsed| elapsed.try_into().ok());
    let (id, app, tenant) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let method: String = row.get(16)?;
    let [occurrence, forgery]: [Option<String>; 2] = [row.get(17)?, row.get(18)?];
    let (batch, repeats, created_at) = (row.get(7)?, row.get(8)?, Moment(row.get(10)?));
    let delivery = || {
        let [role, state, effect] = words;
        Ok(Delivery {
            id,
            app,
            tenant,
            request: Request { event, method, url, headers: parse(&headers)?, body },
            occurrence: occurrence.as_deref().map(parse).transpose()?,
            forgery: forgery.map(parse_word).transpose()?,
            batch,
            repeats,
            role: parse_word(role)?,
            created_at,
            state: parse_word(state)?,
            effect: parse_word(effect)?,
            answer: answer.as_deref().map(parse).transpose()?,
            cause: cause.as_deref().map(parse).transpose()?,
            elapsed: elapsed.map(Duration::from_micros),
        })
    };
    Ok(delivery())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_page_asks_is_found_by_an_index_however_many_deliveries_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("simulator.db"), &folder.path().join("key")).unwrap();
        let connection = store.lock();
        let of_click = format!("SELECT {COLUMNS} FROM delivery WHERE {OF_CLICK}");
        let latest =
            format!("SELECT {COLUMNS} FROM delivery WHERE TRUE AND app = ?1 ORDER BY id DESC LIMIT 51");
        for (sql, index) in [
            (IS_WAITING, "delivery_on_its_way"),
            (&of_click, "delivery_by_click"),
            (&latest, "delivery_by_app"),
        ] {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = statement.query_map([1], |row| row.get::<_, String>("detail")).unwrap();
            let plan = steps.collect::<Result<Vec<_>, _>>().unwrap().join("\n");
            assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
    }
}
