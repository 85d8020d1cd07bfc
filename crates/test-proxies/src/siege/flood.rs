//! Flood: as many requests of strangers as a few connections carry, while callbacks come on others.

use std::time::Duration;

use futures_util::future::join_all;
use lifecycle_core::{EventKind, forge};
use lifecycle_testing::sample;
use tokio::join;
use tokio::time::{Instant, timeout};

use super::Target;
use super::genuine::{self, bytes};
use super::shape::post;
use crate::answer::{NoAnswer, PATIENCE, in_words};
use crate::counted::Counted;
use crate::site::STRANGER;

/// Connections of each kind.
const CONNECTIONS: usize = 2;

/// What strangers may be answered. 503 is for a key that is in no set, while no look at a newer set is allowed: where the
/// platform has just replaced its key, the callback comes again.
const REFUSED: &[&str] = &["401", "404", "413", "503"];

/// A proxy may close a connection on which more comes than it takes, before its answer is read.
const REFUSED_BY_PROXY: &[&str] = &["401", "404", "413", "closed"];

pub(crate) async fn run(target: &Target) -> Vec<Counted> {
    let (length, large) = ("Content-Length: 2\r\n", "x".repeat(300 * 1024));
    let wrong = format!("X-Seismic-Signature: {}\r\n{length}", "5".repeat(64));
    let mut kinds = vec![
        ("unsigned", post("/seismic", length, "{}")),
        ("forged", post("/seismic", &wrong, "{}")),
        ("oversized", post("/seismic", &format!("Content-Length: {}\r\n", large.len()), &large)),
        ("a wrong token", post("/securityscorecard/hook/not-the-token-of-any-app", length, "{}")),
    ];
    if target.entrance.is_direct() {
        let unknown = sample(&forge::PLATFORM, &EventKind::Install).sign(&target.forgers);
        kinds.push(("an unknown key", bytes(&unknown)));
    }
    let floods = join_all(kinds.iter().map(|(kind, request)| flood(target, kind, request)));
    let (floods, genuine) = join!(floods, genuine::send_for(target, target.flood));
    floods.into_iter().chain(genuine).collect()
}

async fn flood(target: &Target, kind: &str, request: &[u8]) -> Counted {
    let all = join_all((0..CONNECTIONS).map(|_| send(target, request))).await;
    let allowed = if target.entrance.is_direct() { REFUSED } else { REFUSED_BY_PROXY };
    let mut counted = Counted::new(format!("stranger, {kind}"), allowed);
    for (seen, took) in all.into_iter().flatten() {
        counted.add(seen, took);
    }
    counted
}

async fn send(target: &Target, request: &[u8]) -> Vec<(String, Duration)> {
    let end = Instant::now() + target.flood;
    let (mut seen, mut kept) = (Vec::new(), None);
    while Instant::now() < end {
        let asked = Instant::now();
        let answer = async {
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => target.entrance.open(STRANGER).await?,
            };
            let answer = connection.send_bytes(request).await?;
            kept = (!answer.closes).then_some(connection);
            Ok(answer)
        };
        let answer = timeout(PATIENCE, answer).await.unwrap_or(Err(NoAnswer::Late));
        seen.push((in_words(&answer), asked.elapsed()));
    }
    seen
}
