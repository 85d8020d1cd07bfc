//! Held: connections on which nothing comes, or too slowly, while callbacks come on others.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::join;
use tokio::time::{Instant, timeout};

use super::Target;
use super::genuine;
use crate::answer::in_words;
use crate::counted::Counted;
use crate::http1::Connection;
use crate::site::{FRIEND, STRANGER};

/// Slow requests of each kind.
const SLOW: usize = 100;

/// Connections that are opened at a time.
const WAVE: usize = 100;

/// Between two bytes of a slow request.
const PAUSE: Duration = Duration::from_millis(500);

/// How long one may be held. The servers' own limit is 5 s, without a request or with half of one.
const HELD: Duration = Duration::from_secs(20);

const STILL_OPEN: &str = "still open";

const CLOSED: &[&str] = &["closed", "408"];

const MAYBE_CLOSED: &[&str] = &["closed", "408", STILL_OPEN];

/// 503 is a proxy's, for one connection too many from an address.
const REFUSED: &[&str] = &["closed", "400", "401", "404", "408", "503"];

const MAYBE_REFUSED: &[&str] = &["closed", "400", "401", "404", "408", "503", STILL_OPEN];

/// Callbacks for so long.
const MEANWHILE: Duration = Duration::from_secs(5);

pub(crate) async fn run(target: &Target) -> Vec<Counted> {
    let forged = "5".repeat(64);
    let bodies = [
        format!("POST /seismic HTTP/1.1\r\nHost: app.example\r\nX-Seismic-Signature: {forged}\r\nContent-Length: 100\r\n\r\n{{"),
        format!("POST /seismic HTTP/1.1\r\nHost: app.example\r\nX-Seismic-Signature: {forged}\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{{"),
        "POST /securityscorecard/actions/notify_channel HTTP/1.1\r\nHost: app.example\r\nContent-Length: 100\r\n\r\n{".into(),
    ];
    let (nothing, heads) = (
        [String::new()],
        [
            "POST /seismic HTTP/1.1\r\nX-Slow: ".to_owned(),
            "P".to_owned(),
            "POST /seismic HTTP/1.1\r\nHo".to_owned(),
        ],
    );
    // A server that has no such limits is behind a proxy that has.
    let (idle, slow) = if target.is_complete { (CLOSED, REFUSED) } else { (MAYBE_CLOSED, MAYBE_REFUSED) };
    let (idle, heads, bodies, genuine) = join!(
        hold(target, "idle", idle, target.idle, &nothing),
        hold(target, "heads that do not end", slow, SLOW, &heads),
        hold(target, "bodies that do not end", REFUSED, SLOW, &bodies),
        genuine::send_for(target, MEANWHILE),
    );
    [idle, heads, bodies].into_iter().chain(genuine).collect()
}

/// Holds so many, each begun with one of these.
async fn hold(
    target: &Target,
    who: &str,
    allowed: &'static [&'static str],
    count: usize,
    begun: &[String],
) -> Counted {
    let mut connections = Vec::new();
    while connections.len() < count {
        let wave = (0..WAVE.min(count - connections.len())).map(|_| target.entrance.open(STRANGER));
        connections.extend(join_all(wave).await);
        // Connections are accepted in turn: once this one is answered, those before it were accepted. More of them at a time than
        // the system keeps for a server would be none at all.
        if connections.len() < count
            && let Ok(mut callback) = target.entrance.open(FRIEND).await
        {
            let _ = callback.send(&target.marketplace.callback("/seismic")).await;
        }
    }
    let mut counted = Counted::new(who, allowed);
    let ends = connections.into_iter().zip(begun.iter().cycle()).map(async |(connection, begun)| {
        let asked = Instant::now();
        let seen = match connection {
            Ok(mut connection) => timeout(HELD, trickle(&mut connection, begun)).await,
            Err(_) => Ok("closed".into()),
        };
        (seen.unwrap_or_else(|_| STILL_OPEN.into()), asked.elapsed())
    });
    for (seen, took) in join_all(ends).await {
        counted.add(seen, took);
    }
    counted
}

/// Sends the beginning, and then a byte now and then, until there is an answer or the connection is closed.
async fn trickle(connection: &mut Connection, begun: &str) -> String {
    let pieces = (!begun.is_empty()).then_some(begun.as_bytes()).into_iter();
    let more = std::iter::repeat_n(&b"x"[..], if begun.is_empty() { 0 } else { 60 });
    in_words(&connection.trickle(pieces.chain(more), PAUSE).await)
}
