//! Callbacks, as different clients send them: by length and in chunks, in one piece and in many, large and small, after
//! `Expect`, on a connection that lives on, and below a prefix that only the proxy knows.

use std::time::Duration;

use tokio::time::Instant;

use super::Scene;
use crate::answer::in_words;
use crate::client::send;
use crate::counted::Counted;
use crate::genuine::{ACKNOWLEDGED, Sender};
use crate::request::Request;
use crate::site::FRIEND;

const HOOKS_BODY: &str = r#"{"event":{"type":"app.installed","payload":{
    "app":{"id":"proxies"},
    "user":{"username":"proxies","email":"proxies@example.com","organizationDomain":"example.com"},
    "installed_at":"2021-05-12T12:50:43.743Z"
}}}"#;

pub(super) async fn run(Scene { site, marketplace, hook, .. }: &Scene) -> Vec<Counted> {
    let mut all = Vec::new();
    for &front in site.proxy.fronts {
        all.push(Sender::new(site, marketplace, front).send(20, Duration::ZERO).await);
        let mut counted = Counted::new(format!("genuine, {front:?}, other ways"), ACKNOWLEDGED);
        let callback = || marketplace.callback("/seismic");
        let requests = [
            marketplace.callback("/seismic/upgrade"),
            marketplace.callback("/middleware/seismic"),
            marketplace.callback("/extractor/seismic"),
            marketplace.callback("/marketplace/seismic"),
            callback().chunked(),
            callback().slowly(5, Duration::from_millis(200)),
            callback().chunked().slowly(5, Duration::from_millis(200)),
            marketplace.large_callback("/seismic", 200 * 1024),
            marketplace.large_callback("/seismic", 200 * 1024).chunked(),
            callback().expecting(),
        ];
        for request in requests {
            let asked = Instant::now();
            counted.add(in_words(&send(site, front, FRIEND, &request).await), asked.elapsed());
        }
        all.push(counted);
        let mut counted = Counted::new(format!("hook, {front:?}"), &["200"]);
        let asked = Instant::now();
        let answer = send(site, front, FRIEND, &Request::new(hook, HOOKS_BODY)).await;
        counted.add(in_words(&answer), asked.elapsed());
        all.push(counted);
    }
    all
}
