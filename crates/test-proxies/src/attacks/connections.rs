//! Many connections from one address, each with an unfinished request: callbacks from elsewhere still get through.

use futures_util::future::join_all;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::Scene;
use crate::answer::in_words;
use crate::certificate::NAME;
use crate::client::send;
use crate::counted::Counted;
use crate::genuine::ACKNOWLEDGED;
use crate::site::{FRIEND, Front, STRANGER};

const HELD: usize = 200;

const CALLBACKS: usize = 30;

pub(super) async fn run(Scene { site, marketplace, .. }: &Scene) -> Vec<Counted> {
    // A signature that could be one, or the app would refuse the request at once.
    let begun = format!(
        "POST /seismic HTTP/1.1\r\nHost: {NAME}\r\nX-Seismic-Signature: {}\r\nContent-Length: 100\r\n\r\n{{",
        "5".repeat(64)
    );
    let held = join_all((0..HELD).map(async |_| {
        let mut stream = site.open(Front::Http1, STRANGER).await?;
        stream.write_all(begun.as_bytes()).await?;
        stream.flush().await?;
        std::io::Result::Ok(stream)
    }))
    .await;
    let mut genuine = Counted::new("genuine, each on a connection of its own", ACKNOWLEDGED);
    for _ in 0..CALLBACKS {
        let asked = Instant::now();
        let answer = send(site, Front::Http1, FRIEND, &marketplace.callback("/seismic")).await;
        genuine.add(in_words(&answer), asked.elapsed());
    }
    drop(held);
    vec![genuine]
}
