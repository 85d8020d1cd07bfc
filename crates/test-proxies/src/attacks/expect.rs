//! Requests that announce a body and are refused before they send it. A proxy may take the connection behind it for one that
//! can be used again, and the next callback breaks on it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::join;
use tokio::time::Instant;

use super::{REFUSED, ROUTES, Scene};
use crate::answer::{Answer, in_words};
use crate::client::send;
use crate::counted::Counted;
use crate::genuine::Sender;
use crate::request::Request;
use crate::site::{Front, STRANGER, Site};

/// How many requests each of the two attackers sends.
const REQUESTS: usize = 150;

/// How many callbacks are sent meanwhile, on each of two connections.
const CALLBACKS: usize = 150;

pub(super) async fn run(Scene { site, marketplace, .. }: &Scene) -> Vec<Counted> {
    let genuine = site.proxy.fronts.iter();
    let genuine = genuine.map(|&front| Sender::new(site, marketplace, front).send(CALLBACKS, Duration::ZERO));
    let (one, other, genuine) = join!(attack(site), attack(site), join_all(genuine));
    [one, other].into_iter().chain(genuine).collect()
}

async fn attack(site: &Site) -> Counted {
    let mut counted = Counted::new("stranger, Expect: 100-continue", REFUSED);
    for route in ROUTES.into_iter().cycle().take(REQUESTS) {
        let request = Request::new(route, "x".repeat(500)).expecting();
        let (crashes, asked) = (site.crashes(), Instant::now());
        let answer = send(site, Front::Http1, STRANGER, &request).await;
        if answer.is_err() && site.has_crashed_since(crashes).await {
            continue;
        }
        let answer = answer.map(|answer| {
            if site.proxy.mixes_continue { Answer { more: Bytes::new(), ..answer } } else { answer }
        });
        counted.add(in_words(&answer), asked.elapsed());
    }
    counted
}
