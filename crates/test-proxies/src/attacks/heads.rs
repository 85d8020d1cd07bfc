//! Requests whose head does not end, and connections on which nothing comes: each is closed after a while.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use super::Scene;
use crate::answer::PATIENCE;
use crate::counted::Counted;
use crate::site::{Front, STRANGER};

const CLOSED: &str = "closed";

pub(super) async fn run(Scene { site, .. }: &Scene) -> Vec<Counted> {
    let kinds = ["half a handshake", "no request", "a slow head"];
    let counting = kinds.into_iter().map(async |kind| {
        let mut counted = Counted::new(kind, &[CLOSED]);
        let asked = Instant::now();
        let closed = async {
            match kind {
                "half a handshake" => drain(site.connect(STRANGER).await?, "\x16\x03\x01").await,
                "no request" => drain(site.open(Front::Http1, STRANGER).await?, "").await,
                _ => {
                    drain(site.open(Front::Http1, STRANGER).await?, "POST /seismic HTTP/1.1\r\nX-Slow: ")
                        .await
                }
            }
        };
        let ended = timeout(PATIENCE, closed).await;
        counted.add(if ended.is_ok() { CLOSED } else { "still open" }, asked.elapsed());
        counted
    });
    join_all(counting).await
}

/// Sends this, then a byte twice a second, until the other side closes.
async fn drain(stream: impl AsyncRead + AsyncWrite, begun: &str) -> std::io::Result<()> {
    let (mut from, mut to) = tokio::io::split(stream);
    let sending = async {
        to.write_all(begun.as_bytes()).await?;
        to.flush().await?;
        while !begun.is_empty() {
            sleep(Duration::from_millis(500)).await;
            to.write_all(b"x").await?;
            to.flush().await?;
        }
        std::future::pending::<std::io::Result<()>>().await
    };
    let mut read = Vec::new();
    tokio::select! {
        ended = from.read_to_end(&mut read) => ended.map(drop),
        failed = sending => failed,
    }
}
