//! `EngineError`: what kept an engine from doing what it was asked.

use std::error::Error;
use std::fmt;

/// An engine could not do what it was asked: the database is away, busy, full, read-only or damaged.
///
/// There is nothing to tell apart: the endpoint answers 503, and the worker tries again. Nothing was half-done; but an
/// answer that was lost on its way may be that of a finished transaction.
pub struct EngineError(Box<dyn Error + Send + Sync>);

impl EngineError {
    /// For engines. The error is logged: it must hold no stored value. Databases put such values into the lines after the first,
    /// so these are never shown.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl fmt::Debug for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EngineError({:?})", self.to_string())
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_string().lines().next().unwrap_or_default())
    }
}

impl Error for EngineError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_in_which_databases_quote_values_are_not_shown() {
        let error =
            EngineError::new("duplicate key\nDETAIL: Key (email)=(jordan.lee@example.com) already exists.");
        assert_eq!(format!("{error} {error:?}"), "duplicate key EngineError(\"duplicate key\")");
    }
}
