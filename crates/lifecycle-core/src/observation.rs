//! Observation: an event that the app has seen by itself, because its platform sends no callback for it.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use crate::delivery::Delivery;
use crate::document::Document;
use crate::event::{EventFields, EventKind, Fields};
use crate::head::Headers;
use crate::idempotency::{self, IdempotencySource};
use crate::platform::Platform;
use crate::trust::Trust;

/// An event that the app has seen by itself: an install at the end of its OAuth flow, or an uninstall when its token was
/// revoked, on a platform that sends no callback for it.
///
/// The inbox of `lifecycle-inbox` records it. It then becomes a [`Delivery`] with [`Trust::Observed`] and an empty body, takes
/// its place in the order of its tenant, and changes the installation by the same rules as a callback. `Debug` shows neither the
/// tenant nor a person.
///
/// ```
/// use lifecycle_core::{Delivery, Observation, Trust, slack};
/// use std::time::SystemTime;
///
/// let now = SystemTime::now();
/// let install = Observation::install(&slack::PLATFORM, "A0APP", "T0TEAM", now).actor("U0ADMIN");
/// let delivery = Delivery::observed(&install, now);
/// assert_eq!((delivery.event().tenant(), delivery.trust()), ("T0TEAM", &Trust::Observed));
/// ```
#[derive(Clone)]
pub struct Observation {
    platform: &'static Platform,
    kind: EventKind,
    app: String,
    tenant: String,
    occurred: SystemTime,
    installation: Option<String>,
    actor: Option<String>,
}

impl Observation {
    /// A tenant has installed the app, at this time.
    pub fn install(
        platform: &'static Platform,
        app: impl Into<String>,
        tenant: impl Into<String>,
        occurred: SystemTime,
    ) -> Self {
        Self::new(platform, EventKind::Install, app.into(), tenant.into(), occurred)
    }

    /// The app was removed from a tenant, at this time.
    pub fn uninstall(
        platform: &'static Platform,
        app: impl Into<String>,
        tenant: impl Into<String>,
        occurred: SystemTime,
    ) -> Self {
        Self::new(platform, EventKind::Uninstall, app.into(), tenant.into(), occurred)
    }

    /// The platform's id of the installation, where each re-install has another one. An event of the same kind with the same id
    /// is recorded once, however often the user reloads the page. Without an id, one with the same time is.
    #[must_use]
    pub fn id(mut self, installation: impl Into<String>) -> Self {
        self.installation = Some(installation.into());
        self
    }

    /// Who did it, as the platform's user id.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// The platform that it is about.
    pub fn platform(&self) -> &'static Platform {
        self.platform
    }

    fn new(
        platform: &'static Platform,
        kind: EventKind,
        app: String,
        tenant: String,
        occurred: SystemTime,
    ) -> Self {
        Self { platform, kind, app, tenant, occurred, installation: None, actor: None }
    }

    fn fields(&self) -> EventFields<'_> {
        let installation = self.installation.as_deref().filter(|id| !idempotency::is_placeholder(id));
        let mut fields = EventFields::new(self.kind.clone());
        fields.app = Cow::Borrowed(&self.app);
        fields.tenant = Cow::Borrowed(&self.tenant);
        fields.installation = installation.map(Cow::Borrowed);
        fields.actor = self.actor.as_deref().map(Cow::Borrowed);
        fields.occurred = Some(self.occurred);
        // A callback of the platform may have the same id; it is another delivery of the same event.
        fields.identity = IdempotencySource::Event(Cow::Owned(match installation {
            Some(id) => format!("observed {id}"),
            None => format!("observed at {:?}", self.occurred.duration_since(SystemTime::UNIX_EPOCH)),
        }));
        fields
    }
}

impl Delivery {
    /// The delivery that stands for an observation, recorded at this time. For inboxes.
    pub fn observed(observation: &Observation, recorded_at: SystemTime) -> Self {
        let platform = observation.platform;
        let document = Document::empty(Headers::none(platform.header_names()));
        let fields = Fields::of(observation.fields(), &document);
        Self::new(platform, document, fields, Trust::Observed, recorded_at)
    }
}

impl fmt::Debug for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observation")
            .field("platform", &self.platform.name())
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Field, IdempotencyKey, github, slack};

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn key(observation: &Observation) -> IdempotencyKey {
        Delivery::observed(observation, NOW).idempotency_key()
    }

    #[test]
    fn an_observation_is_known_by_its_installation_or_else_by_its_time() {
        let later = NOW + Duration::from_nanos(1);
        let install = Observation::install(&github::PLATFORM, "a", "t", NOW);
        let again = Observation::install(&github::PLATFORM, "a", "t", later);
        assert_eq!(key(&install), key(&install.clone().actor("u")));
        assert_ne!(key(&install), key(&again));
        assert_eq!(key(&install.clone().id("1")), key(&again.clone().id("1")));
        assert_ne!(key(&install.clone().id("1")), key(&install.clone().id("2")));
        assert_ne!(key(&install.clone().id(" ")), key(&again.id(" ")), "a blank id is none");
        let uninstall = Observation::uninstall(&github::PLATFORM, "a", "t", NOW);
        assert_ne!(key(&install.id("1")), key(&uninstall.id("1")));
    }

    #[test]
    fn an_observed_delivery_comes_back_from_a_store() {
        let observation = Observation::install(&slack::PLATFORM, "a", "t", NOW).id("i").actor("u");
        let delivery = Delivery::observed(&observation, NOW);
        let envelope = delivery.envelope();
        let again = Delivery::from_store_unverified(&slack::PLATFORM, "", &envelope).unwrap();
        assert_eq!((again.envelope(), again.trust()), (envelope, &Trust::Observed));
        assert_eq!((again.event().installation(), again.event().actor()), (Some("i"), Some("u")));
        assert!(Field::ALL.iter().all(|field| again.proves(*field)));
    }
}
