//! Delivery and Trust: what a received callback says, and how far it can be believed.

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use serde::Deserialize;

use crate::event::LifecycleEvent;
use crate::head::Headers;
use crate::idempotency::IdempotencyKey;
use crate::platform::Platform;
use crate::rejected_request::RejectedRequest;
use crate::rejection::{Rejection, Undecodable};
use crate::secret::SecretId;

/// A callback that was received, proven as far as its platform allows, and decoded.
///
/// Only a [`Verifier`](crate::Verifier) makes one out of a request, so whoever holds it knows that the proof passed.
/// Cloning is cheap. `Debug` shows neither the body nor whom it is about.
#[derive(Clone)]
pub struct Delivery {
    platform: &'static Platform,
    event: LifecycleEvent,
    headers: Headers,
    trust: Trust,
    received_at: SystemTime,
}

/// How far a delivery can be believed.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Trust {
    /// The raw body carries a valid signature. It proves the platform, not a tenant: one secret serves all tenants.
    Signed {
        /// The name of the secret that made it: when an old one is no longer seen here, it can be retired.
        secret: SecretId,
        /// The header that carried it.
        header: &'static str,
    },
    /// Nothing proves the sender but an unguessable URL. Take it as a hint: grant nothing because of it alone.
    Unsigned,
}

impl Delivery {
    pub(crate) fn new(
        platform: &'static Platform,
        event: LifecycleEvent,
        headers: Headers,
        trust: Trust,
        received_at: SystemTime,
    ) -> Self {
        Self { platform, event, headers, trust, received_at }
    }

    /// Rebuilds a delivery that was received before, from what a store kept of it.
    ///
    /// Nothing is verified again, as the secret may be retired by now: call this with nothing but what the accessors
    /// of a delivery gave. Headers that the platform does not name are dropped.
    ///
    /// # Errors
    /// [`Undecodable`] when the bytes are not what they were, or the platform's decoding has changed since.
    pub fn from_store_unverified<'h>(
        platform: &'static Platform,
        body: impl Into<Bytes>,
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
        trust: Trust,
        received_at: SystemTime,
    ) -> Result<Self, Undecodable> {
        let mut kept = Headers::default();
        for (name, value) in headers {
            if let Some(own) = platform.header_names().find_kept(name) {
                kept.keep(own, value);
            }
        }
        let event = LifecycleEvent::decode(platform, body.into(), &kept)?;
        Ok(Self::new(platform, event, kept, trust, received_at))
    }

    /// The same, about this app if its event names none. A verifier that [expects](crate::Verifier::expect_app) an app does so
    /// before the idempotency key is computed; a store repeats it after [`from_store_unverified`](Self::from_store_unverified), with the app that it
    /// kept.
    ///
    /// ```
    /// use lifecycle_core::{Delivery, Trust, seismic};
    /// use std::time::SystemTime;
    ///
    /// let body = r#"{"type":"key-rotated"}"#;
    /// let delivery = Delivery::from_store_unverified(&seismic::PLATFORM, body, [], Trust::Unsigned, SystemTime::UNIX_EPOCH)?;
    /// assert_eq!(delivery.event().app(), "");
    /// assert_eq!(delivery.about("a1").event().app(), "a1");
    /// # Ok::<(), lifecycle_core::Undecodable>(())
    /// ```
    #[must_use]
    pub fn about(mut self, app: &str) -> Self {
        self.event.set_app_if_untold(app);
        self
    }

    /// The platform that sent it.
    pub fn platform(&self) -> &'static Platform {
        self.platform
    }

    /// What happened, in the words of every platform.
    pub fn event(&self) -> &LifecycleEvent {
        &self.event
    }

    /// How far it can be believed.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// When it was received, as the adapter's clock had it.
    pub fn received_at(&self) -> SystemTime {
        self.received_at
    }

    /// The same for every delivery of the same event; see [`IdempotencyKey`].
    pub fn idempotency_key(&self) -> IdempotencyKey {
        IdempotencyKey::of(self)
    }

    /// The body, byte for byte as it was sent.
    pub fn body(&self) -> &Bytes {
        self.event.body()
    }

    /// The headers that the platform names as signed or decoded.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The body as the platform's own type, such as [`seismic::Callback`](crate::seismic::Callback). A byte order mark
    /// in front is skipped; [`body`](Self::body) has it still.
    ///
    /// # Errors
    /// When the body does not have that shape. The message names a place, and may quote the body: do not log it.
    pub fn payload<'d, T: Deserialize<'d>>(&'d self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.event.text())
    }

    /// The same, with the rejection in place of the error: what the adapters' typed extractors are made of.
    ///
    /// ```
    /// use lifecycle_core::{Delivery, RejectedRequest, Trust, seismic};
    /// use std::time::SystemTime;
    ///
    /// let body = r#"{"type":"install","appId":"a1","tenantId":"t1"}"#;
    /// let delivery = Delivery::from_store_unverified(&seismic::PLATFORM, body, [], Trust::Unsigned, SystemTime::now())?;
    /// let callback: seismic::Callback = delivery.decode()?;
    /// assert_eq!(callback.tenant_id.as_deref(), Some("t1"));
    /// let rejected: RejectedRequest = delivery.decode::<u8>().unwrap_err();
    /// assert_eq!(rejected.reply().status(), 422);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Rejection::Undecodable`], which names a place and never quotes the body.
    pub fn decode<'d, T: Deserialize<'d>>(&'d self) -> Result<T, RejectedRequest> {
        let undecodable =
            |error| RejectedRequest::after_body(Rejection::Undecodable(Undecodable::from(error)));
        self.payload().map_err(undecodable)
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("platform", &self.platform.name())
            .field("event", &self.event)
            .field("trust", &self.trust)
            .field("received_at", &self.received_at)
            .field("length", &self.body().len())
            .finish_non_exhaustive()
    }
}
