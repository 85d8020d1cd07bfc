//! Engine: the contract between the inbox and a database.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use lifecycle_core::{Change, IdempotencyKey};

use crate::error::EngineError;
use crate::notifier::Notifier;
use crate::operations::{
    DeliveryFilter, DeliverySummary, Ended, Prune, Pruned, Stats, StoredDelivery, UnknownPlatform,
};
use crate::record::{Record, Unreadable};
use crate::timestamp::Timestamp;

/// A database that keeps deliveries until they are handled, and the installations that follow from them.
///
/// Its sibling traits are asked for by whoever needs them: [`InstallationStore`](crate::InstallationStore) reads the
/// installations, for an [`EnabledGate`](crate::EnabledGate), and [`SecretStore`](crate::SecretStore) keeps secrets, for a
/// vault. A [`Store`](crate::Store) takes the engine alone.
///
/// # The life of a delivery
///
/// ```text
///              claim                 complete
///   Pending ----------> Leased ----------------> Done -----> pruned
///     ^  ^                |  |
///     |  +--- release ----+  |  fail, Dead
///     |  +--- fail, At ---+  +----------------> Dead -----> pruned, deleted
///     +------------------------- retry -----------+
/// ```
///
/// * `Pending` and `Leased` deliveries are *open*.
/// * Each delivery has a time from which it is *due*: for a pending delivery, when it may be tried; for a leased delivery, when the
///   lease ends. And it has the time at which that was last written. A delivery is due when `due_at <= now`, and also when
///   it was `touched_at` more than [`CLOCK_SKEW`] after `now`: then the clock was set back, and its times mean nothing.
/// * Ids grow in the order of acceptance and are never used again.
/// * Each claim of a delivery raises its *fence*, which nothing ever lowers. Id and fence together are the [`LeaseToken`]. Whatever
///   is done with a token is done in one statement or transaction that also checks that the delivery is leased under this
///   very fence. Whether the lease is over by the clock does not matter, as long as nobody has taken the delivery over.
///
/// # Order
///
/// A delivery may be claimed when its platform is asked for, it is due, it is the oldest open delivery of its [`TenantKey`](crate::TenantKey), and no delivery of
/// that key is leased and not yet due. (The last is not the same as the second: [`retry`](Self::retry) brings an older
/// delivery back while a newer one runs, and in a database of many writers a delivery may become visible late.) Deliveries that may be
/// claimed are handed out oldest first. So a delivery that waits for its next attempt holds up its own tenant, and no other;
/// a dead or deleted delivery holds up nobody.
///
/// # Rules for all methods
///
/// * Each is one transaction: after an error, or when its future is dropped, it has happened wholly or not at all.
/// * What a method reports as done survives a crash of the process and of the machine.
/// * Each ends in bounded time, with an error if need be: no wait for a connection, a lock or a queue is endless.
/// * Text may be any text, including NUL. Bytes are kept as they are.
/// * `now` is an argument, and may go back.
///
/// `lifecycle_inbox::contract` (feature `contract`) runs all these rules against an engine.
///
/// # Effect and completion in one transaction
///
/// An engine that can give a handler its transaction has a [`Runner`](crate::Runner) that runs the handler and does what
/// [`complete`](Self::complete) does in the same transaction, and answers [`RunOutcome::Committed`](crate::RunOutcome::Committed). The
/// worker around it stays the same. Check the token first, and touch the delivery last, so that the lease can be renewed
/// meanwhile.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Wakes the workers of this process. [`Notifier::notify`] it whenever a delivery becomes claimable: after an acceptance, a
    /// completion, a death, a release, a retry, a delete.
    fn notifier(&self) -> &Notifier;

    /// The clock that all replicas of this store share. Override it where the database's clock can be followed.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Writes a delivery durably, unless its key is known. A new delivery is pending, and due at once: at
    /// [`Timestamp::MIN`].
    ///
    /// What is not written `within` this time is not written at all, since the platform is told so: what still waits in a
    /// queue or for a lock gives up, on the database's side too. Only a commit that has begun can no longer be taken back;
    /// the caller waits 0.1 s longer, for the answer to come.
    async fn accept(&self, record: Record, now: Timestamp, within: Duration)
    -> Result<Accepted, EngineError>;

    /// Whether a delivery of this key was accepted, as far as it is remembered.
    async fn is_known(&self, key: IdempotencyKey) -> Result<bool, EngineError>;

    /// Leases up to `limit` deliveries of the platforms asked for, oldest first; see [the rules of order](Self#order). Raises the
    /// fence and the count of attempts of each. A delivery that cannot be read is claimed like any other, as [`Unreadable`]. Deliveries of
    /// other platforms stay as they are, and however many there are, they do not slow the others down.
    async fn claim(&self, request: ClaimRequest<'_>) -> Result<Vec<Claim>, EngineError>;

    /// Prolongs leases to `now + lease`. Returns those tokens that still hold their delivery.
    async fn renew(
        &self,
        tokens: &[LeaseToken],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<LeaseToken>, EngineError>;

    /// Marks the delivery done and folds the change into the installation of the delivery's tenant key
    /// ([`Installation::fold`](lifecycle_core::Installation::fold)), under a lock on that installation. What the fold gives
    /// is stored whenever it is another one, also where the status stays. `false`, and nothing has happened, when the token
    /// no longer holds the delivery. After a change of an installation, calls [`Notifier::installation_changed`].
    ///
    /// The change's place in the order of arrival is the delivery's id: [`Change::new`]`(&delivery, token.id.0)`.
    async fn complete(&self, token: LeaseToken, now: Timestamp, change: &Change)
    -> Result<bool, EngineError>;

    /// Notes a failed attempt with its error (of some kilobytes at most), and what comes next. `false`, and nothing has happened, when the token no
    /// longer holds the delivery.
    async fn fail(
        &self,
        token: LeaseToken,
        now: Timestamp,
        error: &str,
        next: AfterFailure<'_>,
    ) -> Result<bool, EngineError>;

    /// Gives a delivery back unfinished: pending, due at once, the attempt not counted. `false` when the token no longer
    /// holds the delivery.
    async fn release(&self, token: LeaseToken, now: Timestamp) -> Result<bool, EngineError>;

    /// The open deliveries of all platforms but these, by the name of their platform: what waits for a worker that knows it. Where
    /// there is none, this is quick, whatever the number of other deliveries.
    async fn unknown_platforms(
        &self,
        known: &[&str],
        now: Timestamp,
    ) -> Result<Vec<UnknownPlatform>, EngineError>;

    /// How much there is to do, and how much went wrong.
    async fn stats(&self, now: Timestamp) -> Result<Stats, EngineError>;

    /// How many deliveries were done, and how many died, from this time on.
    async fn ended(&self, since: Timestamp) -> Result<Ended, EngineError>;

    /// Deliveries in the order of acceptance, or the other way round.
    async fn list(&self, filter: &DeliveryFilter) -> Result<Vec<DeliverySummary>, EngineError>;

    /// One delivery with its bytes, however damaged.
    async fn show(&self, id: DeliveryId) -> Result<Option<StoredDelivery>, EngineError>;

    /// Makes a dead or pending delivery due at once, with no attempts counted, at its old place in the order. `false` when
    /// there is no such delivery, or it is leased or done.
    async fn retry(&self, id: DeliveryId, now: Timestamp) -> Result<bool, EngineError>;

    /// Deletes a delivery in whatever state, whoever holds it; its key stays known. `false` when there is no such delivery.
    async fn delete(&self, id: DeliveryId) -> Result<bool, EngineError>;

    /// Deletes deliveries that were done long ago and dead letters that died long ago, and forgets old keys.
    async fn prune(&self, prune: Prune) -> Result<Pruned, EngineError>;

    /// Whether the store can be written to.
    async fn check(&self) -> Result<(), EngineError>;
}

/// How far the clocks of replicas may differ: 60 s. A time that was written further ahead than that was written
/// before the clock was set back.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// The place of a delivery in its store.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DeliveryId(pub i64);

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What became of a delivery that was to be accepted. Closed on purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Accepted {
    /// Its key was known: nothing was written.
    Duplicate,
    /// It was written.
    New(DeliveryId),
}

/// Whose claim, and for how long.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ClaimRequest<'a> {
    /// The worker's name, for people. It need not be unique: ownership is by token.
    pub worker: &'a str,
    /// The names of the platforms that the worker can read. It gets no deliveries of others.
    pub platforms: &'a [&'a str],
    /// The time.
    pub now: Timestamp,
    /// The leases end at `now` plus this.
    pub lease: Duration,
    /// The most deliveries to claim.
    pub limit: usize,
}

