//! Wait: for what has to come before long.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Failure;
use crate::client::Client;

/// Asks again and again until it is so, and gives up after this time, with `what` in the failure.
pub(crate) fn until(
    patience: Duration,
    what: &str,
    mut is_so: impl FnMut() -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let deadline = Instant::now() + patience;
    while !is_so()? {
        if Instant::now() > deadline {
            return Err(format!("in vain for {} s: {what}", patience.as_secs()).into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Waits until an app has handled all that was accepted, and gives what it has. Where connections are scarce, a page may have to
/// be asked for again.
pub(crate) fn until_drained(patience: Duration, client: &Client, root: &str) -> Result<Value, Failure> {
    until(patience, "all is handled", || {
        let Ok(inbox) = client.page(root, "/inbox") else { return Ok(false) };
        if inbox["dead"] != 0 {
            return Err(format!("dead letters: {inbox}").into());
        }
        Ok(inbox["pending"] == 0 && inbox["leased"] == 0)
    })?;
    let mut deliveries = Value::Null;
    until(patience, "GET /deliveries tells what was handled", || {
        deliveries = client.page(root, "/deliveries").unwrap_or_default();
        Ok(!deliveries.is_null())
    })?;
    Ok(deliveries)
}
