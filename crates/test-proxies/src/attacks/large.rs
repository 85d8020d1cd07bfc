//! Bodies that are larger than a callback may be. The answer has to arrive, although the sender is still busy sending.

use bytes::Bytes;
use tokio::time::Instant;

use super::{ROUTES, Scene};
use crate::answer::in_words;
use crate::client::send;
use crate::counted::Counted;
use crate::request::Request;
use crate::site::STRANGER;

const OVER_THE_APPS_CAP: usize = 300 * 1024;

const OVER_THE_PROXYS_CAP: usize = 5 * 1024 * 1024;

pub(super) async fn run(Scene { site, marketplace, .. }: &Scene) -> Vec<Counted> {
    let mut all = Vec::new();
    for &front in site.proxy.fronts {
        let mut signed = Counted::new(format!("300 KiB signed, {front:?}"), &["413"]);
        for request in [
            marketplace.large_callback("/seismic", OVER_THE_APPS_CAP),
            marketplace.large_callback("/seismic", OVER_THE_APPS_CAP).chunked(),
        ] {
            let asked = Instant::now();
            signed.add(in_words(&send(site, front, STRANGER, &request).await), asked.elapsed());
        }
        all.push(signed);

        let mut unsigned = Counted::new(format!("5 MiB unsigned, {front:?}"), site.proxy.too_large);
        let body = Bytes::from(vec![b'm'; OVER_THE_PROXYS_CAP]);
        for route in ROUTES {
            let request = Request::new(route, body.clone());
            for request in [request.clone(), request.chunked().in_pieces_of(64 * 1024)] {
                let asked = Instant::now();
                unsigned.add(in_words(&send(site, front, STRANGER, &request).await), asked.elapsed());
            }
        }
        all.push(unsigned);
    }
    all
}
