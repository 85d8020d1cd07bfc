//! Gate: what the demo app decides while the platform waits; it misbehaves on request, so that every answer can be tried.

use std::time::Duration;

use async_trait::async_trait;
use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, Outcome, seismic};

/// A Seismic tenant named `refuse-me`, `fail-me` or `sleep-me` is refused, fails, or takes 10 s; all others may pass.
pub(crate) struct Gate;

#[async_trait]
impl LifecycleHandler for Gate {
    async fn handle(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        let callback = delivery.payload::<seismic::Callback>().ok();
        match callback.and_then(|callback| callback.tenant).as_deref() {
            Some("refuse-me") => return Ok(Outcome::refuse("this tenant is refused on request")),
            Some("fail-me") => return Err("this tenant fails on request".into()),
            Some("sleep-me") => tokio::time::sleep(Duration::from_secs(10)).await,
            _ => {}
        }
        Ok(Outcome::Accept)
    }
}
