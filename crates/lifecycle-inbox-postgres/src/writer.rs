//! Writers: deliveries that wait at the same time are written in one transaction, and share its flush to the disk.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use lifecycle_core::IdempotencyKey;
use lifecycle_inbox::{Accepted, DeliveryId, EngineError, Record, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::types::ToSql;

use crate::bell::Bell;
use crate::engine::SAMPLE;
use crate::error::{is_passing, is_spent, tell};
use crate::gather::gather;
use crate::quiet;
use crate::row::digest;
use crate::session::Connector;
use crate::sql::Sql;

/// The most deliveries of one transaction, and the size at which no more are added.
const ROWS: usize = 256;
const BYTES: usize = 4 * 1024 * 1024;

/// A delivery that has waited for so much of its time is refused: what the one before it took, it would take too.
const TOO_LATE: (u32, u32) = (3, 4);

/// The steps of the time limit that a session has for a batch, so that it is rarely set anew.
const STEP: Duration = Duration::from_millis(250);

type Answer<T> = oneshot::Sender<Result<T, String>>;

/// A delivery that waits to be written.
struct Waiting {
    record: Record,
    tenant: Vec<u8>,
    now: Timestamp,
    asked: Instant,
    answer: Answer<Accepted>,
}

/// What a writer is asked.
enum Ask {
    Accept(Box<Waiting>),
    /// Whether it could: health goes the way of an acknowledgement.
    Check(Answer<()>),
}

/// The queues of all writers. A tenant's deliveries all go to the same one, so that within a process writers do not wait
/// for each other's locks.
pub(crate) struct Writers {
    queues: Vec<mpsc::Sender<Ask>>,
    time_limit: Duration,
}

/// What all share who write in batches.
pub(crate) struct Desk {
    pub(crate) bell: Arc<Bell>,
    pub(crate) connector: Connector,
    pub(crate) sql: Arc<Sql>,
    pub(crate) time_limit: Duration,
    /// How long a delivery may take to be written.
    pub(crate) write_limit: Duration,
}

impl Writers {
    /// Starts one on each of these sessions. They end when this value is dropped.
    pub(crate) fn start(desk: &Arc<Desk>, sessions: Vec<ClientWrapper>, queue: usize) -> Self {
        let time_limit = desk.time_limit;
        let start = |session| {
            let (sender, receiver) = mpsc::channel(queue);
            let session = Some(Session { client: session, limit: None });
            tokio::spawn(Writer { desk: desk.clone(), session }.run(receiver));
            sender
        };
        Self { queues: sessions.into_iter().map(start).collect(), time_limit }
    }

    /// Has it written, and waits for the commit.
    pub(crate) async fn accept(&self, record: Record, now: Timestamp) -> Result<Accepted, EngineError> {
        let tenant = digest(&record.tenant);
        let queue = &self.queues[usize::from(tenant[0]) % self.queues.len()];
        let asked = Instant::now();
        self.ask(queue, |answer| Ask::Accept(Box::new(Waiting { record, tenant, now, asked, answer }))).await
    }

    /// Whether all of them can write.
    pub(crate) async fn check(&self) -> Result<(), EngineError> {
        let checks = self.queues.iter().map(|queue| self.ask(queue, Ask::Check));
        futures_util::future::try_join_all(checks).await.map(drop)
    }

    async fn ask<T>(
        &self,
        queue: &mpsc::Sender<Ask>,
        ask: impl FnOnce(Answer<T>) -> Ask,
    ) -> Result<T, EngineError> {
        let (answer, answered) = oneshot::channel();
        queue.try_send(ask(answer)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => EngineError::new("too many deliveries wait to be written"),
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        match timeout(self.time_limit, answered).await {
            Ok(Ok(answer)) => answer.map_err(EngineError::new),
            Ok(Err(_)) => Err(stopped()),
            Err(_) => Err(EngineError::new(NOT_IN_TIME)),
        }
    }
}

const NOT_IN_TIME: &str = "PostgreSQL did not write in time";

fn stopped() -> EngineError {
    EngineError::new("the runtime that wrote deliveries has ended")
}

struct Writer {
    desk: Arc<Desk>,
    session: Option<Session>,
}

struct Session {
    client: ClientWrapper,
    /// The limit of a statement that it has now, if it was set here.
    limit: Option<Duration>,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Ask>) {
        while let Some(first) = queue.recv().await {
            let (mut rows, mut bytes) = (0, 0);
            let is_last = |ask: &Ask| {
                let Ask::Accept(waiting) = ask else { return false };
                (rows, bytes) = (rows + 1, bytes + waiting.record.body.len());
                rows >= ROWS || bytes >= BYTES
            };
            // What came while the last batch was written is the next one.
            let (mut batch, mut checks) = (Vec::new(), Vec::new());
            for ask in gather(&mut queue, first, is_last).await {
                match ask {
                    Ask::Accept(waiting) if waiting.answer.is_closed() => {} // nobody waits any more: as if never asked
                    Ask::Accept(waiting)
                        if waiting.asked.elapsed() * TOO_LATE.1 > self.desk.write_limit * TOO_LATE.0 =>
                    {
                        let _ = waiting.answer.send(Err(NOT_IN_TIME.to_owned()));
                    }
                    Ask::Accept(waiting) => batch.push(*waiting),
                    Ask::Check(answer) => checks.push(answer),
                }
            }
            if !batch.is_empty() {
                self.write(batch).await;
            }
            if !checks.is_empty() {
                self.check(checks).await;
            }
        }
    }

    /// One for all who asked.
    async fn check(&mut self, answers: Vec<Answer<()>>) {
        let until = Instant::now() + self.desk.write_limit;
        let checked = self.insist(&[], until).await.map(drop);
        for answer in answers {
            let _ = answer.send(checked.clone());
        }
    }

    async fn write(&mut self, batch: Vec<Waiting>) {
        let mut keys = HashSet::new();
        let fresh: Vec<&Waiting> = batch.iter().filter(|waiting| keys.insert(waiting.record.key)).collect();
        let oldest = fresh.iter().map(|waiting| waiting.asked).min().unwrap_or_else(Instant::now);
        let until = oldest + self.desk.write_limit;
        let written = self.insist(&fresh, until).await;
        if written.as_ref().is_ok_and(|new| !new.is_empty()) {
            self.desk.bell.ring();
        }
        match written {
            Ok(mut new) => {
                for Waiting { record, answer, .. } in batch {
                    // Of two of one key in one batch, the first takes the id out.
                    let accepted = new.remove(&record.key).map_or(Accepted::Duplicate, Accepted::New);
                    let _ = answer.send(Ok(accepted));
                }
            }
            Err(why) => {
                for Waiting { answer, .. } in batch {
                    let _ = answer.send(Err(why.clone()));
                }
            }
        }
    }

    /// Tries again once on a new connection where the old one was lost, or is on a node that takes no writes any more. If the
    /// first try was committed after all, the second finds its own rows, and they are told as duplicates.
    async fn insist(
        &mut self,
        batch: &[&Waiting],
        until: Instant,
    ) -> Result<HashMap<IdempotencyKey, DeliveryId>, String> {
        let mut may_repeat = self.session.is_some();
        loop {
            let error = match timeout_at(until, self.attempt(batch, until)).await {
                Ok(Ok(new)) => return Ok(new),
                Ok(Err(error)) => Some(error),
                Err(_) => None,
            };
            self.session = None;
            let Some(error) = error else { return Err(NOT_IN_TIME.to_owned()) };
            if !may_repeat || !(is_passing(&error) || is_spent(&error)) {
                return Err(format!("PostgreSQL: {}", tell(&error)));
            }
            may_repeat = false;
        }
    }

    /// Of no delivery, it is a health check.
    async fn attempt(
        &mut self,
        batch: &[&Waiting],
        until: Instant,
    ) -> Result<HashMap<IdempotencyKey, DeliveryId>, tokio_postgres::Error> {
        if batch.is_empty() {
            return self.probe(until).await.map(|()| HashMap::new());
        }
        self.insert(batch, until).await
    }

    /// A session, and the setting that has the server give up in time: before the caller does, so that what is answered with
    /// an error was not written. It is sent ahead of the statement, without waiting for an answer.
    async fn session(&mut self, until: Instant) -> Result<(&ClientWrapper, String), tokio_postgres::Error> {
        let mut session = match self.session.take() {
            Some(session) if !session.client.is_closed() => session,
            _ => Session { client: self.desk.connector.open().await?, limit: None },
        };
        let left = until.saturating_duration_since(Instant::now());
        let steps = u32::try_from(left.as_millis() / STEP.as_millis()).unwrap_or(u32::MAX);
        let limit = if steps == 0 { left.max(Duration::from_millis(1)) } else { STEP * steps };
        let set = if session.limit == Some(limit) {
            String::new()
        } else {
            format!("SET statement_timeout = {}", limit.as_millis().max(1))
        };
        session.limit = Some(limit);
        Ok((&self.session.insert(session).client, set))
    }

    async fn probe(&mut self, until: Instant) -> Result<(), tokio_postgres::Error> {
        let desk = self.desk.clone();
        let (session, set) = self.session(until).await?;
        let statement = session.prepare_cached(&desk.sql.check).await?;
        let (set, probed) =
            tokio::join!(apply(session, &set), quiet::execute(session, &statement, &[&SAMPLE]));
        set?;
        probed.map(drop)
    }

    /// One statement, which is one transaction. Its answer follows its commit.
    async fn insert(
        &mut self,
        batch: &[&Waiting],
        until: Instant,
    ) -> Result<HashMap<IdempotencyKey, DeliveryId>, tokio_postgres::Error> {
        let desk = self.desk.clone();
        let (session, set) = self.session(until).await?;
        let statement = session.prepare_cached(&desk.sql.accept).await?;
        let bytes =
            |of: fn(&Waiting) -> &[u8]| batch.iter().map(|waiting| of(waiting)).collect::<Vec<&[u8]>>();
        let times = |of: fn(&Waiting) -> Timestamp| {
            batch.iter().map(|waiting| of(waiting).as_millis()).collect::<Vec<i64>>()
        };
        let parameters: [&(dyn ToSql + Sync); 10] = [
            &bytes(|it| &it.tenant),
            &bytes(|it| it.record.tenant.platform.as_bytes()),
            &bytes(|it| it.record.tenant.app.as_bytes()),
            &bytes(|it| it.record.tenant.tenant.as_bytes()),
            &bytes(|it| it.record.kind.as_bytes()),
            &bytes(|it| it.record.key.as_bytes()),
            &bytes(|it| &it.record.body),
            &bytes(|it| it.record.envelope.as_bytes()),
            &times(|it| it.record.received_at),
            &times(|it| it.now),
        ];
        let (set, rows) = tokio::join!(apply(session, &set), quiet::query(session, &statement, &parameters));
        set?;
        let rows = rows?;
        let mut new = HashMap::with_capacity(rows.len());
        for row in rows {
            let key: &[u8] = row.try_get(0)?;
            if let Ok(key) = key.try_into() {
                new.insert(IdempotencyKey::from_bytes(key), DeliveryId(row.try_get(1)?));
            }
        }
        Ok(new)
    }
}

async fn apply(session: &ClientWrapper, setting: &str) -> Result<(), tokio_postgres::Error> {
    if setting.is_empty() { Ok(()) } else { session.batch_execute(setting).await }
}
