//! Flood: what becomes of genuine callbacks while strangers send forged ones as fast as they can.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lifecycle_core::seismic;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{interval, timeout};

use super::callback::{Forgery, forged, genuine};
use super::load::{Connection, percentiles};
use super::process::{Cpus, Process};
use crate::report::{Bound, Cell, Goal, Report, Table};
use crate::{Effort, Failure};

/// How many connections send which forgery.
const STRANGERS: [(Forgery, usize); 3] =
    [(Forgery::WrongSignature, 112), (Forgery::NoSignature, 112), (Forgery::Oversized, 32)];

/// How often a genuine callback is due: far more often than administrators click.
const PERIOD: Duration = Duration::from_millis(10);

pub(super) async fn measure(effort: Effort, cpus: &Cpus, report: &mut Report) -> Result<(), Failure> {
    let time = Duration::from_secs(if effort == Effort::Full { 30 } else { 1 });
    let server = Process::start(cpus.server(&["axum", "endpoint"])?)?;
    let quiet = Sent::beside(server.address, time).await?;
    let refused = Arc::new(AtomicU32::new(0));
    let _strangers = strangers(server.address, &refused)?;
    let (started, cpu) = (Instant::now(), server.cpu_time()?);
    let flooded = Sent::beside(server.address, time).await?;
    let elapsed = started.elapsed().as_secs_f64();
    let rate = f64::from(refused.load(Ordering::Relaxed)) / elapsed;
    let busy = server.cpu_time()?.saturating_sub(cpu).as_secs_f64() / elapsed;

    for (what, bound, measured) in [
        ("acknowledged in time, of a hundred", Bound::AtLeast(100.0), flooded.share() * 100.0),
        ("p99 in ms", Bound::AtMost(100.0), flooded.millis[1]),
    ] {
        report.goal(Goal {
            id: "G14",
            what: format!("genuine callbacks under a flood, {what}"),
            bound,
            measured: Some(measured),
            note: String::new(),
        });
    }
    report.table(Table {
        title: "Genuine callbacks under a flood of forged requests".to_owned(),
        note: format!(
            "axum's `endpoint` on one thread, which the flood keeps busy for {:.0} % of the time: 112 connections send \
             a wrong signature, 112 none, and 32 send 300 KiB, each its next as soon as it has its answer. Beside that \
             a genuine callback is due every {} ms, on a connection of its own; its time counts from then, and in \
             time is what the platform waits for, 3 s. {}",
            busy * 100.0,
            PERIOD.as_millis(),
            cpus.note()
        ),
        headings: ["", "forged", "genuine", "acknowledged in time", "p50", "p99", "slowest"].map(str::to_owned).to_vec(),
        rows: vec![quiet.row("quiet", 0.0), flooded.row("flooded", rate)],
    });
    Ok(())
}

/// Sends until dropped, and counts what was refused.
fn strangers(address: SocketAddr, refused: &Arc<AtomicU32>) -> Result<JoinSet<()>, Failure> {
    let mut strangers = JoinSet::new();
    for (forgery, count) in STRANGERS {
        let request = forged(forgery)?;
        for _ in 0..count {
            let (request, refused) = (request.clone(), Arc::clone(refused));
            strangers.spawn(async move {
                loop {
                    // A server may close a connection on which it refused something: the next one, then.
                    let Ok(mut connection) = Connection::open(address).await else { continue };
                    while connection.exchange(&request).await.is_ok_and(|status| status != 202) {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    }
    Ok(strangers)
}

/// What became of genuine callbacks.
struct Sent {
    count: u32,
    in_time: u32,
    /// p50, p99 and the slowest of those that were acknowledged, in milliseconds.
    millis: [f64; 3],
}

impl Sent {
    /// Sends them from a thread of its own: the platform does not wait for strangers.
    async fn beside(address: SocketAddr, time: Duration) -> Result<Self, Failure> {
        spawn_blocking(move || {
            Builder::new_current_thread().enable_all().build()?.block_on(Self::send(address, time))
        })
        .await?
    }

    async fn send(address: SocketAddr, time: Duration) -> Result<Self, Failure> {
        let deadline = seismic::ACK.deadline().ok_or("the platform has no deadline")?;
        let count = u32::try_from(time.as_millis() / PERIOD.as_millis())?;
        let mut due = interval(PERIOD);
        let mut exchanges = JoinSet::new();
        for number in 0..count {
            let due = due.tick().await;
            let request = genuine(number as usize)?;
            exchanges.spawn(async move {
                let exchange = async { Connection::open(address).await?.exchange(&request).await };
                let answer = timeout(deadline, exchange).await;
                matches!(answer, Ok(Ok(202))).then(|| due.elapsed())
            });
        }
        let answers = exchanges.join_all().await;
        let mut latencies: Vec<Duration> = answers.into_iter().flatten().collect();
        let in_time = latencies.iter().filter(|latency| **latency <= deadline).count();
        Ok(Self {
            count,
            in_time: u32::try_from(in_time)?,
            millis: percentiles(&mut latencies, [50, 99, 100]).map(|latency| latency.as_secs_f64() * 1e3),
        })
    }

    fn share(&self) -> f64 {
        f64::from(self.in_time) / f64::from(self.count)
    }

    fn row(&self, name: &str, forged: f64) -> Vec<Cell> {
        let [p50, p99, slowest] = self.millis.map(|millis| Cell::Number(millis, "ms"));
        vec![
            Cell::new(name),
            Cell::Number(forged / 1e3, "k/s"),
            Cell::Number(f64::from(self.count), ""),
            Cell::Number(self.share() * 100.0, "%"),
            p50,
            p99,
            slowest,
        ]
    }
}
