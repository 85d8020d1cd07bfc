//! Notifier: how an engine tells this process that there is work, or that an installation changed.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// An engine's way to wake the workers of this process, and to tell its caches that they are out of date.
///
/// An engine holds one. An engine that several processes share also calls it when another process has made the change.
#[derive(Debug, Default)]
pub struct Notifier {
    work: watch::Sender<()>,
    revision: AtomicU64,
}

impl Notifier {
    /// A claim may find something now that it did not find before. Call it after the commit.
    pub fn notify(&self) {
        self.work.send_replace(());
    }

    /// Subscribes to every [`notify`](Self::notify) from now on.
    pub fn subscribe(&self) -> Subscription {
        Subscription(self.work.subscribe())
    }

    /// An installation has changed. Call it after the commit, and before the call that made the change returns.
    pub fn installation_changed(&self) {
        self.revision.fetch_add(1, Ordering::SeqCst);
    }

    /// A number that each [`installation_changed`](Self::installation_changed) changes.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::SeqCst)
    }
}

/// A worker's subscription to a [`Notifier`]. A notification while nobody waits is not lost; several count as one.
#[derive(Debug)]
pub struct Subscription(watch::Receiver<()>);

impl Subscription {
    /// Waits for a notification since the last call of this or of [`mark_seen`](Self::mark_seen). Never returns once the engine
    /// is gone.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Discards earlier notifications. Call it just before a claim.
    pub fn mark_seen(&mut self) {
        self.0.mark_unchanged();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_notification_while_nobody_waits_is_received_later_and_once() {
        let notifier = Notifier::default();
        let (mut one, mut two) = (notifier.subscribe(), notifier.subscribe());
        notifier.notify();
        notifier.notify();
        for subscription in [&mut one, &mut two] {
            assert!(subscription.changed().now_or_never().is_some());
            assert!(subscription.changed().now_or_never().is_none());
        }
        notifier.notify();
        one.mark_seen();
        assert!(one.changed().now_or_never().is_none());
        assert!(two.changed().now_or_never().is_some());
    }
}
