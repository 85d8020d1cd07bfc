//! Senders: a closed loop, in which each sends its next callback when the last one is acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lifecycle_core::{Decision, EndpointHandler};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::callbacks::Callbacks;
use crate::Failure;

/// What an endpoint has left of its time as a rule.
const WITHIN: Duration = Duration::from_millis(2_500);

/// How many send, and for how long: until the time is over or so many callbacks were sent.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) senders: usize,
    pub(crate) time: Duration,
    pub(crate) most: usize,
}

impl Load {
    pub(crate) fn lasting(time: Duration, senders: usize) -> Self {
        Self { senders, time, most: Semaphore::MAX_PERMITS }
    }

    pub(crate) fn of(callbacks: usize, senders: usize) -> Self {
        Self { senders, time: Duration::from_secs(3_600), most: callbacks }
    }
}

/// What the senders saw.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Sent {
    pub(crate) acknowledged: u64,
    pub(crate) per_second: f64,
    /// Seconds from the call to the acknowledgement.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Sends to a handler. Fails when one callback is not accepted.
pub(crate) async fn send<H: EndpointHandler + ?Sized>(
    handler: &Arc<H>,
    callbacks: &Arc<Callbacks>,
    load: Load,
) -> Result<Sent, Failure> {
    let left = Arc::new(Semaphore::new(load.most));
    let started = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..load.senders {
        let (handler, callbacks, left) = (handler.clone(), callbacks.clone(), left.clone());
        senders.spawn(async move {
            let mut latencies = Vec::new();
            while started.elapsed() < load.time {
                let Ok(one) = left.try_acquire() else { break };
                one.forget();
                let delivery = callbacks.next();
                let sent = Instant::now();
                match handler.answer(&delivery, WITHIN).await {
                    Ok(Decision::Accept) => latencies.push(sent.elapsed().as_secs_f64()),
                    Ok(_) => return Err(Failure::from("a callback was refused")),
                    Err(error) => return Err(format!("a callback was not stored: {error}").into()),
                }
            }
            Ok(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(sender) = senders.join_next().await {
        latencies.extend(sender??);
    }
    let elapsed = started.elapsed().as_secs_f64();
    latencies.sort_by(f64::total_cmp);
    let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied().unwrap_or(f64::NAN);
    let acknowledged = latencies.len() as u64;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let per_second = acknowledged as f64 / elapsed;
    Ok(Sent { acknowledged, per_second, p50: at(50), p99: at(99) })
}
