//! Endings: leases that end at the same time are ended in one transaction, and share its flush to the disk.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use lifecycle_core::{Change, Installation, Transition};
use lifecycle_inbox::{DeliveryId, DeliveryState, EngineError, LeaseToken, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use crate::error::{is_passing, store};
use crate::gather::gather;
use crate::quiet;
use crate::row;
use crate::writer::Desk;

/// The most endings of one transaction.
const ROWS: usize = 256;

/// The most that wait. A worker waits for each of its endings, so there are no more of them than it handles at a time.
const QUEUE: usize = 4_096;

/// How a lease ends.
pub(crate) struct End {
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

/// An ending that waits. Its answer is whether the token held the row.
struct Waiting {
    end: End,
    answer: oneshot::Sender<Result<bool, EngineError>>,
}

/// The queue.
pub(crate) struct Endings {
    queue: mpsc::Sender<Waiting>,
    time_limit: Duration,
}

impl Endings {
    /// Starts what ends leases. It ends when this value is dropped.
    pub(crate) fn start(desk: Arc<Desk>, session: ClientWrapper) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let time_limit = desk.time_limit;
        tokio::spawn(Ender { desk, session: Some(session), is_patient: true }.run(waiting));
        Self { queue, time_limit }
    }

    /// Has it ended, and waits for the commit. `false` when the token no longer holds the row.
    pub(crate) async fn end(&self, end: End) -> Result<bool, EngineError> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Waiting { end, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => EngineError::new("too many deliveries wait to be ended"),
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        match timeout(self.time_limit, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(stopped()),
            Err(_) => Err(EngineError::new("PostgreSQL did not answer in time")),
        }
    }
}

fn stopped() -> EngineError {
    EngineError::new("the runtime that ended deliveries has ended")
}

/// Why a transaction did not happen.
enum Failure {
    /// It may be one ending's own fault.
    OfOne(EngineError),
    /// It has to do with none of them.
    OfAll(EngineError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if is_passing(&error) { Self::OfAll(store(&error)) } else { Self::OfOne(store(&error)) }
    }
}

/// What a transaction did.
#[derive(Default)]
struct Ended {
    held: HashSet<LeaseToken>,
    is_work: bool,
    is_installation: bool,
}

struct Ender {
    desk: Arc<Desk>,
    session: Option<ClientWrapper>,
    /// Whether the session would still wait for a lock as long as it may.
    is_patient: bool,
}

impl Ender {
    async fn run(mut self, mut queue: mpsc::Receiver<Waiting>) {
        while let Some(first) = queue.recv().await {
            let mut rows = 0;
            let is_last = |_: &Waiting| {
                rows += 1;
                rows >= ROWS
            };
            let mut batch = gather(&mut queue, first, is_last).await;
            batch.retain(|waiting| !waiting.answer.is_closed()); // nobody waits any more: as if never asked
            if !batch.is_empty() {
                self.end(batch).await;
            }
        }
    }

    /// Ends all in one transaction. If that fails, each is tried again alone, so that none suffers from another.
    async fn end(&mut self, batch: Vec<Waiting>) {
        let limit = self.desk.time_limit;
        let all: Vec<&End> = batch.iter().map(|waiting| &waiting.end).collect();
        let done = timeout(limit, self.commit(&all))
            .await
            .unwrap_or_else(|_| Err(Failure::OfAll(EngineError::new("PostgreSQL did not answer in time"))));
        match done {
            Ok(ended) => self.tell(batch, ended),
            Err(failure) => {
                self.session = None; // and with it the transaction
                match failure {
                    Failure::OfOne(_) if batch.len() > 1 => {
                        for waiting in batch.into_iter().filter(|waiting| !waiting.answer.is_closed()) {
                            Box::pin(self.end(vec![waiting])).await;
                        }
                    }
                    Failure::OfOne(error) | Failure::OfAll(error) => {
                        for Waiting { answer, .. } in batch {
                            let _ = answer.send(Err(EngineError::new(error.to_string())));
                        }
                    }
                }
            }
        }
    }

    fn tell(&self, batch: Vec<Waiting>, mut ended: Ended) {
        if ended.is_installation {
            self.desk.bell.installation_changed();
        }
        if ended.is_work {
            self.desk.bell.ring();
        }
        for Waiting { end, answer } in batch {
            let _ = answer.send(Ok(ended.held.remove(&end.token))); // of two of one token, the first held the row
        }
    }

    /// One transaction, in two round trips: what ends comes back with the installations, into which the changes are
    /// folded.
    async fn commit(&mut self, batch: &[&End]) -> Result<Ended, Failure> {
        if self.session.as_ref().is_none_or(|session| session.is_closed()) {
            self.session = Some(self.desk.connector.open().await?);
            self.is_patient = true;
        }
        let Some(session) = &self.session else { return Ok(Ended::default()) };
        if self.is_patient {
            // One tenant that is locked must not hold up the others until they have given up.
            let patience = format!("SET lock_timeout = {}", (self.desk.time_limit.as_millis() / 5).max(1));
            session.batch_execute(&patience).await?;
            self.is_patient = false;
        }
        let finish = session.prepare_cached(&self.desk.sql.finish_all).await?;
        let put = session.prepare_cached(&self.desk.sql.put_installations).await?;
        let numbers = |of: fn(&End) -> i64| batch.iter().map(|end| of(end)).collect::<Vec<i64>>();
        let (ids, fences) = (numbers(|end| end.token.id.0), numbers(|end| end.token.fence));
        let (nows, dues) = (numbers(|end| end.now.as_millis()), numbers(|end| end.due_at.as_millis()));
        let states: Vec<&str> = batch.iter().map(|end| end.state.name()).collect();
        let errors: Vec<Option<&[u8]>> =
            batch.iter().map(|end| end.error.as_deref().map(str::as_bytes)).collect();
        let uncounted = numbers(|end| end.uncounted);
        let values: [&(dyn ToSql + Sync); 7] = [&ids, &fences, &nows, &states, &dues, &errors, &uncounted];
        let (begun, finished) =
            tokio::join!(session.batch_execute("BEGIN"), quiet::query(session, &finish, &values));
        begun?;
        let finished = finished?;
        let (ended, folded) = fold(batch, &finished)?;
        if folded.is_empty() {
            session.batch_execute("COMMIT").await?;
            return Ok(ended);
        }
        let (tenants, installations): (Vec<&[u8]>, Vec<Installation>) = folded.into_iter().unzip();
        let mut texts = Vec::with_capacity(installations.len());
        for installation in &installations {
            let text = serde_json::to_vec(installation);
            texts.push(text.map_err(|error| Failure::OfOne(EngineError::new(error)))?);
        }
        let statuses: Vec<&str> =
            installations.iter().map(|installation| installation.status().name()).collect();
        let values: [&(dyn ToSql + Sync); 3] = [&tenants, &statuses, &texts];
        let (written, committed) =
            tokio::join!(quiet::execute(session, &put, &values), session.batch_execute("COMMIT"));
        written?; // if not, what was asked to commit has rolled back
        committed?;
        Ok(ended)
    }
}

/// Folds the changes of what ended, in their order. Gives the tenants with those installations that are others now.
fn fold<'a>(
    batch: &[&End],
    finished: &'a [Row],
) -> Result<(Ended, HashMap<&'a [u8], Installation>), Failure> {
    let mut rows = HashMap::with_capacity(finished.len());
    for row in finished {
        let token = LeaseToken { id: DeliveryId(row.try_get(0)?), fence: row.try_get(1)? };
        rows.insert(token, (row.try_get::<_, &[u8]>(2)?, row.try_get::<_, Option<&[u8]>>(3)?));
    }
    let mut ended = Ended::default();
    let mut folded: HashMap<&[u8], Installation> = HashMap::new();
    for end in batch {
        let Some((tenant, stored)) = rows.get(&end.token).copied() else { continue };
        if !ended.held.insert(end.token) {
            continue; // asked twice
        }
        ended.is_work |= end.due_at == Timestamp::MIN; // a row that waits for its time is nothing to claim yet
        let Some(change) = &end.change else { continue };
        let current = match folded.get(tenant) {
            Some(folded) => Some(folded.clone()),
            None => stored.map(row::installation).transpose().map_err(Failure::OfOne)?,
        };
        let (next, transition) = Installation::fold(current.clone(), change);
        ended.is_installation |= transition == Transition::Applied;
        if let Some(next) = next.filter(|next| Some(next) != current.as_ref()) {
            folded.insert(tenant, next);
        }
    }
    Ok((ended, folded))
}
