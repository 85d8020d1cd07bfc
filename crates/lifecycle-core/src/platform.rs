//! Platform: what a marketplace is to a verifier, as data: its proof, its acknowledgement, its decoding.

use std::time::Duration;

use crate::ack::Ack;
use crate::event::EventFields;
use crate::handshake::{Handshake, ReadHandshake};
use crate::head::HeaderNames;
use crate::platforms::standard_webhooks::Mapping;
#[cfg(feature = "public-key")]
use crate::public_key::KeySort;
#[cfg(feature = "public-key")]
use crate::public_scheme::PublicScheme;
use crate::rejection::Undecodable;
use crate::scheme::Scheme;
use crate::token_scheme::{Algorithm, TokenScheme};
use crate::verified_request::VerifiedRequest;

/// A marketplace: how it proves itself, what it takes as received and by when, and how its bodies read.
///
/// It is data, so an app can define its own platform in a `static`. That cannot weaken verification: the decoder only runs after
/// the proof, and marks each field that it reads from unproven bytes.
///
/// ```
/// use lifecycle_core::{
///     Ack, EventFields, EventKind, Field, IdempotencySource, Platform, Proof, Scheme, Undecodable, VerifiedRequest,
/// };
/// use std::borrow::Cow;
///
/// static ACME: Platform = Platform::new(
///     "acme",
///     Proof::Hmac(Scheme::new(&["x-acme-signature"]).with_prefix("sha256=")),
///     Ack::new(202).with_deadline(std::time::Duration::from_secs(10)),
///     decode,
/// )
/// .with_headers(&["x-acme-delivery"]);
///
/// fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
///     let mut fields = EventFields::new(EventKind::Other(request.body().into())); // which the signature covers
///     fields.request_id = request.unauthenticated_header("x-acme-delivery").map(Cow::Borrowed);
///     fields.unproven(Field::RequestId);
///     fields.identity = IdempotencySource::Document(fields.request_id.clone());
///     Ok(fields)
/// }
///
/// assert_eq!(ACME.ack().status(), 202);
/// ```
#[derive(Debug)]
pub struct Platform {
    name: &'static str,
    proof: Proof,
    ack: Ack,
    method: Method,
    headers: HeaderNames,
    attempt: AttemptTime,
    max_age: Option<Duration>,
    max_body: usize,
    activation: Activation,
    handshake: Option<ReadHandshake>,
    decoder: Decoder,
}

#[derive(Debug)]
enum Decoder {
    Function(Decode),
    Mapping(&'static Mapping),
}

/// Reads the fields of an event out of a verified request.
pub type Decode = for<'a> fn(&VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable>;

impl Platform {
    /// The most headers that a platform can name in all, so that a request's head is read without allocating.
    pub const MAX_HEADERS: usize = 8;

    /// The largest body that is taken unless the platform sends larger ones: 256 KiB. Callbacks usually have less than 1 KiB.
    pub const DEFAULT_MAX_BODY: usize = 256 * 1024;

    /// A platform with this name, proof, acknowledgement and decoding.
    pub const fn new(name: &'static str, proof: Proof, ack: Ack, decode: Decode) -> Self {
        Self::with(name, proof, ack, Decoder::Function(decode))
    }

    pub(crate) const fn mapped(
        name: &'static str,
        proof: Proof,
        ack: Ack,
        mapping: &'static Mapping,
    ) -> Self {
        Self::with(name, proof, ack, Decoder::Mapping(mapping))
    }

    const fn with(name: &'static str, proof: Proof, ack: Ack, decoder: Decoder) -> Self {
        Self {
            name,
            proof,
            ack,
            method: Method::Post,
            headers: proof.headers(),
            attempt: AttemptTime::Untold,
            max_age: None,
            max_body: Self::DEFAULT_MAX_BODY,
            activation: Activation::OnInstall,
            handshake: None,
            decoder,
        }
    }

    /// The method by which the platform sends its callbacks; POST by default. Any other is answered 405.
    #[must_use]
    pub const fn with_method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// The headers that decoding reads (names in lower case). They are kept with the delivery. Those that the scheme
    /// signs are kept anyway.
    ///
    /// # Panics
    /// At compile time in a `static`: with more than [`MAX_HEADERS`](Self::MAX_HEADERS) less those of the scheme.
    #[must_use]
    pub const fn with_headers(mut self, names: &'static [&'static str]) -> Self {
        self.headers = self.headers.decoded(names);
        self
    }

    /// Where the time of an attempt is found.
    #[must_use]
    pub const fn with_attempt_time(mut self, place: AttemptTime) -> Self {
        self.attempt = place;
        self
    }

