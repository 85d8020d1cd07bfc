//! Pages of the app that are for nobody outside, also under names that a proxy and an app may read differently; and a name of
//! the site that is not its own, which must not look like an acknowledgement.

use tokio::time::Instant;

use super::Scene;
use crate::answer::in_words;
use crate::client::send;
use crate::counted::Counted;
use crate::request::Request;
use crate::site::STRANGER;

const PATHS: [&str; 7] = [
    "/deliveries",
    "/%64eliveries",
    "//deliveries",
    "/seismic/../deliveries",
    "/seismic/%2e%2e/deliveries",
    "/marketplace/deliveries",
    "/marketplace/seismic/../../deliveries",
];

pub(super) async fn run(Scene { site, .. }: &Scene) -> Vec<Counted> {
    let mut all = Vec::new();
    for &front in site.proxy.fronts {
        let mut counted = Counted::new(format!("stranger, {front:?}"), &["400", "403", "404"]);
        for path in PATHS {
            let asked = Instant::now();
            let answer = send(site, front, STRANGER, &Request::get(path)).await;
            counted.add(in_words(&answer), asked.elapsed());
        }
        all.push(counted);

        let mut counted =
            Counted::new(format!("another name, {front:?}"), &["400", "401", "403", "404", "421"]);
        let asked = Instant::now();
        let request = Request::new("/seismic", "{}").to("another.example");
        counted.add(in_words(&send(site, front, STRANGER, &request).await), asked.elapsed());
        all.push(counted);
    }
    all
}
