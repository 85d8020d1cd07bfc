//! Asked: a handler that remembers how much time it was given.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lifecycle_core::{Decision, Delivery, EndpointHandler, HandlerError, async_trait};

/// Accepts everything, and keeps what was left of the time when it was asked last. Clones keep it together.
#[derive(Clone, Debug, Default)]
pub struct Asked(Arc<Mutex<Option<Duration>>>);

impl Asked {
    /// What was left; `None` if it was not asked.
    pub fn within(&self) -> Option<Duration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EndpointHandler for Asked {
    async fn answer(&self, _delivery: &Delivery, within: Duration) -> Result<Decision, HandlerError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(within);
        Ok(Decision::Accept)
    }
}
