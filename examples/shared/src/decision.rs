//! Decision: what the demo app decides while the platform waits; it misbehaves on request, so that every answer can be tried.

use std::time::Duration;

use lifecycle_core::{Decision, Delivery, HandlerError, seismic};

/// A Seismic tenant named `refuse-me`, `fail-me` or `sleep-me` is refused, fails, or takes 10 s; all others are accepted.
pub(crate) async fn decide(delivery: &Delivery) -> Result<Decision, HandlerError> {
    let callback = delivery.payload::<seismic::Callback>().ok();
    match callback.and_then(|callback| callback.tenant).as_deref() {
        Some("refuse-me") => return Ok(Decision::refuse("this tenant is refused on request")),
        Some("fail-me") => return Err("this tenant fails on request".into()),
        Some("sleep-me") => tokio::time::sleep(Duration::from_secs(10)).await,
        _ => {}
    }
    Ok(Decision::Accept)
}
