//! When to stop: SIGTERM, or Ctrl-C at a terminal.

use std::io;
use std::time::Duration;

/// Completes when the process is asked to stop.
pub async fn stop_requested() {
    if let Err(error) = signalled().await {
        eprintln!("cannot listen for signals, so only a kill ends this app: {error}");
        std::future::pending::<()>().await;
    }
}

/// Completes 5 s after that, for servers that would wait for ever: a client may be stuck halfway through a request.
pub async fn stop_overdue() {
    stop_requested().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
}

#[cfg(unix)]
async fn signalled() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signalled() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
