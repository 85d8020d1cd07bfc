//! Bodies that come slowly, or not at all. The platform gives up after 3 s; what is acknowledged later was never received
//! for it, and what is held open for longer keeps others out.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::Scene;
use crate::answer::in_words;
use crate::client::send;
use crate::counted::Counted;
use crate::site::FRIEND;

pub(super) async fn run(Scene { site, marketplace, .. }: &Scene) -> Vec<Counted> {
    let pause = Duration::from_millis(450);
    let counting = site.proxy.fronts.iter().map(async |&front| {
        let mut counted = Counted::new(format!("signed and slow, {front:?}"), &["408"]);
        let callback = || marketplace.callback("/seismic");
        let requests = [
            callback().slowly(10, pause), // its end comes after 4.5 s
            callback().slowly(10, pause).chunked(),
            callback().slowly(10, pause).unfinished(),
            callback().unfinished(),
            marketplace.large_callback("/seismic", 100 * 1024).slowly(10, pause),
        ];
        let answers = join_all(requests.iter().map(async |request| {
            let asked = Instant::now();
            (in_words(&send(site, front, FRIEND, request).await), asked.elapsed())
        }));
        for (answer, took) in answers.await {
            counted.add(answer, took);
        }
        counted
    });
    join_all(counting).await
}
