//! A body that is refused, with a request in it: if an app answers before the body's end and the proxy then goes on on
//! that connection, the rest of the body is read as requests, which no rule of the proxy has seen.

use std::time::Duration;

use tokio::join;
use tokio::time::Instant;

use super::{REFUSED, ROUTES, Scene, with_a_request_in_it};
use crate::answer::in_words;
use crate::client::send;
use crate::counted::Counted;
use crate::genuine::Sender;
use crate::request::Request;
use crate::site::{Front, STRANGER, Site};

/// Below and above what the app takes, and below what the proxy does.
const SIZES: [usize; 2] = [200_000, 900_000];

/// How often each is tried. Where it can succeed, it does within a few.
const TRIES: usize = 6;

pub(super) async fn run(Scene { site, marketplace, .. }: &Scene) -> Vec<Counted> {
    let mut all = Vec::new();
    for &front in site.proxy.fronts {
        let sender = Sender::new(site, marketplace, front);
        let (attack, genuine) = join!(attack(site, front), sender.send(100, Duration::from_millis(5)));
        all.extend([attack, genuine]);
    }
    all
}

async fn attack(site: &Site, front: Front) -> Counted {
    let mut counted = Counted::new(format!("stranger, {front:?}"), REFUSED);
    for size in SIZES {
        for route in ROUTES {
            let request = Request::new(route, with_a_request_in_it(size));
            for _ in 0..TRIES {
                let asked = Instant::now();
                counted.add(in_words(&send(site, front, STRANGER, &request).await), asked.elapsed());
            }
        }
    }
    counted
}
