//! What an operator asks of an engine: how much there is, which deliveries, and what may go.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use lifecycle_core::{IdempotencyKey, TenantKey};

use crate::engine::DeliveryId;
use crate::record::{self, Unreadable};
use crate::timestamp::Timestamp;

/// Where a delivery is in its life. Closed on purpose.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DeliveryState {
    /// Given up. It holds up nobody, and stays until it is retried, deleted, or pruned as too old.
    Dead,
    /// Handled.
    Done,
    /// A worker has it.
    Leased,
    /// Waits for its turn or for its next attempt.
    Pending,
}

impl DeliveryState {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Leased, Self::Done, Self::Dead];

    /// The name in lower case, for columns and people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Done => "done",
            Self::Leased => "leased",
            Self::Pending => "pending",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// How much there is to do, and how much went wrong.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Deliveries that wait.
    pub pending: u64,
    /// Deliveries that a worker has.
    pub leased: u64,
    /// Dead letters.
    pub dead: u64,
    /// How long ago the oldest open delivery was accepted; `None` without one.
    pub oldest: Option<Duration>,
}

impl Stats {
    /// Deliveries that are not finished: those that wait and those that a worker has.
    pub fn depth(&self) -> u64 {
        self.pending + self.leased
    }
}

/// How many deliveries ended, as far as they are kept: done ones for 7 days, dead letters for 90, unless a worker's
/// [`Retention`] says otherwise.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Ended {
    /// Handled.
    pub done: u64,
    /// Died, and were not retried since.
    pub dead: u64,
}

impl Ended {
    /// For engines.
    pub fn new(done: u64, dead: u64) -> Self {
        Self { done, dead }
    }
}

/// The open deliveries of a platform that those who ask do not know: they wait for a worker that does.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnknownPlatform {
    /// The name of the platform; any text.
    pub name: String,
    /// How many are open.
    pub open: u64,
    /// How long ago the oldest of them was accepted.
    pub oldest: Duration,
}

impl UnknownPlatform {
    /// For engines.
    pub fn new(name: impl Into<String>, open: u64, oldest: Duration) -> Self {
        Self { name: name.into(), open, oldest }
    }
}

/// Which deliveries to list, and which page of them.
///
/// ```
/// use lifecycle_inbox::{DeliveryFilter, DeliveryState};
///
/// let mut dead = DeliveryFilter::in_state(DeliveryState::Dead);
/// dead.limit = 10;
/// assert_eq!(dead.tenant, None);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeliveryFilter {
    /// Only deliveries in this state.
    pub state: Option<DeliveryState>,
    /// Only deliveries of this tenant.
    pub tenant: Option<TenantKey>,
    /// Only deliveries beyond this one in the order that is asked for: the last id of the page before.
    pub after: Option<DeliveryId>,
    /// The last accepted first, in place of the first.
    pub newest_first: bool,
    /// The most deliveries.
    pub limit: usize,
}

impl DeliveryFilter {
    /// The first 100 deliveries in this state.
    pub fn in_state(state: DeliveryState) -> Self {
        Self { state: Some(state), ..Self::default() }
    }
}

impl Default for DeliveryFilter {
    /// The first 100 deliveries.
    fn default() -> Self {
        Self { state: None, tenant: None, after: None, newest_first: false, limit: 100 }
    }
}

/// A delivery without its bytes. Of a damaged delivery, an engine shows what it can. `Debug` shows no error, as that is in the app's words.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct DeliverySummary {
    /// Its place in the order.
    pub id: DeliveryId,
    /// Whose it is.
    pub tenant: TenantKey,
    /// The name of the event's kind.
    pub kind: String,
    /// Its key; `None` when the column is damaged.
    pub key: Option<IdempotencyKey>,
    /// Where it is in its life.
    pub state: DeliveryState,
    /// Attempts since it was accepted or retried.
    pub attempts: u32,
    /// When it may be tried, or its lease ends; [`Timestamp::MIN`] is at once. Of no meaning once it is done or dead.
    pub due_at: Timestamp,
    /// When it was received.
    pub received_at: Timestamp,
    /// When it was written.
    pub accepted_at: Timestamp,
    /// When it was done or died.
    pub finished_at: Option<Timestamp>,
    /// The newest later delivery of its tenant that is done, if there is one; at least while that one is kept. `None` once this one
    /// is done itself.
    pub overtaken_by: Option<DeliveryId>,
    /// The name of the worker that has it.
    pub worker: Option<String>,
    /// The error of the last failed attempt, in the app's own words, as far as [`HandlerError`](lifecycle_core::HandlerError)
    /// shows them; also after a later success.
    pub last_error: Option<String>,
}