impl<'a> ClaimRequest<'a> {
    /// A claim of at most so many deliveries.
    pub fn new(
        worker: &'a str,
        platforms: &'a [&'a str],
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Self {
        Self { worker, platforms, now, lease, limit }
    }
}

/// The right to finish one delivery, until another claim takes it over. Closed on purpose: it is the same on every engine.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LeaseToken {
    /// The delivery.
    pub id: DeliveryId,
    /// How often the delivery was claimed, over its whole life. An effect in another system can be guarded by it too: one
    /// with a lower fence comes too late.
    pub fence: i64,
}

/// A delivery that is leased to the caller.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// What it takes to finish the delivery.
    pub token: LeaseToken,
    /// The attempts since the delivery was accepted or retried, this one included. It grows with every claim that is not
    /// released, also with those whose process died.
    pub attempt: u32,
    /// The newest later delivery of the tenant that is done, if there is one: this one was dead and is retried. At least while
    /// that one is kept.
    pub overtaken_by: Option<DeliveryId>,
    /// The delivery, or why its columns do not read.
    pub record: Result<Record, Unreadable>,
}

impl Claim {
    /// For engines: a claim of a delivery that no later delivery has overtaken.
    pub fn new(token: LeaseToken, attempt: u32, record: Result<Record, Unreadable>) -> Self {
        Self { token, attempt, overtaken_by: None, record }
    }
}

/// What follows a failed attempt. Closed on purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AfterFailure<'a> {
    /// Another attempt at this time.
    At(Timestamp),
    /// None: it is a dead letter, until someone retries or deletes it, or it is pruned. A change that is given is folded all the same, as
    /// [`complete`](Engine::complete) does; a completion after a retry then finds it folded.
    Dead(Option<&'a Change>),
}
