//! Callbacks after a pause that is about as long as apps keep an idle connection. The proxy must have let go of its own
//! before, or the callback meets a connection that is just being closed.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::Scene;
use crate::answer::in_words;
use crate::client::send;
use crate::counted::Counted;
use crate::genuine::ACKNOWLEDGED;
use crate::site::{FRIEND, Front};

/// Milliseconds around the 5 s for which actix-web keeps one.
const PAUSES: std::ops::Range<u64> = 4_960..5_040;

pub(super) async fn run(Scene { site, marketplace, .. }: &Scene) -> Vec<Counted> {
    let callbacks = PAUSES.step_by(4).map(async |pause| {
        let mut answers = Vec::new();
        for pause in [Duration::ZERO, Duration::from_millis(pause)] {
            sleep(pause).await;
            let asked = Instant::now();
            let answer = send(site, Front::Http1, FRIEND, &marketplace.callback("/seismic")).await;
            answers.push((in_words(&answer), asked.elapsed()));
        }
        answers
    });
    let mut counted = Counted::new("genuine", ACKNOWLEDGED);
    for (answer, took) in join_all(callbacks).await.into_iter().flatten() {
        counted.add(answer, took);
    }
    vec![counted]
}
