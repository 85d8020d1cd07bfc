//! Shutdown: SIGTERM, or Ctrl-C at a terminal.

use std::io;

use tokio::sync::watch;

/// Tells all of a program's parts that the process was asked to stop. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Listens for SIGTERM and Ctrl-C from now on. Call it once, before anything is started, and hand out clones: a part
    /// that began to listen later would miss a signal that came before.
    ///
    /// # Errors
    /// The system's, when it takes no handler.
    pub fn on_signal() -> io::Result<Self> {
        let signal = signal()?;
        let (sender, verifier) = watch::channel(false);
        tokio::spawn(async move {
            signal.await;
            tracing::info!("asked to stop");
            sender.send_replace(true);
            sender.closed().await; // whoever asks later has to hear of it, too
        });
        Ok(Self(verifier))
    }

    /// Completes once the process was asked to stop.
    pub async fn requested(mut self) {
        if self.0.wait_for(|requested| *requested).await.is_err() {
            std::future::pending::<()>().await; // the runtime itself is ending
        }
    }
}

/// A future that completes at the first signal after this call.
#[cfg(unix)]
fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(windows)]
fn signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
