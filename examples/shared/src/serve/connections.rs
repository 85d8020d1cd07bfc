//! Connections: the open ones, and which of them can be closed to make room.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinSet};

use super::activity::Requests;

/// A connection that is idle for less than this makes no room: its request, or the end of its answer, may be on its way.
const SETTLED: Duration = Duration::from_millis(500);

/// The tasks of the open connections.
#[derive(Default)]
pub(super) struct Connections {
    tasks: JoinSet<()>,
    open: HashMap<Id, (AbortHandle, watch::Receiver<Requests>)>,
}

impl Connections {
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn add(
        &mut self,
        connection: impl Future<Output = ()> + Send + 'static,
        requests: watch::Receiver<Requests>,
    ) {
        let task = self.tasks.spawn(connection);
        self.open.insert(task.id(), (task, requests));
    }

    /// Completes when one has ended; never while there is none.
    pub(super) async fn ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => self.open.remove(&id),
            Some(Err(error)) => self.open.remove(&error.id()), // closed by us, or its service panicked
            None => std::future::pending().await,
        };
    }

    /// Completes when all have ended.
    pub(super) async fn all_ended(&mut self) {
        while self.len() > 0 {
            self.ended().await;
        }
    }

    /// Closes as many as are asked for of those that have been without a request for a while, the longest idle first. Tells
    /// whether there was one; it has ended when [`ended`](Self::ended) says so.
    pub(super) fn close_idle(&mut self, count: usize) -> bool {
        let mut idle: Vec<_> = self
            .open
            .iter()
            .filter_map(|(id, (_, requests))| Some((requests.borrow().idle_since()?, *id)))
            .filter(|(since, _)| since.elapsed() >= SETTLED)
            .collect();
        idle.sort_unstable_by_key(|(since, _)| *since);
        idle.truncate(count);
        for (_, id) in &idle {
            if let Some((task, _)) = self.open.remove(id) {
                task.abort();
            }
        }
        !idle.is_empty()
    }
}
