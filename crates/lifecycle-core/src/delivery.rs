//! Delivery: one request that passed verification.

use std::fmt;
use std::sync::OnceLock;
use std::time::SystemTime;

use bytes::Bytes;
use serde::Deserialize;

use crate::ack::AckFailure;
use crate::document::Document;
use crate::envelope::{Envelope, Unreadable};
use crate::event::{Fields, LifecycleEvent};
use crate::head::Headers;
use crate::idempotency::IdempotencyKey;
use crate::platform::Platform;
use crate::rejected_request::RejectedRequest;
use crate::rejection::{Rejection, Undecodable};
use crate::trust::{Field, Trust, Unproven};

/// One request that passed verification: proven as far as its platform allows, and decoded.
///
/// Only a [`Verifier`](crate::Verifier) makes one out of a request, so whoever holds it knows that the proof passed. What
/// the proof covers differs from platform to platform: ask [`proves`](Self::proves). Cloning is cheap. `Debug` shows neither
/// the body nor whom it is about.
#[derive(Clone)]
pub struct Delivery {
    platform: &'static Platform,
    event: LifecycleEvent,
    trust: Trust,
    /// Made when it is first asked for: it takes as long as the proof of a short body, and not every handler wants it.
    key: OnceLock<IdempotencyKey>,
    received_at: SystemTime,
    overtaken_by: Option<i64>,
}

impl Delivery {
    pub(crate) fn new(
        platform: &'static Platform,
        document: Document,
        fields: Fields,
        trust: Trust,
        received_at: SystemTime,
    ) -> Self {
        Self {
            platform,
            event: LifecycleEvent::new(document, fields),
            trust,
            key: OnceLock::new(),
            received_at,
            overtaken_by: None,
        }
    }

    /// Rebuilds a delivery from what a store kept of it: its body and its [`envelope`](Self::envelope).
    ///
    /// **Nothing is verified**, and nothing decoded: the secret may be retired by now, and a later release may decode more
    /// strictly than the one that accepted it. Call it only with what a verified delivery gave, from a store that only the app
    /// writes to. For tests there is the crate `lifecycle-testing`, whose deliveries are signed and verified.
    ///
    /// # Errors
    /// [`Unreadable`] when the bytes are not those that were received, or the envelope is not one of this platform's.
    pub fn from_store_unverified(
        platform: &'static Platform,
        body: impl Into<Bytes>,
        envelope: &Envelope,
    ) -> Result<Self, Unreadable> {
        let body = body.into();
        let stored = envelope.open(platform, &body)?;
        let mut headers = Headers::none(platform.header_names());
        headers.fill(|name| envelope.header(name));
        let document = Document::new(body, headers, stored.claims).map_err(|_| Unreadable::Body)?;
        let fields = Fields::of(stored.fields, &document);
        let delivery = Self::new(platform, document, fields, stored.trust, stored.received_at);
        Ok(Self { key: stored.key.into(), ..delivery })
    }

    /// What a store keeps in addition to the body, so that [`from_store_unverified`](Self::from_store_unverified) need not decode
    /// it again.
    pub fn envelope(&self) -> Envelope {
        Envelope::of(self)
    }

    /// Whether the proof covers this field. It covers none under [`Trust::UnguessableUrl`].
    ///
    /// ```
    /// use lifecycle_core::{Field, HookToken, Inbound, Head, Verifier, securityscorecard};
    /// # use std::time::SystemTime;
    ///
    /// let token = HookToken::new("b2f0c6f1d5e14f7c9a3b8d2e6f4a1c07")?;
    /// let verifier = Verifier::new(&securityscorecard::PLATFORM, token, "a1")?;
    /// let mut verification = verifier.begin(Head::new("POST", "/hook/b2f0c6f1d5e14f7c9a3b8d2e6f4a1c07", []))?;
    /// verification.push(r#"{"event":{"type":"app.renamed"}}"#.into())?;
    /// let Inbound::Delivery(delivery) = verification.finish(SystemTime::now())? else { panic!("no handshake") };
    /// assert!(!delivery.proves(Field::Kind));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn proves(&self, field: Field) -> bool {
        !matches!(self.trust, Trust::UnguessableUrl) && !self.unproven().contains(field)
    }

    /// What an answer that is late, or not the acknowledgement, means for this event: what the platform's
    /// [`Ack`](crate::Ack) says, unless its decoder says otherwise of this one.
    pub fn failure(&self) -> AckFailure {
        self.own_failure().unwrap_or(self.platform.ack().failure())
    }

    pub(crate) fn own_failure(&self) -> Option<AckFailure> {
        self.event.fields().failure
    }

    pub(crate) fn unproven(&self) -> Unproven {
        self.event.fields().unproven
    }

    /// The same, with what its inbox knows of [`overtaken_by`](Self::overtaken_by). For inboxes: it is true of one run of the handler,
    /// and stored nowhere.
    #[must_use]
    pub fn with_overtaken_by(mut self, later: Option<i64>) -> Self {
        self.overtaken_by = later;
        self
    }

    /// The place in the inbox of a later delivery of the same tenant that is handled already: this one was given up, and somebody
    /// retried it since. What it asks for may be out of date, as of an install whose uninstall is done. The state of the
    /// installation is right in any case; look there before you do what the later one has undone. `None` for all others, and
    /// without an inbox.
    pub fn overtaken_by(&self) -> Option<i64> {
        self.overtaken_by
    }

    /// The platform that sent it.
    pub fn platform(&self) -> &'static Platform {
        self.platform
    }

    /// What happened, in the words of every platform.
    pub fn event(&self) -> &LifecycleEvent {
        &self.event
    }

    /// What proved it.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// When it was received, as the adapter's clock had it.
    pub fn received_at(&self) -> SystemTime {
        self.received_at
    }

    /// The same for every delivery of the same event; see [`IdempotencyKey`].
    pub fn idempotency_key(&self) -> IdempotencyKey {
        *self.key.get_or_init(|| {
            IdempotencyKey::of(self.platform.name(), &self.event, !self.unproven().contains(Field::Kind))
        })
    }

    /// The body, byte for byte as it was sent. Beside a token ([`Trust::Bearer`]) it is not proven: what is, is in
    /// [`claims`](Self::claims).
    pub fn body(&self) -> &Bytes {
        self.event.document().body()
    }

    /// The claims of the token, where that is the proof: a JSON object. Values that open something by themselves are `null` in it.
    pub fn claims(&self) -> Option<&str> {
        self.event.document().claims()
    }

    /// The headers that the platform names as signed or decoded.
    pub fn headers(&self) -> &Headers {
        self.event.document().headers()
    }

    /// The body as the platform's own type, such as [`seismic::Callback`](crate::seismic::Callback); where a token is the proof, its
    /// claims. A byte order mark in front is skipped; [`body`](Self::body) has it still.
    ///
    /// # Errors
    /// When it does not have that shape. The message names a place, and may quote it: do not log it.
    pub fn payload<'d, T: Deserialize<'d>>(&'d self) -> Result<T, serde_json::Error> {
        let document = self.event.document();
        serde_json::from_str(document.claims().unwrap_or_else(|| document.text()))
    }

    /// The body beside a token, which nothing proves, as the platform's own type.
    ///
    /// # Errors
    /// As [`payload`](Self::payload).
    pub fn unauthenticated_payload<'d, T: Deserialize<'d>>(&'d self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.event.document().text())
    }

    /// The same, with the rejection in place of the error: what the adapters' typed extractors are made of.
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
