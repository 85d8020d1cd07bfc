//! Growth: what accepting and claiming costs when the store remembers much.

use std::sync::Arc;

use lifecycle_inbox::{Engine, Store};
use lifecycle_inbox_sqlite::SqliteEngine;
use serde::{Deserialize, Serialize};
use test_postgres::Server;

use super::callbacks::Callbacks;
use super::claims::work;
use super::history::{self, PER_TENANT};
use super::senders::{Load, send};
use super::stores::{AcceptAll, postgres_engine};
use crate::measure::Spread;
use crate::{Effort, Failure};

pub(crate) const ENGINES: [&str; 2] = ["SQLite", "PostgreSQL"];
pub(crate) const OPERATIONS: [&str; 2] = ["accept", "claim, handle and complete"];

/// The finished rows of the small store.
const FEW: u64 = 10_000;

/// What was measured.
#[derive(Deserialize, Serialize)]
pub(crate) struct Growth {
    /// The finished rows of the small store and of the large one.
    pub(crate) rows: [u64; 2],
    /// How many a second: for each engine, for each operation, in the small store and in the large, round by round.
    per_second: Vec<[[Vec<f64>; 2]; 2]>,
}

impl Growth {
    /// Fills two stores of each engine, and measures them in turns.
    pub(crate) async fn measure(effort: Effort) -> Result<Self, Failure> {
        let rows = match effort {
            Effort::Full => [FEW, 10_000_000],
            Effort::Quick => [FEW, 200_000],
        };
        let sqlite = async || {
            let folder = tempfile::tempdir()?;
            let mut engines: Vec<Arc<dyn Engine>> = Vec::new();
            for rows in rows {
                let path = folder.path().join(rows.to_string());
                SqliteEngine::migrate(&path)?;
                history::sqlite(&path, rows)?;
                engines.push(Arc::new(SqliteEngine::open(&path)?));
            }
            compare(&engines, rows, effort).await
        };
        let postgres = async || {
            let server = Server::start();
            let mut engines: Vec<Arc<dyn Engine>> = Vec::new();
            for rows in rows {
                let schema = format!("rows_{rows}");
                engines.push(Arc::new(postgres_engine(&server.url(), &schema).await?));
                history::postgres(&server.url(), &schema, rows).await?;
            }
            compare(&engines, rows, effort).await
        };
        Ok(Self { rows, per_second: vec![sqlite().await?, postgres().await?] })
    }

    /// The median of how many a second, in the small store and in the large.
    pub(crate) fn per_second(&self, engine: usize, operation: usize) -> [f64; 2] {
        self.per_second[engine][operation].each_ref().map(|rounds| Spread::of(rounds.iter().copied()).median)
    }

    /// How many times as long it takes in the large store.
    pub(crate) fn cost(&self, engine: usize, operation: usize) -> Spread {
        let [few, many] = &self.per_second[engine][operation];
        Spread::of(few.iter().zip(many).map(|(few, many)| few / many))
    }
}

/// Sends to both stores, and works off what was sent, in turns.
async fn compare(
    engines: &[Arc<dyn Engine>],
    rows: [u64; 2],
    effort: Effort,
) -> Result<[[Vec<f64>; 2]; 2], Failure> {
    let (rounds, count) = match effort {
        Effort::Full => (9, 2_000),
        Effort::Quick => (1, 500),
    };
    let callbacks = rows.map(|rows| Arc::new(Callbacks::to(rows / PER_TENANT)));
    let mut measured = <[[Vec<f64>; 2]; 2]>::default();
    for round in 0..=rounds {
        for turn in 0..2 {
            let nth = (round + turn) % 2;
            let inbox = Arc::new(Store::from(engines[nth].clone()).open(AcceptAll).0);
            let accepted = send(&inbox, &callbacks[nth], Load::of(count, 64)).await?.per_second;
            let worked = work(engines[nth].clone(), count, 16).await?;
            if round > 0 {
                measured[0][nth].push(accepted);
                measured[1][nth].push(worked);
            } // the first fills the caches
        }
    }
    Ok(measured)
}