impl DeliverySummary {
    /// For engines: a delivery of which nothing else is known yet; the engine sets what it knows.
    pub fn new(id: DeliveryId, tenant: TenantKey, kind: impl Into<String>, state: DeliveryState) -> Self {
        Self {
            id,
            tenant,
            kind: kind.into(),
            key: None,
            state,
            attempts: 0,
            due_at: Timestamp::MIN,
            received_at: Timestamp::MIN,
            accepted_at: Timestamp::MIN,
            finished_at: None,
            overtaken_by: None,
            worker: None,
            last_error: None,
        }
    }
}

impl fmt::Debug for DeliverySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliverySummary")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("kind", &self.kind)
            .field("key", &self.key)
            .field("state", &self.state)
            .field("attempts", &self.attempts)
            .field("due_at", &self.due_at)
            .field("received_at", &self.received_at)
            .field("accepted_at", &self.accepted_at)
            .field("finished_at", &self.finished_at)
            .field("overtaken_by", &self.overtaken_by)
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

/// A delivery with its bytes. `Debug` shows their length only.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct StoredDelivery {
    /// All but the bytes.
    pub summary: DeliverySummary,
    /// The body, byte for byte as it was sent. It may hold personal data.
    pub body: Bytes,
    /// [`Record::envelope`](crate::Record::envelope).
    pub envelope: String,
}

impl StoredDelivery {
    /// For engines.
    pub fn new(summary: DeliverySummary, body: Bytes, envelope: String) -> Self {
        Self { summary, body, envelope }
    }

    /// The headers that were kept, for people: those that are signed along with the body or say what it is. Never a
    /// signature.
    ///
    /// # Errors
    /// [`Unreadable`] when the envelope is damaged.
    pub fn headers(&self) -> Result<Vec<(String, String)>, Unreadable> {
        record::headers(&self.envelope)
    }
}

impl fmt::Debug for StoredDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredDelivery")
            .field("summary", &self.summary)
            .field("length", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// How long things are kept. [`Duration::MAX`] is for ever.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Retention {
    /// Deliveries that are done, counted from when they were; 7 days by default. They hold payloads, and so personal data.
    pub done: Duration,
    /// Dead letters, counted from when they died; 90 days by default. They hold payloads too. Whoever has not retried one by
    /// then never will.
    pub dead: Duration,
    /// What makes a delivery known as a duplicate, counted from its acceptance; 30 days by default. Independent of how long
    /// the delivery itself is kept; but while a delivery is open or dead, its key is known.
    pub keys: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        Self { done: days(7), dead: days(90), keys: days(30) }
    }
}

/// What may go.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Prune {
    /// Deliveries that were done before this go.
    pub done_before: Timestamp,
    /// Dead letters that died before this go.
    pub dead_before: Timestamp,
    /// Keys that were accepted before this are forgotten, except those of deliveries that are open or dead (and do not go now).
    pub keys_before: Timestamp,
    /// The most deliveries that are done, the most dead letters, and the most keys, in this one transaction: a long one would keep
    /// callbacks waiting.
    pub limit: usize,
}

impl Prune {
    /// At most so many of each, and none as long as no time is set.
    pub fn new(limit: usize) -> Self {
        let never = Timestamp::MIN;
        Self { done_before: never, dead_before: never, keys_before: never, limit }
    }
}

/// What went.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Pruned {
    /// Deliveries that were done, and are deleted.
    pub done: u64,
    /// Dead letters that were deleted.
    pub dead: u64,
    /// Keys that were forgotten.
    pub keys: u64,
}
