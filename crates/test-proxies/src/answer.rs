//! Answer: what came back, or why nothing did.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

/// How long an answer is waited for. Far above what any of them takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A final answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The connection is not used again.
    pub(crate) closes: bool,
    /// What came with it and is not part of it.
    pub(crate) more: Bytes,
}

/// There is no answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NoAnswer {
    Closed,
    Late,
}

/// As it is counted in a report.
pub(crate) fn in_words(answer: &Result<Answer, NoAnswer>) -> String {
    match answer {
        Ok(Answer { status, more, .. }) if more.is_empty() => status.to_string(),
        Ok(Answer { status, more, .. }) => {
            let more = more[..more.len().min(60)].escape_ascii();
            format!("{status} and, unasked, {more}")
        }
        Err(none) => none.to_string(),
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::Late => write!(f, "nothing in {} s", PATIENCE.as_secs()),
        }
    }
}

impl From<std::io::Error> for NoAnswer {
    fn from(_: std::io::Error) -> Self {
        Self::Closed
    }
}

impl From<hyper::Error> for NoAnswer {
    fn from(_: hyper::Error) -> Self {
        Self::Closed
    }
}

impl From<tokio::time::error::Elapsed> for NoAnswer {
    fn from(_: tokio::time::error::Elapsed) -> Self {
        Self::Late
    }
}
