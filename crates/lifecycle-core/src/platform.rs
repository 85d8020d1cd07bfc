//! Platform: what a marketplace is to a verifier, as data: its proof, its acknowledgement, its decoding.

use std::time::Duration;

use crate::event::EventFields;
use crate::head::{HeaderNames, Headers};
use crate::rejection::Undecodable;
use crate::signature::Scheme;

/// A marketplace: how it proves itself, what it takes as received and by when, and how its bodies read.
///
/// It is data, so an app can define a platform of its own in a `static`. It cannot weaken verification: its decoder
/// only ever sees bytes that are proven.
///
/// ```
/// use lifecycle_core::{AckPolicy, VerifiedRequest, EventFields, EventKind, Platform, Scheme, Undecodable};
/// use std::borrow::Cow;
///
/// static GITHUB: Platform = Platform::signed(
///     "github",
///     Scheme::new(&["x-hub-signature-256"]).prefix("sha256="),
///     AckPolicy::new(202).deadline(std::time::Duration::from_secs(10)),
///     decode,
/// )
/// .headers(&["x-github-event", "x-github-delivery"]);
///
/// fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
///     let event = request.header("x-github-event").ok_or(Undecodable::Missing("x-github-event"))?;
///     let mut fields = EventFields::new(EventKind::Other(event.into()));
///     fields.request_id = request.header("x-github-delivery").map(Cow::Borrowed);
///     Ok(fields)
/// }
///
/// assert_eq!(GITHUB.ack().success(), 202);
/// ```
#[derive(Debug)]
pub struct Platform {
    name: &'static str,
    proof: Proof,
    ack: AckPolicy,
    headers: HeaderNames,
    sent_at: SentAt,
    decode: Decode,
}

/// Reads the fields of an event out of proven bytes.
pub type Decode = for<'a> fn(&VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable>;

impl Platform {
    /// The most headers that a platform can name in all, so that a request's head is read without allocating.
    pub const MAX_HEADERS: usize = 8;

    /// A platform that signs its callbacks.
    pub const fn signed(name: &'static str, scheme: Scheme, ack: AckPolicy, decode: Decode) -> Self {
        Self::with(name, Proof::Hmac(scheme), ack, decode)
    }

    /// A platform that signs nothing: its URL must be unguessable, and its deliveries are labelled
    /// [`Trust::Unsigned`](crate::Trust::Unsigned).
    pub const fn unsigned(name: &'static str, ack: AckPolicy, decode: Decode) -> Self {
        Self::with(name, Proof::Unsigned, ack, decode)
    }

    /// The headers that decoding reads (names in lower case). They are kept with the delivery. Those that the scheme
    /// signs are kept anyway.
    ///
    /// # Panics
    /// At compile time in a `static`: with more than [`MAX_HEADERS`](Self::MAX_HEADERS) less those of the scheme.
    #[must_use]
    pub const fn headers(mut self, names: &'static [&'static str]) -> Self {
        self.headers = self.proof.headers().kept(names);
        self
    }

    /// Where the time of sending stands; by default in the event.
    #[must_use]
    pub const fn sent_at(mut self, place: SentAt) -> Self {
        self.sent_at = place;
        self
    }

    /// The name, as logs and stores show it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How the platform proves that it is the sender.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// What the platform takes as received.
    pub fn ack(&self) -> &AckPolicy {
        &self.ack
    }

    pub(crate) fn time_place(&self) -> SentAt {
        self.sent_at
    }

    pub(crate) fn decode<'a>(&self, request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
        (self.decode)(request)
    }

    /// The headers that count.
    pub(crate) fn header_names(&self) -> &HeaderNames {
        &self.headers
    }

    const fn with(name: &'static str, proof: Proof, ack: AckPolicy, decode: Decode) -> Self {
        Self { name, proof, ack, headers: proof.headers(), sent_at: SentAt::Event, decode }
    }
}

/// How a platform proves that it is the sender.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Proof {
    /// By an HMAC under a secret that both sides know.
    Hmac(Scheme),
    /// Not at all. Only an unguessable URL stands between a stranger and a delivery.
    Unsigned,
}

impl Proof {
    const fn headers(&self) -> HeaderNames {
        match self {
            Self::Hmac(scheme) => scheme.header_names(),
            Self::Unsigned => HeaderNames::NONE,
        }
    }
}

/// What a platform takes as received, and by when.
///
/// ```
/// use lifecycle_core::seismic;
/// use std::time::Duration;
///
/// let ack = seismic::PLATFORM.ack();
/// assert_eq!((ack.success(), ack.deadline_after()), (202, Some(Duration::from_secs(3))));
/// assert!(ack.failure_blocks_action());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AckPolicy {
    success: u16,
    deadline: Option<Duration>,
    blocks: bool,
}

impl AckPolicy {
    /// Acknowledges with this status; no deadline is known.
    pub const fn new(success: u16) -> Self {
        Self { success, deadline: None, blocks: false }
    }

    /// The platform gives up on an answer after this time, counted from when it sends.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// An answer that is late or not the acknowledgement blocks the action of the administrator who waits for it.
    #[must_use]
    pub const fn failure_blocks(mut self) -> Self {
        self.blocks = true;
        self
    }

    /// The status that acknowledges: also for a duplicate and for an unknown kind of event.
    pub fn success(&self) -> u16 {
        self.success
    }

    /// How long the platform waits for the answer; `None` where it does not say.
    pub fn deadline_after(&self) -> Option<Duration> {
        self.deadline
    }

    /// Whether a late or other answer blocks the action of the administrator who waits for it.
    pub fn failure_blocks_action(&self) -> bool {
        self.blocks
    }
}

/// Where a platform says when it sent a callback, for the maximum age.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SentAt {
    /// In [`EventFields::sent_at`], in RFC 3339.
    Event,
    /// In this header, in whole seconds since the Unix epoch. Name it among the signed parts, or it proves nothing.
    UnixHeader(&'static str),
}

/// The bytes of a request whose proof has passed. Only a [`Verifier`](crate::Verifier) makes one.
#[derive(Clone, Copy)]
pub struct VerifiedRequest<'a> {
    text: &'a str,
    headers: &'a Headers,
}

impl<'a> VerifiedRequest<'a> {
    pub(crate) fn new(text: &'a str, headers: &'a Headers) -> Self {
        Self { text, headers }
    }

    /// The body, which is UTF-8, without a byte order mark in front.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// A header that the platform names; the name in lower case. Only those among the signed parts are proven.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)
    }
}

impl std::fmt::Debug for VerifiedRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedRequest").field("length", &self.text.len()).finish_non_exhaustive()
    }
}
