//! Logs: all that this process logs, at every level, with whichever of the two facades.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};
use tracing_subscriber::filter::LevelFilter as Level;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// All that this process logs. Nothing but `trace` is asked for, as an app may.
#[derive(Clone, Copy, Debug)]
pub struct Logs;

impl Logs {
    /// Logs from now on.
    ///
    /// # Panics
    /// When the process has another logger.
    pub fn start() -> Self {
        static STARTED: Once = Once::new();
        STARTED.call_once(|| {
            log::set_logger(&Self).expect("the only logger");
            log::set_max_level(LevelFilter::Trace);
            let all = tracing_subscriber::fmt().with_max_level(Level::TRACE);
            let all = all.with_ansi(false).with_writer(|| Self).finish();
            // Not `init`: where another crate asks for `tracing-log`, it would take the place of the logger above.
            tracing::subscriber::set_global_default(all).expect("the only subscriber");
        });
        Self
    }

    /// What was logged so far.
    pub fn text(self) -> String {
        String::from_utf8_lossy(&lines()).into_owned()
    }
}

fn lines() -> MutexGuard<'static, Vec<u8>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lines().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log for Logs {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let _ = writeln!(lines(), "{} {} {}", record.level(), record.target(), record.args()); // to memory: it succeeds
    }

    fn flush(&self) {}
}
