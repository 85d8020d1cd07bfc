//! Serve: HTTP for strangers, who may hold only so many connections, for so long, with so much memory.

mod activity;
mod connections;
mod unread;

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use bytes::Buf;
use http::{Request, Response};
use http_body::Body;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use lifecycle_core::LogLimit;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tower_service::Service;

use crate::shutdown::Shutdown;
use activity::{Activity, quiet};
use connections::Connections;
pub use unread::WatchedBody;

/// What strangers may hold.
///
/// A connection takes at most [`head`](Self::head) bytes, and the body that its route reads (256 KiB on the routes of
/// callbacks); with HTTP/2 it has [`streams`](Self::streams) of them.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most connections at a time. When there is one more, the one that has been idle the longest makes room. Stay well
    /// below the process's limit of open files, which the database and the log need as well.
    pub connections: usize,
    /// For how long a connection may have no request that is being answered: as long may a head take to come, the next request
    /// after an answer, and a client to read the end of an answer. Where a proxy keeps connections to the app, its time
    /// has to be the shorter one, or it sends a request into a connection that is just being closed.
    pub idle: Duration,
    /// How long a stop waits for what is being answered.
    pub stop: Duration,
    /// The most bytes of a request's head, and of any buffer of a connection.
    pub head: usize,
    /// The most requests at a time on one connection of HTTP/2.
    pub streams: u32,
}

impl Limits {
    /// For a small server: 512 connections are half of the 1024 open files that most systems allow.
    pub const SMALL: Self = Self {
        connections: 512,
        idle: Duration::from_secs(5),
        stop: Duration::from_secs(5),
        head: 64 * 1024,
        streams: 16,
    };
}

/// Serves HTTP/1.1, and HTTP/2 to clients that begin with it, until the process is asked to stop.
///
/// Every answer before the end of a request's body says `connection: close`, also on routes that take no callbacks.
///
/// hyper and the servers on it leave most of these limits to who uses them. hyper's own time limit for a head begins only
/// once the first bytes have shown which version it is, and does not apply to HTTP/2; the one here applies to both.
pub async fn serve<S, B>(listener: TcpListener, service: S, limits: Limits, shutdown: Shutdown)
where
    S: Service<Request<WatchedBody>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Buf + Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1().max_buf_size(limits.head);
    let head = u32::try_from(limits.head).unwrap_or(u32::MAX);
    http.http2().max_header_list_size(head).max_concurrent_streams(limits.streams);

    let mut open = Connections::default();
    let full = LogLimit::new();
    let mut requested = pin!(shutdown.clone().requested());
    loop {
        let accepted = tokio::select! {
            () = open.ended() => continue,
            accepted = listener.accept() => accepted,
            () = &mut requested => break,
        };
        let making_room = async {
            match &accepted {
                Ok(_) => make_room(&mut open, limits.connections, &full).await,
                Err(error) => cannot_accept(error, &mut open, &full).await,
            }
        };
        tokio::select! {
            () = making_room => {}
            () = &mut requested => break,
        }
        let Ok((stream, _)) = accepted else { continue };
        let (activity, watched) = Activity::new();
        let connection =
            connection(http.clone(), stream, service.clone(), activity, limits, shutdown.clone());
        open.add(connection, watched);
    }
    drop(listener);
    if timeout(limits.stop, open.all_ended()).await.is_err() {
        tracing::warn!("stopped before every connection was done");
    }
}

/// Waits until one more connection is within the limit.
async fn make_room(open: &mut Connections, limit: usize, full: &LogLimit) {
    while open.len() >= limit {
        if let Some(suppressed) = full.admit(SystemTime::now()) {
            tracing::warn!(
                connections = open.len(),
                suppressed,
                "as many connections as are allowed: the idle ones make room"
            );
        }
        open.close_idle(1);
        // When none is idle, one may become so without ending.
        let _ = timeout(Duration::from_millis(50), open.ended()).await;
    }
}

/// Out of open files, as a rule: the longest idle connections give theirs back.
async fn cannot_accept(error: &io::Error, open: &mut Connections, full: &LogLimit) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        return; // the client has given up, and the next one is none the worse for it
    }
    if let Some(suppressed) = full.admit(SystemTime::now()) {
        tracing::error!(%error, connections = open.len(), suppressed, "cannot accept a connection");
    }
    if open.close_idle((open.len() / 8).max(1)) {
        open.ended().await;
    } else {
        sleep(Duration::from_millis(100)).await;
    }
}

/// Answers the requests of one connection until it ends, is idle for too long, or the process is asked to stop.
async fn connection<S, B>(
    http: auto::Builder<TokioExecutor>,
    stream: TcpStream,
    service: S,
    activity: Activity,
    limits: Limits,
    shutdown: Shutdown,
) where
    S: Service<Request<WatchedBody>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Buf + Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let service = TowerToHyperService::new(service);
    let _ = stream.set_nodelay(true); // else a small answer may wait for an acknowledgement of the one before
    let idle = quiet(activity.watch(), limits.idle);
    let requests = activity.clone();
    let service = service_fn(move |request| {
        let counted = requests.request();
        let (request, unread) = WatchedBody::of(request);
        let answer = service.call(request);
        async move {
            let mut answer = answer.await?;
            unread.tell(&mut answer);
            drop(counted);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = idle => {
            connection.as_mut().graceful_shutdown();
            // HTTP/2 says so to its client, an unfinished head is not waited for, and a request that came just now is answered.
            let late = quiet(activity.watch(), Duration::from_secs(1));
            tokio::select! {
                ended = connection => ended,
                () = late => Ok(()),
            }
        }
        () = shutdown.requested() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
