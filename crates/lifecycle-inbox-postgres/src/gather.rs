//! Gather: the batch that a transaction shares.

use tokio::sync::mpsc::Receiver;
use tokio::task::yield_now;

/// What waits in a queue behind the first, with what other tasks are about to ask: as long as each turn of the scheduler
/// brings more. Nobody waits for company that is not there. `is_last` is asked of each that is taken.
pub(crate) async fn gather<T>(
    queue: &mut Receiver<T>,
    first: T,
    mut is_last: impl FnMut(&T) -> bool,
) -> Vec<T> {
    let mut is_full = is_last(&first);
    let mut batch = vec![first];
    let mut taken = 0;
    while taken < batch.len() && !is_full {
        taken = batch.len();
        yield_now().await;
        while !is_full {
            let Ok(next) = queue.try_recv() else { break };
            is_full = is_last(&next);
            batch.push(next);
        }
    }
    batch
}
