//! `Batcher`: what is asked at the same time is done in one transaction, and shares its flush to the disk.

use std::future::Future;
use std::time::Duration;

use lifecycle_inbox::EngineError;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

/// The most requests of one transaction, and the size at which no more are added.
const ROWS: usize = 256;
const BYTES: usize = 4 * 1024 * 1024;

pub(crate) const NOT_IN_TIME: &str = "PostgreSQL did not answer in time";

/// Does batches, one after the other.
pub(crate) trait Work: Send + 'static {
    type Request: Send;
    type Answer: Send;

    /// The bytes of a request.
    fn size(request: &Self::Request) -> usize;

    /// Does all of a batch, and answers each. A request that is dropped is answered too: with an error.
    fn run(
        &mut self,
        batch: Vec<QueuedRequest<Self::Request, Self::Answer>>,
    ) -> impl Future<Output = ()> + Send;
}

/// A request that waits.
pub(crate) struct QueuedRequest<Q, A> {
    pub(crate) request: Q,
    asked: Instant,
    /// Until when it has to be done.
    pub(crate) until: Instant,
    answer: oneshot::Sender<Result<A, String>>,
}

impl<Q, A> QueuedRequest<Q, A> {
    pub(crate) fn answer(self, answer: Result<A, String>) {
        let _ = self.answer.send(answer); // whoever asked may have gone
    }

    /// Whether nobody waits any more: then it is as if it was never asked.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    /// Whether it has waited for three quarters of its time: what the batch before it took, it would take too.
    pub(crate) fn is_late(&self) -> bool {
        self.asked.elapsed() >= (self.until - self.asked) * 3 / 4
    }
}

/// The queue of a task that does one kind of work. The task ends when this value is dropped.
pub(crate) struct Batcher<W: Work> {
    queue: mpsc::Sender<QueuedRequest<W::Request, W::Answer>>,
    time_limit: Duration,
}

impl<W: Work> Batcher<W> {
    /// Starts the task. At most `queue` requests wait, none longer than the limit.
    pub(crate) fn start(mut work: W, queue: usize, time_limit: Duration) -> Self {
        let (queue, mut waiting) = mpsc::channel(queue);
        tokio::spawn(async move {
            while let Some(first) = waiting.recv().await {
                let mut batch = collect::<W>(&mut waiting, first).await;
                batch.retain(|waiting| !waiting.is_abandoned());
                if !batch.is_empty() {
                    work.run(batch).await;
                }
            }
        });
        Self { queue, time_limit }
    }

    /// Has it done within this time, or the limit if that is shorter, and waits for the commit.
    pub(crate) async fn ask(&self, request: W::Request, within: Duration) -> Result<W::Answer, EngineError> {
        let (answer, answered) = oneshot::channel();
        let asked = Instant::now();
        let until = asked + within.min(self.time_limit);
        let waiting = QueuedRequest { request, asked, until, answer };
        self.queue.try_send(waiting).map_err(|error| match error {
            TrySendError::Full(_) => EngineError::new("too many deliveries wait for PostgreSQL"),
            TrySendError::Closed(_) => stopped(),
        })?;
        match timeout(self.time_limit, answered).await {
            Ok(Ok(answer)) => answer.map_err(EngineError::new),
            Ok(Err(_)) => Err(stopped()),
            Err(_) => Err(EngineError::new(NOT_IN_TIME)),
        }
    }
}

fn stopped() -> EngineError {
    EngineError::new("the runtime that wrote to PostgreSQL has ended")
}

/// The batch that begins with this request: what is in the queue, and what other tasks add to it while each turn of the scheduler adds
/// something. It never waits for more.
async fn collect<W: Work>(
    queue: &mut mpsc::Receiver<QueuedRequest<W::Request, W::Answer>>,
    first: QueuedRequest<W::Request, W::Answer>,
) -> Vec<QueuedRequest<W::Request, W::Answer>> {
    let mut bytes = W::size(&first.request);
    let mut batch = vec![first];
    let mut taken = 0;
    while taken < batch.len() {
        taken = batch.len();
        yield_now().await;
        while batch.len() < ROWS && bytes < BYTES {
            let Ok(next) = queue.try_recv() else { break };
            bytes += W::size(&next.request);
            batch.push(next);
        }
    }
    batch
}
