//! What the engine does with deliveries: each method is one statement, or a place in a batch.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use lifecycle_core::{Change, IdempotencyKey};
use lifecycle_inbox::{
    Accepted, AfterFailure, CLOCK_SKEW, Claim, ClaimRequest, DeliveryFilter, DeliveryId, DeliveryState,
    DeliverySummary, Ended, Engine, EngineError, LeaseToken, Notifier, Prune, Pruned, Record, Stats,
    StoredDelivery, Timestamp, UnknownPlatform,
};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;

use super::{PRUNE_LIMIT, PostgresEngine, failed};
use crate::ending::Completion;
use crate::error::store;
use crate::row::{self, column, digest};

#[async_trait]
impl Engine for PostgresEngine {
    fn notifier(&self) -> &Notifier {
        &self.0.notifier.local
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    async fn accept(
        &self,
        record: Record,
        now: Timestamp,
        within: Duration,
    ) -> Result<Accepted, EngineError> {
        self.0.writers.accept(record, now, within).await
    }

    async fn is_known(&self, key: IdempotencyKey) -> Result<bool, EngineError> {
        self.0.writers.is_known(key).await
    }

    async fn claim(&self, request: ClaimRequest<'_>) -> Result<Vec<Claim>, EngineError> {
        let (platforms, worker) = (bytes_of(request.platforms), request.worker.as_bytes());
        let (now, ahead) = (request.now.as_millis(), (request.now + CLOCK_SKEW).as_millis());
        let (until, limit) = ((request.now + request.lease).as_millis(), limit(request.limit));
        let (from, started) = (self.0.low_water.from(request.platforms), Instant::now());
        let values: [&(dyn ToSql + Sync); 7] = [&platforms, &worker, &now, &ahead, &until, &limit, &from];
        let rows = self.query(&self.0.sql.claim, &values).await?;
        let lowest =
            rows.first().map(|row| row.try_get("lowest")).transpose().map_err(|error| store(&error))?;
        self.0.low_water.claimed(request.platforms, from, lowest, started.elapsed());
        let mut claims: Vec<Claim> =
            rows.iter().map(row::claim).collect::<Result<_, _>>().map_err(|error| store(&error))?;
        claims.sort_unstable_by_key(|claim| claim.token);
        Ok(claims)
    }

    async fn renew(
        &self,
        tokens: &[LeaseToken],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<LeaseToken>, EngineError> {
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<i64> = tokens.iter().map(|token| token.id.0).collect();
        let fences: Vec<i64> = tokens.iter().map(|token| token.fence).collect();
        let (now, until) = (now.as_millis(), (now + lease).as_millis());
        let rows = self.query(&self.0.sql.renew, &[&ids, &fences, &now, &until]).await?;
        let mut held = Vec::with_capacity(rows.len());
        for row in &rows {
            held.push(LeaseToken { id: DeliveryId(column(row, 0)?), fence: column(row, 1)? });
        }
        Ok(tokens.iter().copied().filter(|token| held.contains(token)).collect())
    }

    async fn complete(
        &self,
        token: LeaseToken,
        now: Timestamp,
        change: &Change,
    ) -> Result<bool, EngineError> {
        self.end(Completion::done(token, now, change.clone())).await
    }

    async fn fail(
        &self,
        token: LeaseToken,
        now: Timestamp,
        error: &str,
        next: AfterFailure<'_>,
    ) -> Result<bool, EngineError> {
        let (state, due_at, change) = match next {
            AfterFailure::At(time) => (DeliveryState::Pending, time, None),
            AfterFailure::Dead(change) => (DeliveryState::Dead, Timestamp::MIN, change.cloned()),
        };
        let error = Some(error.to_owned());
        self.end(Completion { token, now, state, due_at, error, uncounted: 0, change }).await
    }

    async fn release(&self, token: LeaseToken, now: Timestamp) -> Result<bool, EngineError> {
        let (state, due_at) = (DeliveryState::Pending, Timestamp::MIN);
        self.end(Completion { token, now, state, due_at, error: None, uncounted: 1, change: None }).await
    }

    async fn unknown_platforms(
        &self,
        known: &[&str],
        now: Timestamp,
    ) -> Result<Vec<UnknownPlatform>, EngineError> {
        let rows = self.read(&self.0.sql.unknown_platforms, &[&bytes_of(known)]).await?;
        let told = |row| {
            let open = u64::try_from(column::<i64>(row, 1)?).unwrap_or(0);
            let oldest = now.since(Timestamp::from_millis(column(row, 2)?));
            Ok(UnknownPlatform::new(row::lossy(column(row, 0)?), open, oldest))
        };
        rows.iter().map(told).collect()
    }

    async fn stats(&self, now: Timestamp) -> Result<Stats, EngineError> {
        let rows = self.read(&self.0.sql.stats, &[]).await?;
        let Some(row) = rows.first() else { return Ok(Stats::default()) };
        let count = |nth| column::<i64>(row, nth).map(|count| u64::try_from(count).unwrap_or(0));
        let mut stats = Stats::default();
        (stats.pending, stats.leased, stats.dead) = (count(0)?, count(1)?, count(2)?);
        stats.oldest = column::<Option<i64>>(row, 3)?.map(|at| now.since(Timestamp::from_millis(at)));
        Ok(stats)
    }

    async fn ended(&self, since: Timestamp) -> Result<Ended, EngineError> {
        let rows = self.read(&self.0.sql.ended, &[&since.as_millis()]).await?;
        let Some(row) = rows.first() else { return Ok(Ended::default()) };
        let count = |nth| column::<i64>(row, nth).map(|count| u64::try_from(count).unwrap_or(0));
        Ok(Ended::new(count(0)?, count(1)?))
    }

    async fn list(&self, filter: &DeliveryFilter) -> Result<Vec<DeliverySummary>, EngineError> {
        let tenant = filter.tenant.as_ref().map(digest);
        let state = filter.state.map(DeliveryState::name);
        let start = if filter.newest_first { i64::MAX } else { i64::MIN };
        let after = filter.after.map_or(start, |id| id.0);
        let limit = limit(filter.limit);
        let rows = self.read(&self.0.sql.list(filter), &[&tenant, &state, &after, &limit]).await?;
        rows.iter().map(row::summary).collect()
    }

    async fn show(&self, id: DeliveryId) -> Result<Option<StoredDelivery>, EngineError> {
        let rows = self.read(&self.0.sql.show, &[&id.0]).await?;
        rows.first().map(row::stored).transpose()
    }

    async fn retry(&self, id: DeliveryId, now: Timestamp) -> Result<bool, EngineError> {
        let rows = self.query(&self.0.sql.retry, &[&id.0, &now.as_millis()]).await?;
        let found = rows.first().map_or(Ok(false), |row| column(row, 0))?;
        if found {
            self.0.notifier.notify();
        }
        Ok(found)
    }

    async fn delete(&self, id: DeliveryId) -> Result<bool, EngineError> {
        let rows = self.query(&self.0.sql.delete, &[&id.0]).await?;
        let found = rows.first().map_or(Ok(false), |row| column(row, 0))?;
        if found {
            self.0.notifier.notify();
        }
        Ok(found)
    }

    async fn prune(&self, prune: Prune) -> Result<Pruned, EngineError> {
        let mut client = self.client().await?;
        let [done, dead, keys] =
            [prune.done_before, prune.dead_before, prune.keys_before].map(Timestamp::as_millis);
        let limit = limit(prune.limit);
        let work = async {
            let transaction = client.transaction().await?;
            let patience = format!("SET LOCAL statement_timeout = {}", PRUNE_LIMIT.as_millis());
            transaction.batch_execute(&patience).await?;
            let statement = transaction.prepare_cached(&self.0.sql.prune).await?;
            let row = transaction.query_one(&statement, &[&done, &dead, &keys, &limit]).await?;
            transaction.commit().await?;
            Ok(row)
        };
        let row = match timeout(PRUNE_LIMIT + self.0.time_limit, work).await {
            Ok(Ok(row)) => row,
            Ok(Err(error)) => return Err(failed(client, &error)),
            Err(_) => return Err(self.too_late(client)),
        };
        drop(client);
        let count = |nth| column::<i64>(&row, nth).map(|count| u64::try_from(count).unwrap_or(0));
        let mut pruned = Pruned::default();
        (pruned.done, pruned.dead, pruned.keys) = (count(0)?, count(1)?, count(2)?);
        if pruned.keys < u64::try_from(prune.limit).unwrap_or(u64::MAX) {
            self.move_keys().await?; // when all are forgotten that are to be
        }
        Ok(pruned)
    }

    async fn check(&self) -> Result<(), EngineError> {
        self.0.writers.check().await
    }
}

impl PostgresEngine {
    async fn end(&self, end: Completion) -> Result<bool, EngineError> {
        self.0.endings.ask(end, self.0.time_limit).await
    }
}

fn bytes_of<'t>(texts: &[&'t str]) -> Vec<&'t [u8]> {
    texts.iter().map(|text| text.as_bytes()).collect()
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
