//! `StoreError`: what kept an engine from doing what it was asked.

use std::error::Error;
use std::fmt;

/// An engine could not do what it was asked: the database is away, busy, full, read-only or damaged.
///
/// There is nothing to tell apart: the receiver answers 503, and the worker tries again. Nothing was half-done; but an
/// answer that was lost on its way may be that of a finished transaction.
pub struct StoreError(Box<dyn Error + Send + Sync>);

impl StoreError {
    /// For engines. The error is logged: it must hold no stored value, as a database's detail lines may.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
