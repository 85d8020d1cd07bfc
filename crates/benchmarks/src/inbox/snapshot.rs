//! Snapshot: how fast PostgreSQL hands out work while an old snapshot is held open, by a dump or by a forgotten transaction.
//!
//! What was changed since cannot be cleaned up then: dead rows and their index entries grow with each delivery.

use std::sync::Arc;

use lifecycle_inbox::{Engine, Store};
use serde::{Deserialize, Serialize};
use test_postgres::Server;
use tokio_postgres::Client;

use super::callbacks::Callbacks;
use super::claims::work;
use super::senders::{Load, send};
use super::stores::{AcceptAll, connect, postgres_engine};
use crate::measure::Spread;
use crate::{Effort, Failure};

/// The rounds at the end, when most is dead, which are compared.
const LAST: usize = 5;

/// What was measured.
#[derive(Deserialize, Serialize)]
pub(crate) struct Snapshot {
    /// The deliveries of one round.
    count: usize,
    /// Deliveries handled a second, round by round: without the snapshot, and with it.
    handled: [Vec<f64>; 2],
}

/// A server of its own: what a snapshot keeps from being cleaned up is all that is in its database.
struct Subject {
    server: Server,
    engine: Arc<dyn Engine>,
    vacuum: Client,
}

impl Subject {
    async fn start() -> Result<Self, Failure> {
        let server = Server::start();
        let engine = Arc::new(postgres_engine(&server.url(), "snapshot").await?);
        let vacuum = connect(&server.url()).await?;
        Ok(Self { server, engine, vacuum })
    }
}

impl Snapshot {
    /// Measures both in turns.
    pub(crate) async fn measure(effort: Effort) -> Result<Self, Failure> {
        let (rounds, count) = match effort {
            Effort::Full => (20, 3_000),
            Effort::Quick => (2, 300),
        };
        let subjects = [Subject::start().await?, Subject::start().await?];
        let holder = connect(&subjects[1].server.url()).await?;
        holder
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM snapshot.deliveries")
            .await?;
        let callbacks = [(); 2].map(|()| Arc::new(Callbacks::to(1_000)));
        let mut handled = [Vec::new(), Vec::new()];
        for round in 0..rounds {
            for turn in 0..2 {
                let nth = (round + turn) % 2;
                let engine = &subjects[nth].engine;
                let inbox = Arc::new(Store::from(engine.clone()).open(AcceptAll).0);
                send(&inbox, &callbacks[nth], Load::of(count, 64)).await?;
                // As the server does by itself within a minute; plans are made by what it finds.
                subjects[nth].vacuum.batch_execute("VACUUM (ANALYZE)").await?;
                handled[nth].push(work(engine.clone(), count, 16).await?);
            }
        }
        holder.batch_execute("COMMIT").await?;
        Ok(Self { count, handled })
    }

    /// The deliveries that were handled under the snapshot before those that are compared.
    pub(crate) fn before(&self) -> usize {
        (self.handled[1].len() - self.last()) * self.count
    }

    /// How many deliveries a second at the end: without the snapshot, and with it.
    pub(crate) fn per_second(&self) -> [f64; 2] {
        self.handled
            .each_ref()
            .map(|rounds| Spread::of(rounds[rounds.len() - self.last()..].iter().copied()).median)
    }

    /// How many times as many as without it, at the end.
    pub(crate) fn ratio(&self) -> Spread {
        let [without, with] = &self.handled;
        let first = with.len() - self.last();
        Spread::of(with[first..].iter().zip(&without[first..]).map(|(with, without)| with / without))
    }

    fn last(&self) -> usize {
        LAST.min(self.handled[1].len())
    }
}
