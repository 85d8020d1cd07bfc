//! Acknowledgements: how many callbacks a second are stored and acknowledged, and how long each takes.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use test_postgres::Server;

use super::callbacks::Callbacks;
use super::senders::{Load, Sent, send};
use super::stores::Kind;
use crate::measure::Spread;
use crate::{Effort, Failure};

/// How many send at a time.
pub(crate) const SENDERS: [usize; 4] = [1, 16, 64, 256];

/// What was measured on one disk.
#[derive(Deserialize, Serialize)]
pub(crate) struct Acknowledgements {
    /// The seconds that one write and flush of 4 KiB takes, round by round.
    flush: Vec<f64>,
    /// For each count of senders, for each store, round by round.
    sent: Vec<Vec<Vec<Sent>>>,
}

impl Acknowledgements {
    /// Measures all stores in turns.
    pub(crate) async fn measure(effort: Effort) -> Result<Self, Failure> {
        let (rounds, slice) = match effort {
            Effort::Full => (5, Duration::from_millis(1_500)),
            Effort::Quick => (1, Duration::from_millis(300)),
        };
        let server = Server::start();
        let mut measured = Self { flush: Vec::new(), sent: Vec::new() };
        for senders in SENDERS {
            let folder = tempfile::tempdir()?;
            let callbacks = Arc::new(Callbacks::to(1_000));
            let (mut stores, mut acknowledged) = (Vec::new(), Vec::new());
            for kind in Kind::ALL {
                let schema = format!("senders_{senders}");
                let store = kind.open(folder.path(), &server.url(), &schema).await?;
                let warm_up = send(&store, &callbacks, Load::lasting(slice / 5, senders)).await?;
                stores.push(store);
                acknowledged.push(warm_up.acknowledged);
            }
            let mut sent = vec![Vec::new(); stores.len()];
            for round in 0..rounds {
                measured.flush.push(flush(folder.path())?);
                for turn in 0..stores.len() {
                    let nth = (round + turn) % stores.len();
                    let one = send(&stores[nth], &callbacks, Load::lasting(slice, senders)).await?;
                    acknowledged[nth] += one.acknowledged;
                    sent[nth].push(one);
                }
            }
            for (store, acknowledged) in stores.iter().zip(acknowledged) {
                let held = store.count().await?;
                if held != acknowledged {
                    return Err(
                        format!("{acknowledged} callbacks were acknowledged, and {held} are stored").into()
                    );
                }
            }
            measured.sent.push(sent);
        }
        Ok(measured)
    }

    /// The seconds that one flush takes.
    pub(crate) fn flush(&self) -> f64 {
        Spread::of(self.flush.iter().copied()).median
    }

    /// The median of a number over all rounds.
    pub(crate) fn median(&self, senders: usize, store: Kind, number: fn(&Sent) -> f64) -> f64 {
        Spread::of(self.rounds(senders, store).iter().map(number)).median
    }

    /// How many times as many a second as another store, round by round.
    pub(crate) fn ratio(&self, senders: usize, store: Kind, base: Kind) -> Spread {
        let pairs = self.rounds(senders, store).iter().zip(self.rounds(senders, base));
        Spread::of(pairs.map(|(store, base)| store.per_second / base.per_second))
    }

    fn rounds(&self, senders: usize, store: Kind) -> &[Sent] {
        let place = SENDERS.iter().position(|own| *own == senders).expect("one of those measured");
        &self.sent[place][store as usize]
    }
}

/// The median seconds of a write with its flush.
fn flush(folder: &Path) -> io::Result<f64> {
    let mut file = File::create(folder.join("flush"))?;
    let mut times = Vec::new();
    for _ in 0..21 {
        let started = Instant::now();
        file.write_all(&[0; 4_096])?;
        file.sync_data()?;
        times.push(started.elapsed().as_secs_f64());
    }
    Ok(Spread::of(times).median)
}
