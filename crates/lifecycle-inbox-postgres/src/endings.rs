//! Endings: leases that end at the same time are ended in one transaction.

use std::sync::Arc;

use deadpool_postgres::ClientWrapper;
use lifecycle_inbox::EngineError;
use tokio::time::timeout;

use crate::batcher::{Batcher, NOT_IN_TIME, QueuedRequest, Work};
use crate::ending::{Completion, Ended, Ending, Failure};
use crate::writer::Shared;

/// The most that wait. A worker waits for each of its endings, so there are no more of them than it handles at a time.
const QUEUE: usize = 4_096;

/// Ends leases on one session.
pub(crate) struct Endings {
    shared: Arc<Shared>,
    session: Option<ClientWrapper>,
    /// Whether the session would still wait for a lock as long as it may.
    is_patient: bool,
}

/// The answer is whether the token held the row.
type Queued = QueuedRequest<Completion, bool>;

impl Work for Endings {
    type Request = Completion;
    type Answer = bool;

    fn size(end: &Completion) -> usize {
        end.error.as_ref().map_or(0, String::len)
    }

    async fn run(&mut self, batch: Vec<Queued>) {
        let Some((failure, batch)) = self.end(batch).await else { return };
        match failure {
            Failure::OfOne(_) if batch.len() > 1 => {
                // Each is tried again alone, so that none suffers from another.
                for waiting in batch.into_iter().filter(|waiting| !waiting.is_abandoned()) {
                    if let Some((failure, alone)) = self.end(vec![waiting]).await {
                        refuse(alone, &failure.into_error());
                    }
                }
            }
            failure => refuse(batch, &failure.into_error()),
        }
    }
}

fn refuse(batch: Vec<Queued>, error: &EngineError) {
    for waiting in batch {
        waiting.answer(Err(error.to_string()));
    }
}

impl Endings {
    pub(crate) fn start(shared: Arc<Shared>, session: ClientWrapper) -> Batcher<Self> {
        let time_limit = shared.time_limit;
        Batcher::start(Self { shared, session: Some(session), is_patient: true }, QUEUE, time_limit)
    }

    /// Ends all in one transaction, and answers; or gives them back.
    async fn end(&mut self, batch: Vec<Queued>) -> Option<(Failure, Vec<Queued>)> {
        let all: Vec<&Completion> = batch.iter().map(|waiting| &waiting.request).collect();
        let done = timeout(self.shared.time_limit, self.commit(&all))
            .await
            .unwrap_or_else(|_| Err(Failure::OfAll(EngineError::new(NOT_IN_TIME))));
        let mut ended = match done {
            Ok(ended) => ended,
            Err(failure) => {
                self.session = None; // and with it the transaction
                return Some((failure, batch));
            }
        };
        ended.tell(&self.shared.notifier);
        for waiting in batch {
            let held = ended.held.remove(&waiting.request.token); // of two of one token, the first held the row
            waiting.answer(Ok(held));
        }
        None
    }

    /// One transaction, in two round trips: what ends comes back with the installations, into which the changes are
    /// folded.
    async fn commit(&mut self, batch: &[&Completion]) -> Result<Ended, Failure> {
        if self.session.as_ref().is_none_or(|session| session.is_closed()) {
            self.session = Some(self.shared.connector.open().await?);
            self.is_patient = true;
        }
        let Some(session) = &self.session else { return Ok(Ended::default()) };
        if self.is_patient {
            // One tenant that is locked must not hold up the others until they have given up.
            let patience = format!("SET lock_timeout = {}", (self.shared.time_limit.as_millis() / 5).max(1));
            session.batch_execute(&patience).await?;
            self.is_patient = false;
        }
        let ending = Ending::prepare(session, &session.statement_cache, &self.shared.sql).await?;
        let (begun, ended) = tokio::join!(session.batch_execute("BEGIN"), ending.finish(batch));
        begun?;
        let ended = ended?;
        if !ended.has_installations() {
            session.batch_execute("COMMIT").await?;
            return Ok(ended);
        }
        let (written, committed) = tokio::join!(ending.put(&ended), session.batch_execute("COMMIT"));
        written?; // if not, what was asked to commit has rolled back
        committed?;
        Ok(ended)
    }
}
