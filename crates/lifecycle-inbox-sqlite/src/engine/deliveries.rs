//! What the engine does with deliveries: each method is a job for the writer, or a question to the readers.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use lifecycle_core::{Change, IdempotencyKey};
use lifecycle_inbox::{
    Accepted, AfterFailure, Claim, ClaimRequest, DeliveryFilter, DeliveryId, DeliveryState, DeliverySummary,
    Ended, Engine, EngineError, LeaseToken, Notifier, Prune, Pruned, Record, Stats, StoredDelivery,
    Timestamp, UnknownPlatform,
};

use super::{NOT_IN_TIME, SqliteEngine};
use crate::claims::{self, Claiming};
use crate::deliveries::{self, Ending};
use crate::job::JobResult;
use crate::operations;

#[async_trait]
impl Engine for SqliteEngine {
    fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    async fn accept(
        &self,
        record: Record,
        now: Timestamp,
        within: Duration,
    ) -> Result<Accepted, EngineError> {
        let until = Instant::now().checked_add(within); // none: it is longer than a clock can tell
        let accepted = self.write(move |connection| {
            // The transaction may have waited for another process, longer than this could.
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(JobResult::undo(None));
            }
            Ok(deliveries::accept(connection, &record, now)?.map(Some))
        });
        accepted.await?.ok_or_else(|| EngineError::new(NOT_IN_TIME))
    }

    async fn is_known(&self, key: IdempotencyKey) -> Result<bool, EngineError> {
        self.read(move |connection| deliveries::is_known(connection, key)).await
    }

    async fn claim(&self, request: ClaimRequest<'_>) -> Result<Vec<Claim>, EngineError> {
        let ClaimRequest { worker, platforms, now, lease, limit, .. } = request;
        let platforms = platforms.iter().map(|&platform| platform.to_owned()).collect();
        let claiming = Claiming { worker: worker.to_owned(), platforms, now, lease, limit };
        self.write(move |connection| claims::claim(connection, &claiming)).await
    }

    async fn renew(
        &self,
        tokens: &[LeaseToken],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<LeaseToken>, EngineError> {
        let tokens = tokens.to_vec();
        self.write(move |connection| deliveries::renew(connection, &tokens, now, lease)).await
    }

    async fn complete(
        &self,
        token: LeaseToken,
        now: Timestamp,
        change: &Change,
    ) -> Result<bool, EngineError> {
        let change = change.clone();
        self.write(move |connection| deliveries::complete(connection, token, now, &change)).await
    }

    async fn fail(
        &self,
        token: LeaseToken,
        now: Timestamp,
        error: &str,
        next: AfterFailure<'_>,
    ) -> Result<bool, EngineError> {
        let error = error.to_owned();
        match next {
            AfterFailure::At(time) => {
                self.write(move |connection| deliveries::postpone(connection, token, now, &error, time)).await
            }
            AfterFailure::Dead(change) => {
                let change = change.cloned();
                let bury = move |connection: &_| {
                    let (error, change) = (Some(&*error), change.as_ref());
                    deliveries::end(
                        connection,
                        token,
                        now,
                        &Ending { state: DeliveryState::Dead, error, change },
                    )
                };
                self.write(bury).await
            }
        }
    }

    async fn release(&self, token: LeaseToken, now: Timestamp) -> Result<bool, EngineError> {
        self.write(move |connection| deliveries::release(connection, token, now)).await
    }

    async fn unknown_platforms(
        &self,
        known: &[&str],
        now: Timestamp,
    ) -> Result<Vec<UnknownPlatform>, EngineError> {
        let known: Vec<String> = known.iter().map(|&platform| platform.to_owned()).collect();
        self.read(move |connection| operations::unknown_platforms(connection, &known, now)).await
    }

    async fn stats(&self, now: Timestamp) -> Result<Stats, EngineError> {
        self.read(move |connection| operations::stats(connection, now)).await
    }

    async fn ended(&self, since: Timestamp) -> Result<Ended, EngineError> {
        self.read(move |connection| operations::ended(connection, since)).await
    }

    async fn list(&self, filter: &DeliveryFilter) -> Result<Vec<DeliverySummary>, EngineError> {
        let filter = filter.clone();
        self.read(move |connection| operations::list(connection, &filter)).await
    }

    async fn show(&self, id: DeliveryId) -> Result<Option<StoredDelivery>, EngineError> {
        self.read(move |connection| operations::show(connection, id)).await
    }

    async fn retry(&self, id: DeliveryId, now: Timestamp) -> Result<bool, EngineError> {
        self.write(move |connection| deliveries::retry(connection, id, now)).await
    }

    async fn delete(&self, id: DeliveryId) -> Result<bool, EngineError> {
        self.write(move |connection| deliveries::delete(connection, id)).await
    }

    async fn prune(&self, prune: Prune) -> Result<Pruned, EngineError> {
        self.write(move |connection| operations::prune(connection, prune)).await
    }

    async fn check(&self) -> Result<(), EngineError> {
        self.write(operations::probe).await
    }
}
