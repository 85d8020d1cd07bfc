//! `PgNotifier`: notifies the workers and caches of all processes, by LISTEN and NOTIFY.
//!
//! It notifies after the commit, over a separate connection. PostgreSQL commits transactions that notify one after the other, each
//! with its own flush: in the transactions that write deliveries, that would undo the group commit. A notification that is lost,
//! because a process died between commit and NOTIFY or the connection was away, is made good by the workers' fallback poll.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lifecycle_inbox::Notifier;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_postgres::{Client, Notification};

use crate::clock::Clock;
use crate::error::tell;
use crate::session::Connector;

const WORK: &str = "work";
const INSTALLATION: &str = "installation";

/// Notifications within this time are sent as one.
const COALESCE: Duration = Duration::from_millis(5);

/// How often the connection is tried, and the clock read.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The first wait before another connection, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How long it leaves its connection to others where the server has none left.
const LEFT: Duration = Duration::from_secs(30);

const NEEDED: &str = "the server has no connection left, and somebody needs one more";

/// After how long without use the other connections are closed, so that processes that start find some; and how often that
/// is looked for.
const IDLE: Duration = Duration::from_secs(10);
const SWEEP: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(crate) struct PgNotifier {
    pub(crate) local: Notifier,
    work: AtomicBool,
    installation: AtomicBool,
    wake: Notify,
}

impl PgNotifier {
    /// A claim may find something now.
    pub(crate) fn notify(&self) {
        self.local.notify();
        self.work.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// An installation is another one now.
    pub(crate) fn installation_changed(&self) {
        self.local.installation_changed();
        self.installation.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    fn receive(&self, word: &str) {
        match word {
            WORK => self.local.notify(),
            INSTALLATION => self.local.installation_changed(),
            _ => {} // of a later release
        }
    }

    /// The notifications that are to be sent.
    fn take(&self) -> Vec<&'static str> {
        let mut words = Vec::new();
        for (flag, word) in [(&self.work, WORK), (&self.installation, INSTALLATION)] {
            if flag.swap(false, Ordering::Acquire) {
                words.push(word);
            }
        }
        words
    }
}

/// The task that sends a notifier's notifications, and receives those of other processes.
pub(crate) struct NotifierTask {
    pub(crate) notifier: Arc<PgNotifier>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) connector: Connector,
    pub(crate) channel: String,
    pub(crate) time_limit: Duration,
}

impl NotifierTask {
    /// Runs until it is aborted.
    pub(crate) async fn run(self) {
        tokio::join!(self.close_unused(), self.stay_connected());
    }

    async fn close_unused(&self) {
        loop {
            sleep(SWEEP).await;
            self.connector.close_unused(IDLE);
        }
    }

    /// Connects again whenever the connection is lost.
    async fn stay_connected(&self) {
        let (first, longest) = WAITS;
        let mut wait = first;
        loop {
            match timeout(self.time_limit, self.connect()).await {
                Ok(Ok((client, driver))) => {
                    wait = first;
                    // Notifications of the meantime are lost: anything may have changed.
                    self.notifier.local.installation_changed();
                    self.notifier.local.notify();
                    let why = self.serve(&client, driver).await;
                    tracing::warn!(target: "lifecycle::inbox", why, "no longer hears other processes");
                    if why == NEEDED {
                        wait = LEFT;
                    }
                }
                Ok(Err(error)) => {
                    tracing::warn!(target: "lifecycle::inbox", why = tell(&error), "cannot hear other processes");
                }
                Err(_) => {
                    tracing::warn!(target: "lifecycle::inbox", why = "no answer", "cannot hear other processes");
                }
            }
            sleep(wait).await;
            wait = (wait * 2).min(longest);
        }
    }

    async fn connect(&self) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        let notifier = self.notifier.clone();
        let receive = move |notification: &Notification| notifier.receive(notification.payload());
        let (client, driver) = self.connector.open_with(receive).await?;
        // It commits notifications only, which nobody needs on disk.
        let listen = format!("SET synchronous_commit = off; LISTEN \"{}\"", self.channel);
        client.batch_execute(&listen).await?;
        Ok((client, driver))
    }

    /// Sends notifications until the connection is lost. Returns why it was.
    async fn serve(&self, client: &Client, mut driver: JoinHandle<()>) -> String {
        let mut heartbeat = Instant::now() + HEARTBEAT;
        loop {
            let asked = tokio::select! {
                _ = &mut driver => return "the connection was closed".to_owned(),
                () = self.connector.needed() => {
                    driver.abort();
                    return NEEDED.to_owned();
                }
                () = self.notifier.wake.notified() => timeout(self.time_limit, self.send(client)).await,
                () = sleep_until(heartbeat) => {
                    heartbeat = Instant::now() + HEARTBEAT;
                    timeout(self.time_limit, self.clock.follow(client)).await
                }
            };
            let why = match asked {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => tell(&error),
                Err(_) => "no answer".to_owned(),
            };
            driver.abort();
            return why;
        }
    }

    async fn send(&self, client: &Client) -> Result<(), tokio_postgres::Error> {
        for word in self.notifier.take() {
            client.execute("SELECT pg_notify($1, $2)", &[&self.channel, &word]).await?;
        }
        sleep(COALESCE).await;
        Ok(())
    }
}
