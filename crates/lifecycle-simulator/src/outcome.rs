//! Outcome: what came of one delivery, for whoever watches.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::app::App;
use crate::bidi::isolated;
use crate::delivery::Delivery;
use crate::headline::{Headline, duration};
use crate::tenant::Tenant;

/// What comes of each delivery, one after the other.
pub struct Outcomes(pub(crate) broadcast::Receiver<Outcome>);

impl Outcomes {
    /// The next one; `None` when the simulator has ended. Those that nobody fetched in time, 1024 later, are left out.
    pub async fn next(&mut self) -> Option<Outcome> {
        loop {
            match self.0.recv().await {
                Ok(outcome) => return Some(outcome),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outcomes")
    }
}

/// What came of one delivery. `Display` is one line for a terminal; `Serialize` is an object with the same. `Debug` shows the
/// delivery's number only.
///
/// It holds no secret, and nothing of what was sent or answered but the status.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct Outcome {
    /// The number of the delivery, as on the page.
    pub delivery: i64,
    /// When it was sent, in RFC 3339, UTC.
    pub at: String,
    /// The name of the app.
    pub app: String,
    /// The name of the tenant.
    pub tenant: String,
    /// The event, by its kind or by its name on the platform.
    pub event: String,
    /// The verdict, such as `Went through` or `BLOCKED`.
    pub verdict: String,
    /// Whether it is as it should be.
    pub good: bool,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Why it is not as it should be, in a few words.
    pub cause: Option<String>,
    /// From sending to the end of the answer.
    #[serde(rename = "elapsed_ms", serialize_with = "in_milliseconds")]
    pub elapsed: Option<Duration>,
}

impl Outcome {
    pub(crate) fn of(delivery: &Delivery, app: &App, tenant: &Tenant) -> Self {
        let headline = Headline::of(delivery, app.platform(), &tenant.name);
        Self {
            delivery: delivery.id,
            at: delivery.created_at.to_string(),
            app: app.name.clone(),
            tenant: headline.tenant.clone(),
            event: headline.event.clone(),
            verdict: headline.label.to_owned(),
            good: headline.is_good(),
            status: delivery.answer.as_ref().map(|answer| answer.status),
            cause: delivery.cause.as_ref().map(|cause| cause.text.clone()),
            elapsed: delivery.elapsed,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.at.get(11..19).unwrap_or_default();
        write!(f, "{time}  {:<12}  {:<9}  {:<9}", self.verdict, isolated(&self.tenant), self.event)?;
        match (&self.cause, self.status) {
            (Some(cause), _) => write!(f, "  {cause}")?,
            (None, Some(status)) => write!(f, "  {status}")?,
            (None, None) => {}
        }
        match self.elapsed {
            Some(elapsed) => write!(f, "  {}", duration(elapsed)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome").field("delivery", &self.delivery).finish_non_exhaustive()
    }
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn in_milliseconds<S: serde::Serializer>(
    elapsed: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    elapsed.map(|elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
}
