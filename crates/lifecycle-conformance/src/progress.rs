//! Progress: says on standard error how far a run is, without ever standing between the lines of a report.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How far a run is. On a terminal it is one line that is written over; elsewhere a line every few seconds.
#[derive(Debug)]
pub struct Progress {
    state: Option<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    terminal: bool,
    /// Cases end in another order than they begin, and some are sent twice.
    done: usize,
    shown_at: Instant,
}

impl Progress {
    /// Says nothing.
    pub const fn silent() -> Self {
        Self { state: None }
    }

    /// Says it on standard error.
    pub fn stderr() -> Self {
        let state = State { terminal: std::io::stderr().is_terminal(), done: 0, shown_at: Instant::now() };
        Self { state: Some(Mutex::new(state)) }
    }

    pub(crate) fn show(&self, done: usize, failed: usize, total: usize) {
        let Some(state) = &self.state else { return };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if done <= state.done {
            return;
        }
        state.done = done;
        let every = Duration::from_millis(if state.terminal { 100 } else { 5000 });
        if state.shown_at.elapsed() < every && done < total {
            return;
        }
        state.shown_at = Instant::now();
        let text = match failed {
            0 => format!("{done} of {total} cases sent"),
            _ => format!("{done} of {total} cases sent, {failed} failed so far"),
        };
        let mut stderr = std::io::stderr().lock();
        let _ = match (state.terminal, done < total) {
            (true, true) => write!(stderr, "\r\x1b[K{text}"),
            (true, false) => write!(stderr, "\r\x1b[K"),
            (false, _) => writeln!(stderr, "{text}"),
        };
        let _ = stderr.flush();
    }
}
