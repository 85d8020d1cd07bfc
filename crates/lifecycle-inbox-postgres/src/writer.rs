//! Writers: deliveries that wait at the same time are written in one transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use lifecycle_core::IdempotencyKey;
use lifecycle_inbox::{Accepted, DeliveryId, EngineError, Record, Timestamp};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use crate::batcher::{Batcher, NOT_IN_TIME, QueuedRequest, Work};
use crate::engine::SAMPLE;
use crate::error::{is_passing, is_spent, tell};
use crate::notifier::PgNotifier;
use crate::quiet;
use crate::row::digest;
use crate::session::Connector;
use crate::sql::Sql;

/// How long a health check may take, and the look-up of a key: it is asked for while a platform waits.
const LOOK_UP: Duration = Duration::from_millis(2_300);

/// The steps of the time limit that a session has for a batch, so that it is rarely set again.
const STEP: Duration = Duration::from_millis(50);

/// What is asked of a writer. All of it goes the way of an acknowledgement, whose connection is there when no other is.
pub(crate) enum Request {
    /// Whether it could write. The answer means nothing.
    Check,
    /// Whether a key is known: then it is answered as a duplicate. A gate asks that before it decides.
    IsKnown(IdempotencyKey),
    Write(Box<Incoming>),
}

/// A delivery to write.
pub(crate) struct Incoming {
    record: Record,
    tenant: Vec<u8>,
    now: Timestamp,
}

/// The batchers of all writers. A tenant's deliveries all go to the same one, so that within a process writers do not wait
/// for each other's locks.
pub(crate) struct Writers(Vec<Batcher<Writer>>);

/// What all share who write in batches.
pub(crate) struct Shared {
    pub(crate) notifier: Arc<PgNotifier>,
    pub(crate) connector: Connector,
    pub(crate) sql: Arc<Sql>,
    pub(crate) time_limit: Duration,
}

impl Writers {
    /// Starts one on each of these sessions. They end when this value is dropped.
    pub(crate) fn start(shared: &Arc<Shared>, sessions: Vec<ClientWrapper>, queue: usize) -> Self {
        let start = |client| {
            let session = Some(Session { client, limit: None });
            Batcher::start(Writer { shared: shared.clone(), session }, queue, shared.time_limit)
        };
        Self(sessions.into_iter().map(start).collect())
    }

    /// Has it written, and waits for the commit.
    pub(crate) async fn accept(
        &self,
        record: Record,
        now: Timestamp,
        within: Duration,
    ) -> Result<Accepted, EngineError> {
        let tenant = digest(&record.tenant);
        let writer = &self.0[usize::from(tenant[0]) % self.0.len()];
        writer.ask(Request::Write(Box::new(Incoming { record, tenant, now })), within).await
    }

    pub(crate) async fn is_known(&self, key: IdempotencyKey) -> Result<bool, EngineError> {
        let writer = &self.0[usize::from(key.as_bytes()[0]) % self.0.len()];
        Ok(writer.ask(Request::IsKnown(key), LOOK_UP).await? == Accepted::Duplicate)
    }

    /// Whether all of them can write.
    pub(crate) async fn check(&self) -> Result<(), EngineError> {
        let checks = self.0.iter().map(|writer| writer.ask(Request::Check, LOOK_UP));
        futures_util::future::try_join_all(checks).await.map(drop)
    }
}

impl Request {
    fn incoming(&self) -> Option<&Incoming> {
        match self {
            Self::Write(incoming) => Some(incoming),
            Self::Check | Self::IsKnown(_) => None,
        }
    }
}

/// What is done at once, on one session.
#[derive(Clone, Copy)]
enum Job<'a> {
    LookUp(&'a [&'a [u8]]),
    Probe,
    Write(&'a [&'a Incoming]),
}

/// Writes on one session.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    session: Option<Session>,
}

struct Session {
    client: ClientWrapper,
    /// The limit of a statement that it has now, if it was set here.
    limit: Option<Duration>,
}

type Queued = QueuedRequest<Request, Accepted>;

