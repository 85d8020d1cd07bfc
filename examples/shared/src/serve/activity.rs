//! Activity: whether a connection has a request that is being answered, and since when it has none.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// Counts the requests of one connection. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<watch::Sender<Requests>>);

/// The requests of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requests {
    answering: usize,
    /// When the last of them was answered, or the connection was accepted.
    since: Instant,
}

impl Requests {
    /// Since when no request is being answered.
    pub(super) fn idle_since(self) -> Option<Instant> {
        (self.answering == 0).then_some(self.since)
    }
}

impl Activity {
    pub(super) fn new() -> (Self, watch::Receiver<Requests>) {
        let (sender, verifier) = watch::channel(Requests { answering: 0, since: Instant::now() });
        (Self(Arc::new(sender)), verifier)
    }

    pub(super) fn watch(&self) -> watch::Receiver<Requests> {
        self.0.subscribe()
    }

    /// Counts a request for as long as the value lives.
    pub(super) fn request(&self) -> Answering {
        self.0.send_modify(|requests| requests.answering += 1);
        Answering(self.clone())
    }
}

/// Completes when no request was being answered for so long.
pub(super) async fn quiet(mut requests: watch::Receiver<Requests>, time: Duration) {
    while requests.wait_for(|requests| requests.answering == 0).await.is_ok() {
        match timeout(time, requests.changed()).await {
            Err(_) => return,
            Ok(Err(_)) => break,
            Ok(Ok(())) => {}
        }
    }
    pending::<()>().await; // the connection has ended
}

/// One request, from its head until its answer is there or its client has gone.
pub(super) struct Answering(Activity);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.send_modify(|requests| {
            requests.answering -= 1;
            requests.since = Instant::now();
        });
    }
}
