//! What the engine does with deliveries: each method is a job for the writer, or a question to the readers.

use std::time::Duration;

use async_trait::async_trait;
use lifecycle_core::{Change, IdempotencyKey};
use lifecycle_inbox::{
    Accepted, Claim, ClaimRequest, DeliveryId, Engine, Filter, Next, Prune, Pruned, Record, Signals, State,
    Stats, StoreError, Stored, Summary, Timestamp, Token,
};

use super::SqliteEngine;
use crate::deliveries::{self, Claiming, Ending};
use crate::operations;

#[async_trait]
impl Engine for SqliteEngine {
    fn signals(&self) -> &Signals {
        &self.signals
    }

    async fn accept(&self, record: Record, now: Timestamp) -> Result<Accepted, StoreError> {
        self.write(move |connection| deliveries::accept(connection, &record, now)).await
    }

    async fn is_known(&self, key: IdempotencyKey) -> Result<bool, StoreError> {
        self.read(move |connection| deliveries::is_known(connection, key)).await
    }

    async fn claim(&self, request: ClaimRequest<'_>) -> Result<Vec<Claim>, StoreError> {
        let ClaimRequest { worker, now, lease, limit } = request;
        let claiming = Claiming { worker: worker.to_owned(), now, lease, limit };
        self.write(move |connection| deliveries::claim(connection, &claiming)).await
    }

    async fn renew(
        &self,
        tokens: &[Token],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<Token>, StoreError> {
        let tokens = tokens.to_vec();
        self.write(move |connection| deliveries::renew(connection, &tokens, now, lease)).await
    }

    async fn complete(&self, token: Token, now: Timestamp, change: &Change) -> Result<bool, StoreError> {
        let change = change.clone();
        self.write(move |connection| deliveries::complete(connection, token, now, &change)).await
    }

    async fn fail(
        &self,
        token: Token,
        now: Timestamp,
        error: &str,
        next: Next<'_>,
    ) -> Result<bool, StoreError> {
        let error = error.to_owned();
        match next {
            Next::At(time) => {
                self.write(move |connection| deliveries::postpone(connection, token, now, &error, time)).await
            }
            Next::Dead(change) => {
                let change = change.cloned();
                let bury = move |connection: &_| {
                    let (error, change) = (Some(&*error), change.as_ref());
                    deliveries::end(connection, token, now, &Ending { state: State::Dead, error, change })
                };
                self.write(bury).await
            }
        }
    }

    async fn release(&self, token: Token, now: Timestamp) -> Result<bool, StoreError> {
        self.write(move |connection| deliveries::release(connection, token, now)).await
    }

    async fn stats(&self, now: Timestamp) -> Result<Stats, StoreError> {
        self.read(move |connection| operations::stats(connection, now)).await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Summary>, StoreError> {
        let filter = filter.clone();
        self.read(move |connection| operations::list(connection, &filter)).await
    }

    async fn show(&self, id: DeliveryId) -> Result<Option<Stored>, StoreError> {
        self.read(move |connection| operations::show(connection, id)).await
    }

    async fn retry(&self, id: DeliveryId, now: Timestamp) -> Result<bool, StoreError> {
        self.write(move |connection| deliveries::retry(connection, id, now)).await
    }

    async fn discard(&self, id: DeliveryId) -> Result<bool, StoreError> {
        self.write(move |connection| deliveries::discard(connection, id)).await
    }

    async fn prune(&self, prune: Prune) -> Result<Pruned, StoreError> {
        self.write(move |connection| operations::prune(connection, prune)).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.write(operations::probe).await
    }
}