/// The deliveries of the keys that were found, or written.
type IdsByKey = HashMap<IdempotencyKey, DeliveryId>;

/// Why a job was not done.
#[derive(Clone)]
enum Failed {
    Because(String),
    TooLate,
}

impl From<Failed> for String {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Because(why) => why,
            Failed::TooLate => NOT_IN_TIME.to_owned(),
        }
    }
}

impl Work for Writer {
    type Request = Request;
    type Answer = Accepted;

    fn size(request: &Self::Request) -> usize {
        request.incoming().map_or(0, |incoming| incoming.record.body.len())
    }

    async fn run(&mut self, batch: Vec<Queued>) {
        let (mut checks, mut keys, mut deliveries) = (Vec::new(), Vec::new(), Vec::new());
        for waiting in batch {
            match waiting.request {
                Request::Check => checks.push(waiting),
                _ if waiting.is_late() => waiting.answer(Err(NOT_IN_TIME.to_owned())),
                Request::IsKnown(key) => keys.push((key, waiting)),
                Request::Write(_) => deliveries.push(waiting),
            }
        }
        if !keys.is_empty() {
            self.look_up(keys).await;
        }
        if !deliveries.is_empty() {
            self.write(deliveries).await;
        }
        if !checks.is_empty() {
            self.check(checks).await;
        }
    }
}

impl Writer {
    /// One for all who asked.
    async fn check(&mut self, checks: Vec<Queued>) {
        let until = Instant::now() + LOOK_UP.min(self.shared.time_limit);
        let checked = self.attempt_twice(Job::Probe, until).await.map(|_| Accepted::Duplicate);
        for waiting in checks {
            waiting.answer(checked.clone().map_err(String::from));
        }
    }

    async fn look_up(&mut self, asked: Vec<(IdempotencyKey, Queued)>) {
        let until = Instant::now() + LOOK_UP.min(self.shared.time_limit);
        let keys: Vec<&[u8]> = asked.iter().map(|(key, _)| key.as_bytes().as_slice()).collect();
        let known = self.attempt_twice(Job::LookUp(&keys), until).await;
        for (key, waiting) in asked {
            let unknown = Accepted::New(DeliveryId(0));
            let found = known
                .as_ref()
                .map(|known| if known.contains_key(&key) { Accepted::Duplicate } else { unknown });
            waiting.answer(found.map_err(|failed| failed.clone().into()));
        }
    }

    /// Writes all in the time of whoever has least. Where that is too short, the others are tried again, in theirs.
    async fn write(&mut self, mut batch: Vec<Queued>) {
        while let Some(until) = batch.iter().map(|waiting| waiting.until).min() {
            let written = self.write_until(&batch, until).await;
            let (answered, others) = match written {
                Err(Failed::TooLate) => batch.into_iter().partition(|waiting| waiting.until <= until + STEP),
                _ => (batch, Vec::new()),
            };
            answer(answered, written);
            batch = others;
        }
    }

    async fn write_until(&mut self, batch: &[Queued], until: Instant) -> Result<IdsByKey, Failed> {
        let mut keys = HashSet::new();
        let all = batch.iter().filter_map(|waiting| waiting.request.incoming());
        let fresh: Vec<&Incoming> = all.filter(|incoming| keys.insert(incoming.record.key)).collect();
        let written = self.attempt_twice(Job::Write(&fresh), until).await?;
        if !written.is_empty() {
            self.shared.notifier.notify();
        }
        Ok(written)
    }

    /// Tries again once on a new connection where the old one was lost, or is on a node that takes no writes any more. If the
    /// first try was committed after all, the second finds its own rows, and they are told as duplicates.
    async fn attempt_twice(&mut self, job: Job<'_>, until: Instant) -> Result<IdsByKey, Failed> {
        let mut may_repeat = self.session.is_some();
        loop {
            let error = match timeout_at(until, self.attempt(job, until)).await {
                Ok(Ok(found)) => return Ok(found),
                Ok(Err(error)) => Some(error),
                Err(_) => None,
            };
            self.session = None;
            let Some(error) = error else { return Err(Failed::TooLate) };
            if error.code() == Some(&SqlState::QUERY_CANCELED) {
                return Err(Failed::TooLate);
            }
            if !may_repeat || !(is_passing(&error) || is_spent(&error)) {
                return Err(Failed::Because(format!("PostgreSQL: {}", tell(&error))));
            }
            may_repeat = false;
        }
    }

