//! History in the database: filtered, counted, and page by page.

use rusqlite::{ToSql, params_from_iter};
use serde::{Deserialize, Serialize};

use super::deliveries::{COLUMNS, read};
use super::{EngineError, Store, parse_word, word};
use crate::delivery::Delivery;

/// What became of a delivery, as the history tells them apart.
const BUCKET: &str = "CASE WHEN forgery IS NOT NULL THEN 'forged' WHEN state <> 'failed' THEN state \
    WHEN effect = 'blocked' THEN 'blocked' ELSE 'failed' END";

/// Which deliveries are asked for; what is `None` is not asked.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Filter {
    pub(crate) app: Option<i64>,
    pub(crate) tenant: Option<i64>,
    pub(crate) event: Option<String>,
    pub(crate) state: Option<Bucket>,
    /// A text in the request or in the answer.
    pub(crate) q: Option<String>,
    /// Only those that are older than this one.
    pub(crate) before: Option<i64>,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Bucket {
    Blocked,
    /// Not acknowledged, and nothing is blocked by that.
    Failed,
    Acknowledged,
    Held,
    Forged,
    Sending,
}

/// How many deliveries there are, by what became of them.
pub(crate) type Counts = Vec<(Bucket, i64)>;

impl Store {
    /// The latest deliveries that pass a filter, newest first.
    pub(crate) fn deliveries(&self, filter: &Filter, limit: u32) -> Result<Vec<Delivery>, EngineError> {
        let (conditions, mut values) = filter.conditions(true);
        values.push(Box::new(limit));
        let sql = format!("SELECT {COLUMNS} FROM delivery WHERE {conditions} ORDER BY id DESC LIMIT ?");
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), read)?;
        rows.map(|row| row?).collect()
    }

    /// How many pass a filter, whatever became of them and however old they are.
    pub(crate) fn counts(&self, filter: &Filter) -> Result<Counts, EngineError> {
        let (conditions, values) = filter.conditions(false);
        let sql = format!("SELECT {BUCKET}, count(*) FROM delivery WHERE {conditions} GROUP BY 1");
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut counts = Counts::new();
        for row in rows {
            let (bucket, count): (String, i64) = row?;
            counts.push((parse_word(bucket)?, count));
        }
        counts.sort_unstable();
        Ok(counts)
    }
}

impl Filter {
    /// The deliveries of one app.
    pub(crate) fn of_app(app: i64) -> Self {
        Self { app: Some(app), ..Self::default() }
    }

    /// As SQL, with its values; whole, or without what became of them and how old they are.
    fn conditions(&self, is_whole: bool) -> (String, Vec<Box<dyn ToSql>>) {
        let mut conditions = vec!["TRUE".to_owned()];
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        let mut add = |condition: String, value: Option<Box<dyn ToSql>>| {
            if let Some(value) = value {
                conditions.push(condition);
                values.push(value);
            }
        };
        add("app = ?".into(), self.app.map(|app| Box::new(app) as _));
        add("tenant = ?".into(), self.tenant.map(|tenant| Box::new(tenant) as _));
        add("event = ?".into(), self.event.clone().map(|event| Box::new(event) as _));
        // The headers are left out: nobody looks for a signature, and any two digits are in one.
        let text = "instr(lower(url || ' ' || body || ' ' || coalesce(cause, '') || ' ' || coalesce(answer, '')), lower(?)) > 0";
        add(text.into(), self.q.clone().filter(|q| !q.is_empty()).map(|q| Box::new(q) as _));
        if is_whole {
            add(format!("{BUCKET} = ?"), self.state.map(|state| Box::new(word(state)) as _));
            add("id < ?".into(), self.before.map(|before| Box::new(before) as _));
        }
        (conditions.join(" AND "), values)
    }
}
