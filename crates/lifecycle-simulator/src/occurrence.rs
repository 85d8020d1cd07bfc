//! Occurrence: what happened on the platform, from which a request is written, and written again for a later attempt.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lifecycle_testing::Sample;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::moment::Moment;
use crate::platform::Platform;
use crate::tenant::Tenant;

/// The name of an event that no platform sends yet.
const UNKNOWN: &str = "key-rotated";

/// What happened. It holds no secret.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Occurrence {
    /// The name of the event among the platform's; of an event that it does not send yet, one of its own.
    pub(crate) event: String,
    app: String,
    app_name: String,
    tenant: String,
    tenant_name: String,
    actor: String,
    actor_email: String,
    request_id: String,
    #[serde(default)]
    pub(crate) version: Option<String>,
    #[serde(default)]
    prior_version: Option<String>,
    at: i64,
}

impl Occurrence {
    /// Something that happens now.
    pub(crate) fn new(app: &App, tenant: &Tenant, tenant_id: String, event: &str) -> Self {
        // In the platform's own form, where it has ids.
        let known = app.platform().sender().sample(event).as_ref().map(Sample::delivery);
        let request_id = known.as_ref().and_then(|known| known.event().request_id()).map(str::to_owned);
        Self {
            event: event.to_owned(),
            app: app.app_id.clone(),
            app_name: app.name.clone(),
            tenant: tenant_id,
            tenant_name: tenant.name.clone(),
            actor: tenant.user_id.clone(),
            actor_email: tenant.user_email.clone(),
            request_id: request_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
            version: None,
            prior_version: None,
            at: Moment::now().0,
        }
    }

    /// With the version after it, and the one before an upgrade.
    pub(crate) fn with_versions(mut self, version: Option<&str>, prior: Option<&str>) -> Self {
        (self.version, self.prior_version) = (version.map(str::to_owned), prior.map(str::to_owned));
        self
    }

    /// An event that the platform does not send yet, in place of this one.
    pub(crate) fn unknown(self) -> Self {
        Self { event: UNKNOWN.to_owned(), ..self }
    }

    /// The same at another time.
    pub(crate) fn at(self, time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { at: i64::try_from(since.as_millis()).unwrap_or_default(), ..self }
    }

    /// As the platform tells of it; `None` where it tells of no such event.
    pub(crate) fn sample(&self, platform: Platform) -> Option<Sample> {
        let sample = platform.sample(&self.event).or_else(|| platform.sender().unknown(&self.event))?;
        let at = UNIX_EPOCH + Duration::from_millis(self.at.try_into().unwrap_or_default());
        let mut sample = sample
            .app(&self.app)
            .app_name(&self.app_name)
            .tenant(&self.tenant)
            .tenant_name(&self.tenant_name)
            .actor_email(&self.actor_email)
            .request_id(&self.request_id)
            .at(at);
        if !platform.vendor().is_user {
            sample = sample.actor(&self.actor);
        }
        if let Some(version) = &self.version {
            sample = sample.version(version);
        }
        Some(match &self.prior_version {
            Some(prior) => sample.prior_version(prior),
            None => sample,
        })
    }
}
