//! Genuine: callbacks of two platforms among an attack, each of which has to be acknowledged before the platform gives up.

use std::time::Duration;

use futures_util::future::join_all;
use lifecycle_core::{EventKind, Platform, forge, seismic};
use lifecycle_testing::{SignedRequest, sample};
use tokio::time::{Instant, sleep, timeout};

use super::Target;
use crate::answer::{Answer, NoAnswer, PATIENCE, in_words};
use crate::counted::Counted;
use crate::http1::Connection;
use crate::site::FRIEND;

const ACKNOWLEDGED: &str = "acknowledged";

/// Between two callbacks of a platform.
const PAUSE: Duration = Duration::from_millis(30);

/// Sends for so long, on a connection of each platform, and judges by its deadline. Proxies pass on what has a place in the
/// guide, and that is one of the platforms.
pub(crate) async fn send_for(target: &Target, time: Duration) -> Vec<Counted> {
    let platforms: [&Platform; 2] = [&seismic::PLATFORM, &forge::PLATFORM];
    let count = if target.entrance.is_direct() { 2 } else { 1 };
    join_all(platforms.iter().take(count).map(|platform| send_of(platform, target, time))).await
}

async fn send_of(platform: &Platform, target: &Target, time: Duration) -> Counted {
    let mut counted = Counted::new(format!("genuine, {}", platform.name()), &[ACKNOWLEDGED]).of_genuine();
    let (keys, end, mut kept) = (target.keys(platform), Instant::now() + time, None);
    while Instant::now() < end {
        let request = sample(platform, &EventKind::Install).tenant("siege").sign(&keys);
        let asked = Instant::now();
        let answer = timeout(PATIENCE, offer(target, &mut kept, &request)).await;
        let answer = answer.unwrap_or(Err(NoAnswer::Late));
        let took = asked.elapsed();
        let is_late = platform.ack().deadline().is_some_and(|deadline| took > deadline);
        let seen = match &answer {
            Ok(_) if is_late => format!("after {} ms", took.as_millis()),
            Ok(Answer { status, more, .. }) if *status == platform.ack().status() && more.is_empty() => {
                ACKNOWLEDGED.to_owned()
            }
            other => in_words(other),
        };
        counted.add(seen, took);
        sleep(PAUSE).await;
    }
    counted
}

/// On the connection of the last one, where it was kept.
async fn offer(
    target: &Target,
    kept: &mut Option<Connection>,
    request: &SignedRequest,
) -> Result<Answer, NoAnswer> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => target.entrance.open(FRIEND).await?,
    };
    let answer = connection.send_bytes(&bytes(request)).await?;
    *kept = (!answer.closes).then_some(connection);
    Ok(answer)
}

/// As it goes over the line.
pub(crate) fn bytes(request: &SignedRequest) -> Vec<u8> {
    let lines: Vec<String> =
        request.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let lines = lines.concat();
    let SignedRequest { method, target, body, .. } = request;
    let length = body.len();
    let head =
        format!("{method} {target} HTTP/1.1\r\nHost: app.example\r\n{lines}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}