    async fn attempt(&mut self, job: Job<'_>, until: Instant) -> Result<IdsByKey, tokio_postgres::Error> {
        match job {
            Job::LookUp(keys) => self.find(keys, until).await,
            Job::Probe => self.probe(until).await.map(|()| HashMap::new()),
            Job::Write(batch) => self.insert(batch, until).await,
        }
    }

    /// A session, and the setting that has the server give up in time: before the caller does, so that what is answered with
    /// an error was not written. It is sent ahead of the statement, without waiting for an answer.
    async fn session(&mut self, until: Instant) -> Result<(&ClientWrapper, String), tokio_postgres::Error> {
        let mut session = match self.session.take() {
            Some(session) if !session.client.is_closed() => session,
            _ => Session { client: self.shared.connector.open().await?, limit: None },
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

    /// The rows that a statement gives, sent right behind the setting.
    async fn query(
        &mut self,
        sql: fn(&Sql) -> &String,
        values: &[&(dyn ToSql + Sync)],
        until: Instant,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let shared = self.shared.clone();
        let (session, set) = self.session(until).await?;
        let statement = session.prepare_cached(sql(&shared.sql)).await?;
        let (set, rows) = tokio::join!(apply(session, &set), quiet::query(session, &statement, values));
        set?;
        rows
    }

    async fn probe(&mut self, until: Instant) -> Result<(), tokio_postgres::Error> {
        self.query(|sql| &sql.check, &[&SAMPLE], until).await.map(drop)
    }

    async fn find(&mut self, keys: &[&[u8]], until: Instant) -> Result<IdsByKey, tokio_postgres::Error> {
        let (mut known, mut is_writable) = (Vec::new(), true);
        for row in self.query(|sql| &sql.is_known, &[&keys], until).await? {
            is_writable &= row.try_get::<_, bool>(2)?;
            if row.try_get(3)? {
                known.push(row);
            }
        }
        if !is_writable {
            self.probe(until).await?; // a node that takes no writes tells what was true once, and this error
        }
        by_key(known)
    }

    /// One statement, which is one transaction. Its answer follows its commit.
    async fn insert(
        &mut self,
        batch: &[&Incoming],
        until: Instant,
    ) -> Result<IdsByKey, tokio_postgres::Error> {
        let bytes =
            |of: fn(&Incoming) -> &[u8]| batch.iter().map(|waiting| of(waiting)).collect::<Vec<&[u8]>>();
        let times = |of: fn(&Incoming) -> Timestamp| {
            batch.iter().map(|waiting| of(waiting).as_millis()).collect::<Vec<i64>>()
        };
        let values: [&(dyn ToSql + Sync); 10] = [
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
        by_key(self.query(|sql| &sql.accept, &values, until).await?)
    }
}

fn answer(batch: Vec<Queued>, mut written: Result<IdsByKey, Failed>) {
    for waiting in batch {
        let Some(key) = waiting.request.incoming().map(|incoming| incoming.record.key) else { continue };
        // Of two of one key in one batch, the first takes the id out.
        let accepted = written.as_mut().map_err(|failed| failed.clone().into());
        waiting.answer(accepted.map(|new| new.remove(&key).map_or(Accepted::Duplicate, Accepted::New)));
    }
}

fn by_key(rows: Vec<Row>) -> Result<IdsByKey, tokio_postgres::Error> {
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let key: &[u8] = row.try_get(0)?;
        if let Ok(key) = key.try_into() {
            found.insert(IdempotencyKey::from_bytes(key), DeliveryId(row.try_get(1)?));
        }
    }
    Ok(found)
}

async fn apply(session: &ClientWrapper, setting: &str) -> Result<(), tokio_postgres::Error> {
    if setting.is_empty() { Ok(()) } else { session.batch_execute(setting).await }
}
