//! Notifier: how an engine tells this process that there is work, or that an installation changed.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// An engine's way to wake the workers of this process, and to tell its caches that they are out of date.
///
/// An engine holds one, and an engine of many processes also drives it when another process tells it something.
#[derive(Debug, Default)]
pub struct Notifier {
    work: watch::Sender<()>,
    revision: AtomicU64,
}

impl Notifier {
    /// A claim may find something now that it did not find before. Call it after the commit.
    pub fn ring(&self) {
        self.work.send_replace(());
    }

    /// Hears every [`ring`](Self::ring) from now on.
    pub fn listen(&self) -> Listener {
        Listener(self.work.subscribe())
    }

    /// An installation is another one now. Call it after the commit and before the caller hears of it.
    pub fn installation_changed(&self) {
        self.revision.fetch_add(1, Ordering::SeqCst);
    }

    /// A number that is another one after each [`installation_changed`](Self::installation_changed).
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::SeqCst)
    }
}

/// One worker's ear. A ring while nobody waits is not lost.
#[derive(Debug)]
pub struct Listener(watch::Receiver<()>);

impl Listener {
    /// Waits for a ring since the last call of this or of [`forget`](Self::forget); for ever when the engine is gone.
    pub async fn heard(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Forgets what rang before: call it just before a claim.
    pub fn forget(&mut self) {
        self.0.mark_unchanged();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_ring_while_nobody_waits_is_heard_later_and_once() {
        let signals = Notifier::default();
        let (mut one, mut two) = (signals.listen(), signals.listen());
        signals.ring();
        signals.ring();
        for listener in [&mut one, &mut two] {
            assert!(listener.heard().now_or_never().is_some());
            assert!(listener.heard().now_or_never().is_none());
        }
        signals.ring();
        one.forget();
        assert!(one.heard().now_or_never().is_none());
        assert!(two.heard().now_or_never().is_some());
    }
}