    /// How old an attempt may be, where the vendor says so or its libraries enforce it.
    #[must_use]
    pub const fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// The largest body that the platform sends, in bytes.
    #[must_use]
    pub const fn with_max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// What makes an installation active.
    #[must_use]
    pub const fn with_activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// How the platform verifies a URL (handshake).
    #[must_use]
    pub const fn with_handshake(mut self, read: ReadHandshake) -> Self {
        self.handshake = Some(read);
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

    /// The headers that carry what proves a request, in lower case: signatures, or a token. None where it stands elsewhere.
    ///
    /// ```
    /// use lifecycle_core::{securityscorecard, seismic};
    ///
    /// assert_eq!(seismic::PLATFORM.proof_headers(), ["x-seismic-signature", "x-seismic-signature-old"]);
    /// assert!(securityscorecard::PLATFORM.proof_headers().is_empty());
    /// ```
    pub fn proof_headers(&self) -> &[&'static str] {
        self.header_names().of_proof()
    }

    /// What the platform takes as received.
    pub fn ack(&self) -> &Ack {
        &self.ack
    }

    /// The method by which the platform sends its callbacks.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Where the time of an attempt is found.
    pub fn attempt_time(&self) -> AttemptTime {
        self.attempt
    }

    /// How old an attempt may be by default; `None` where the vendor names no age.
    pub fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// The largest body that is taken by default, in bytes.
    pub fn max_body(&self) -> usize {
        self.max_body
    }

    /// What makes an installation active.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    pub(crate) fn decode<'a>(&self, request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
        match self.decoder {
            Decoder::Function(decode) => decode(request),
            Decoder::Mapping(mapping) => mapping.decode(request),
        }
    }

    pub(crate) fn handshake<'a>(
        &self,
        request: &VerifiedRequest<'a>,
    ) -> Result<Option<Handshake<'a>>, Undecodable> {
        self.handshake.map_or(Ok(None), |read| read(request))
    }

    /// The headers that are relevant.
    pub(crate) fn header_names(&self) -> &HeaderNames {
        &self.headers
    }
}

/// The method of a request.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Method {
    /// GET: what it tells is in its target.
    Get,
    /// POST.
    Post,
}

impl Method {
    /// As HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// How a platform proves that it is the sender.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Proof {
    /// By an HMAC-SHA256 under a secret that both sides know.
    Hmac(Scheme),
    /// By a signature that anybody can check and only the platform can make.
    #[cfg(feature = "public-key")]
    PublicKey(PublicScheme),
    /// By a token that the platform has signed.
    Token(TokenScheme),
    /// Not at all. The unguessable last segment of the URL is the only protection against strangers.
    UnguessableUrl,
}

impl Proof {
    const fn headers(&self) -> HeaderNames {
        match self {
            Self::Hmac(scheme) => scheme.header_names(),
            #[cfg(feature = "public-key")]
            Self::PublicKey(scheme) => scheme.header_names(),
            Self::Token(scheme) => scheme.header_names(),
            Self::UnguessableUrl => HeaderNames::NONE,
        }
    }

    /// Whether an RSA key of the platform's proves it, by RS256.
    pub fn uses_rsa(&self) -> bool {
        match self {
            #[cfg(feature = "public-key")]
            Self::PublicKey(scheme) => scheme.key_sort() == KeySort::Rsa,
            #[cfg(feature = "public-key")]
            Self::Token(scheme) => scheme.algorithm() == Algorithm::Rs256,
            _ => false,
        }
    }

    /// What it is verified with, in words.
    pub(crate) fn keys(&self) -> &'static str {
        match self {
            Self::Hmac(_) => "signing secrets",
            #[cfg(feature = "public-key")]
            Self::PublicKey(scheme) => scheme.key_sort().name(),
            Self::Token(scheme) => match scheme.algorithm() {
                Algorithm::Hs256 => "signing secrets",
                #[cfg(feature = "public-key")]
                Algorithm::Rs256 => KeySort::Rsa.name(),
            },
            Self::UnguessableUrl => "the token of an unguessable URL",
        }
    }
}

/// Where a platform says when it sent an attempt, for the maximum age. A retry has a later one, while the event's own time
/// ([`EventFields::occurred`]) stays.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AttemptTime {
    /// In [`EventFields::attempted`], which the decoder reads.
    Decoded,
    /// In the [field](crate::Part::Field) of the signature header with this name, in whole seconds since the Unix epoch.
    Field(&'static str),
    /// In this signed header, in whole seconds since the Unix epoch.
    Header(&'static str),
    /// In the claim `iat` of the token.
    IssuedAt,
    /// Nowhere that is proven.
    Untold,
}

/// What makes an installation active, so that a tenant's requests are served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// An enable, which follows the install.
    OnEnable,
    /// The install itself.
    OnInstall,
}
