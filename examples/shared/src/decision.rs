//! Decision: what the demo app decides while the platform waits; it misbehaves on request, so that every answer can be tried.

use std::time::Duration;

use lifecycle_core::{Decision, Delivery, HandlerError, seismic};

/// A tenant named `refuse-me`, `fail-me` or `sleep-me` is refused, fails, or takes 10 s; all others are accepted. On Seismic it is
/// the tenant's name that counts, elsewhere its id.
pub(crate) async fn decide(delivery: &Delivery) -> Result<Decision, HandlerError> {
    let callback = delivery.payload::<seismic::Callback>().ok();
    let named = callback.and_then(|callback| callback.tenant);
    match named.as_deref().unwrap_or(delivery.event().tenant()) {
        "refuse-me" => return Ok(Decision::refuse("this tenant is refused on request")),
        "fail-me" => return Err("this tenant fails on request".into()),
        "sleep-me" => tokio::time::sleep(Duration::from_secs(10)).await,
        _ => {}
    }
    Ok(Decision::Accept)
}
