//! Ending: leases end, and their events are folded, within whatever transaction.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::StatementCache;
use lifecycle_core::{Change, Installation, Transition};
use lifecycle_inbox::{DeliveryId, DeliveryState, EngineError, LeaseToken, Timestamp};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};

use crate::error::{is_passing, store};
use crate::notifier::PgNotifier;
use crate::quiet;
use crate::row;
use crate::sql::Sql;

/// How a lease ends.
pub(crate) struct Completion {
    pub(crate) token: LeaseToken,
    pub(crate) now: Timestamp,
    /// Done, dead, or pending again.
    pub(crate) state: DeliveryState,
    /// When it is due again.
    pub(crate) due_at: Timestamp,
    pub(crate) error: Option<String>,
    /// How many attempts are taken back.
    pub(crate) uncounted: i64,
    /// What is folded into the tenant's installation.
    pub(crate) change: Option<Change>,
}

impl Completion {
    pub(crate) fn done(token: LeaseToken, now: Timestamp, change: Change) -> Self {
        let (state, due_at) = (DeliveryState::Done, Timestamp::MIN);
        Self { token, now, state, due_at, error: None, uncounted: 0, change: Some(change) }
    }
}

/// Why leases did not end.
pub(crate) enum Failure {
    /// It may be one ending's own fault.
    OfOne(EngineError),
    /// It has to do with none of them.
    OfAll(EngineError),
}

impl Failure {
    pub(crate) fn into_error(self) -> EngineError {
        match self {
            Self::OfOne(error) | Self::OfAll(error) => error,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if is_passing(&error) { Self::OfAll(store(&error)) } else { Self::OfOne(store(&error)) }
    }
}

/// What ended.
#[derive(Default)]
pub(crate) struct Ended {
    pub(crate) held: HashSet<LeaseToken>,
    /// Whether a claim may find something now.
    is_work: bool,
    /// Whether an installation is another one now.
    is_installation: bool,
    /// The installations to store, by tenant.
    folded: HashMap<Vec<u8>, Installation>,
}

impl Ended {
    pub(crate) fn has_installations(&self) -> bool {
        !self.folded.is_empty()
    }

    /// Tells everybody. After the commit.
    pub(crate) fn tell(&self, notifier: &PgNotifier) {
        if self.is_installation {
            notifier.installation_changed();
        }
        if self.is_work {
            notifier.notify();
        }
    }
}

/// The statements that end leases, on one connection.
pub(crate) struct Ending<'a> {
    client: &'a Client,
    finish: Statement,
    put: Statement,
}

impl<'a> Ending<'a> {
    pub(crate) async fn prepare(
        client: &'a Client,
        cache: &StatementCache,
        sql: &Sql,
    ) -> Result<Self, Error> {
        let finish = cache.prepare(client, &sql.finish).await?;
        let put = cache.prepare(client, &sql.put_installations).await?;
        Ok(Self { client, finish, put })
    }

    /// Ends all of them whose token holds the row, under the tenants' locks, which are held until the end of the transaction.
    /// What has to be [stored](Self::put) is read and folded here.
    pub(crate) async fn finish(&self, batch: &[&Completion]) -> Result<Ended, Failure> {
        let numbers = |of: fn(&Completion) -> i64| batch.iter().map(|end| of(end)).collect::<Vec<i64>>();
        let (ids, fences) = (numbers(|end| end.token.id.0), numbers(|end| end.token.fence));
        let (nows, dues) = (numbers(|end| end.now.as_millis()), numbers(|end| end.due_at.as_millis()));
        let states: Vec<&str> = batch.iter().map(|end| end.state.name()).collect();
        let errors: Vec<Option<&[u8]>> =
            batch.iter().map(|end| end.error.as_deref().map(str::as_bytes)).collect();
        let uncounted = numbers(|end| end.uncounted);
        let values: [&(dyn ToSql + Sync); 7] = [&ids, &fences, &nows, &states, &dues, &errors, &uncounted];
        fold(batch, &quiet::query(self.client, &self.finish, &values).await?)
    }

    /// Stores the installations that are others now.
    pub(crate) async fn put(&self, ended: &Ended) -> Result<(), Failure> {
        let mut texts = Vec::with_capacity(ended.folded.len());
        for installation in ended.folded.values() {
            let text = serde_json::to_vec(installation);
            texts.push(text.map_err(|error| Failure::OfOne(EngineError::new(error)))?);
        }
        let tenants: Vec<&[u8]> = ended.folded.keys().map(Vec::as_slice).collect();
        let statuses: Vec<&str> =
            ended.folded.values().map(|installation| installation.status().name()).collect();
        let values: [&(dyn ToSql + Sync); 3] = [&tenants, &statuses, &texts];
        quiet::execute(self.client, &self.put, &values).await?;
        Ok(())
    }
}

/// Folds the changes of what ended, in their order.
fn fold(batch: &[&Completion], finished: &[Row]) -> Result<Ended, Failure> {
    let mut rows = HashMap::with_capacity(finished.len());
    for row in finished {
        let token = LeaseToken { id: DeliveryId(row.try_get(0)?), fence: row.try_get(1)? };
        rows.insert(token, (row.try_get::<_, &[u8]>(2)?, row.try_get::<_, Option<&[u8]>>(3)?));
    }
    let mut ended = Ended::default();
    for end in batch {
        let Some((tenant, stored)) = rows.get(&end.token).copied() else { continue };
        if !ended.held.insert(end.token) {
            continue; // asked twice
        }
        ended.is_work |= end.due_at == Timestamp::MIN; // a row that waits for its time is nothing to claim yet
        let Some(change) = &end.change else { continue };
        let current = match ended.folded.get(tenant) {
            Some(folded) => Some(folded.clone()),
            None => stored.map(row::installation).transpose().map_err(Failure::OfOne)?,
        };
        let (next, transition) = Installation::fold(current.clone(), change);
        ended.is_installation |= transition == Transition::Applied;
        if let Some(next) = next.filter(|next| Some(next) != current.as_ref()) {
            ended.folded.insert(tenant.to_vec(), next);
        }
    }
    Ok(ended)
}
