//! Load: keep-alive connections in a closed loop, each with one request under way, and what they measure.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::callback::Requests;
use super::process::Process;
use crate::Failure;
use crate::measure::Spread;

/// One connection to a server.
pub(super) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(4096) })
    }

    /// Sends a request, reads the whole answer and gives its status.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        self.received.clear();
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(status) = whole(&self.received).map_err(io::Error::other)? {
                return Ok(status);
            }
        }
    }
}

/// The status, as soon as the answer is all there.
fn whole(received: &[u8]) -> Result<Option<u16>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = answer.parse(received)? else { return Ok(None) };
    let length = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok()).unwrap_or(0);
    Ok(answer.code.filter(|_| received.len() - head >= length))
}

/// A server and the connections that keep it busy.
pub(super) struct Load {
    server: Process,
    connections: Vec<Connection>,
    requests: Arc<Requests>,
}

/// What one stretch of time showed of a server. Times are in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    /// Requests in a second.
    pub(super) rate: f64,
    /// The server's CPU time for a request.
    pub(super) cpu: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
}

impl Load {
    pub(super) async fn open(server: Process, connections: usize, requests: Requests) -> io::Result<Self> {
        let mut load = Self { server, connections: Vec::new(), requests: Arc::new(requests) };
        for _ in 0..connections {
            load.connections.push(Connection::open(load.server.address).await?);
        }
        Ok(load)
    }

    /// Sends as fast as the server answers.
    ///
    /// # Errors
    /// When an answer is not 202: a server that refuses is not worth measuring.
    async fn slice(&mut self, time: Duration) -> Result<Slice, Failure> {
        let cpu = self.server.cpu_time()?;
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for connection in self.connections.drain(..) {
            tasks.spawn(drive(connection, Arc::clone(&self.requests), started + time));
        }
        let mut latencies = Vec::new();
        while let Some(driven) = tasks.join_next().await {
            let (connection, own) = driven??;
            self.connections.push(connection);
            latencies.extend(own);
        }
        let elapsed = started.elapsed();
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let count = latencies.len() as f64;
        let cpu = self.server.cpu_time()?.saturating_sub(cpu);
        let [p50, p99] = percentiles(&mut latencies, [50, 99]).map(|latency| latency.as_secs_f64());
        Ok(Slice { rate: count / elapsed.as_secs_f64(), cpu: cpu.as_secs_f64() / count, p50, p99 })
    }
}

async fn drive(
    mut connection: Connection,
    requests: Arc<Requests>,
    until: Instant,
) -> Result<(Connection, Vec<Duration>), Failure> {
    let mut latencies = Vec::new();
    loop {
        let request = requests.next();
        let sent = Instant::now();
        if sent >= until {
            return Ok((connection, latencies));
        }
        match connection.exchange(&request).await? {
            202 => latencies.push(sent.elapsed()),
            status => return Err(format!("a genuine callback was answered {status}").into()),
        }
    }
}

/// Zero where there is nothing.
pub(super) fn percentiles<const N: usize>(latencies: &mut [Duration], percents: [usize; N]) -> [Duration; N] {
    latencies.sort_unstable();
    let last = latencies.len().saturating_sub(1);
    percents.map(|percent| latencies.get(last * percent / 100).copied().unwrap_or_default())
}

/// Loads the servers in turns, each round beginning with another. A list of rounds for each.
pub(super) async fn interleave(
    loads: &mut [Load],
    rounds: usize,
    time: Duration,
) -> Result<Vec<Vec<Slice>>, Failure> {
    for load in &mut *loads {
        load.slice(time).await?; // to warm up
    }
    let mut slices = vec![Vec::with_capacity(rounds); loads.len()];
    for round in 0..rounds {
        for turn in 0..loads.len() {
            let index = (round + turn) % loads.len();
            slices[index].push(loads[index].slice(time).await?);
        }
    }
    Ok(slices)
}

/// One server's number over another's, round by round.
pub(super) fn ratio(case: &[Slice], base: &[Slice], of: fn(&Slice) -> f64) -> Spread {
    Spread::of(case.iter().zip(base).map(|(case, base)| of(case) / of(base)))
}

/// A server's number in the middle of all rounds.
pub(super) fn median(case: &[Slice], of: fn(&Slice) -> f64) -> f64 {
    Spread::of(case.iter().map(of)).median
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let answer = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}";
        for cut in 0..answer.len() {
            assert_eq!(whole(&answer[..cut]), Ok(None), "{cut}");
        }
        assert_eq!(whole(answer), Ok(Some(401)));
    }

    #[test]
    fn percentiles_are_in_order() {
        let mut latencies: Vec<_> = (1..=101).rev().map(Duration::from_secs).collect();
        let expected = [1, 51, 100, 101].map(Duration::from_secs);
        assert_eq!(percentiles(&mut latencies, [0, 50, 99, 100]), expected);
    }
}
