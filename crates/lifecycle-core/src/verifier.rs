//! Verifier: what one URL receives, and how it is verified.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use crate::delivery::Delivery;
use crate::event::{EventFields, EventKind};
use crate::freshness;
use crate::head::{self, Head};
use crate::keys::{ConfigError, KeySource, Keys, Material};
use crate::platform::{AttemptTime, Method, Platform, Proof};
use crate::rejected_request::{RejectedRequest, RequestBody};
use crate::rejection::Rejection;
use crate::reply::Reply;
use crate::telemetry::{self, Warnings};
use crate::token_scheme::Audience;
use crate::unhandled::Unhandled;
use crate::verification::Verification;

/// What one URL receives: a platform, the keys that prove it, and what is expected of it. Cheap to clone. Make it once, not
/// for each request: it also remembers when it last warned of what.
///
/// An adapter calls [`begin`](Self::begin) with the head of a request, [`Verification::push`] with each chunk of the body,
/// [`Verification::look_up`] for keys that have to be found, and [`Verification::finish`] with the time. It calls
/// [`record`](Self::record) once, and answers with [`RequestOutcome::reply`].
///
/// ```
/// use lifecycle_core::{EventKind, Head, Inbound, Rejection, Secret, Verifier, seismic};
/// use std::time::SystemTime;
///
/// let secret = Secret::new("seismic-demo-signing-secret-1")?;
/// let body = br#"{"type":"install","appId":"a1","tenantId":"t1"}"#;
/// let signature = seismic::SCHEME.sign(&secret, &[], body);
/// let verifier = Verifier::new(&seismic::PLATFORM, secret, "a1")?;
///
/// let headers = [("x-seismic-signature", signature.as_bytes())];
/// let mut verification = verifier.begin(Head::new("POST", "/seismic", headers))?;
/// verification.push(body.to_vec().into())?;
/// let Inbound::Delivery(delivery) = verification.finish(SystemTime::now())? else { panic!("no handshake") };
/// assert_eq!(delivery.event().kind(), &EventKind::Install);
/// assert_eq!(delivery.event().tenant(), "t1");
///
/// let unsigned = verifier.begin(Head::new("POST", "/seismic", []));
/// assert_eq!(unsigned.unwrap_err().rejection, Rejection::MissingSignature);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Verifier(Arc<Settings>);

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) platform: &'static Platform,
    pub(crate) source: Source,
    pub(crate) max_body: usize,
    app: ExpectedApp,
    only: Option<EventKind>,
    max_age: Option<Duration>,
    timeout: Duration,
    warnings: Warnings,
}

#[derive(Clone)]
pub(crate) enum Source {
    Fixed(KeysHandle),
    LookUp(Arc<dyn KeySource>),
}

/// Which app the callbacks have to be about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ExpectedApp {
    /// Any: for a secret that serves one app only, or for an app that serves several.
    Any,
    /// The one with this id. A callback about another app is refused, as one secret may serve several of a vendor's apps. An
    /// event that names no app is taken to be about this one.
    Only(Box<str>),
}

impl From<&str> for ExpectedApp {
    fn from(id: &str) -> Self {
        Self::Only(id.into())
    }
}

impl From<String> for ExpectedApp {
    fn from(id: String) -> Self {
        Self::Only(id.into())
    }
}

/// Replaces the keys of a running verifier, such as when a vault rotates them. It and its clones share them.
#[derive(Clone)]
pub struct KeysHandle {
    platform: &'static Platform,
    keys: Arc<RwLock<Arc<Keys>>>,
}

impl KeysHandle {
    /// From now on, requests are verified with these keys. Those whose head is validated already keep the former.
    ///
    /// # Errors
    /// [`ConfigError::WrongKeys`]; then the former keys stay.
    pub fn replace(&self, keys: impl Into<Keys>) -> Result<(), ConfigError> {
        let keys = keys.into();
        keys.check(self.platform)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    fn get(&self) -> Arc<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for KeysHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeysHandle").field("platform", &self.platform.name()).finish_non_exhaustive()
    }
}

/// How a request ended, for its log event and the metrics.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum RequestOutcome<'o> {
    /// It was verified and answered with this status; `None` where the adapter does not get to see it.
    Answered(&'o Delivery, Option<u16>),
    /// It was a handshake, with this answer.
    Handshake(&'o Reply),
    /// It was rejected.
    Rejected(&'o RejectedRequest),
}

impl<'o> RequestOutcome<'o> {
    /// How a request ends whose delivery is acknowledged, if it is one.
    pub fn of(result: Result<&'o Delivery, &'o Unhandled>) -> Self {
        match result {
            Ok(delivery) => Self::Answered(delivery, Some(delivery.platform().ack().status())),
            Err(Unhandled::Handshake(reply)) => Self::Handshake(reply),
            Err(Unhandled::Rejected(rejected)) => Self::Rejected(rejected),
        }
    }

    /// The answer; for a delivery the acknowledgement.
    pub fn reply(&self) -> Reply {
        match self {
            Self::Answered(delivery, _) => delivery.platform().ack().reply(),
            Self::Handshake(reply) => (*reply).clone(),
            Self::Rejected(rejected) => rejected.reply(),
        }
    }
}

impl Verifier {
    /// The time from a request's head to its answer, unless [`with_timeout`](Self::with_timeout) says otherwise: 2.5 s, which
    /// leaves 0.5 s of Seismic's 3 s for the wire. Where a platform waits for less than 2.75 s, its deadline less 0.25 s.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_millis(2500);

    /// Verifies the callbacks of a platform with these keys: a [`Secret`](crate::Secret) or
    /// [`Secrets`](crate::Secrets), a [`PublicKey`](crate::PublicKey), or the [`HookToken`](crate::HookToken) of an unguessable
    /// URL, as the platform's [`Proof`] demands. The app is named by its id, or it is [`ExpectedApp::Any`].
    ///
    /// Where a token proves the URL, it is the last segment of the path of [`Head::target`], which is to be the whole one as
    /// it was sent. The adapters for axum (with the feature `axum`), actix-web and warp read the whole path, however routes
    /// are nested.
    ///
    /// # Errors
    /// [`ConfigError::WrongKeys`], [`ConfigError::UnsignedTime`]; [`ConfigError::AnyApp`] where the platform signs for all apps with
    /// one key.
    pub fn new(
        platform: &'static Platform,
        keys: impl Into<Keys>,
        app: impl Into<ExpectedApp>,
    ) -> Result<Self, ConfigError> {
        let keys = keys.into();
        keys.check(platform)?;
        let handle = KeysHandle { platform, keys: Arc::new(RwLock::new(Arc::new(keys))) };
        Self::with(platform, Source::Fixed(handle), app.into())
    }

    /// The same with keys that are found for each request.
    ///
    /// # Errors
    /// [`ConfigError::UnsignedTime`], [`ConfigError::AnyApp`]; [`ConfigError::WrongKeys`] for a platform that is proven by its URL
    /// alone.
    pub fn with_source(
        platform: &'static Platform,
        source: impl KeySource,
        app: impl Into<ExpectedApp>,
    ) -> Result<Self, ConfigError> {
        if matches!(platform.proof(), Proof::UnguessableUrl) {
            return Err(ConfigError::WrongKeys {
                platform: platform.name(),
                expected: platform.proof().keys(),
            });
        }
        Self::with(platform, Source::LookUp(Arc::new(source)), app.into())
    }

    /// Refuses other events, for a URL that is registered for one. The URL is not signed, so without this a callback
    /// that was captured at one URL can be replayed at another. It protects nothing where the platform's proof does not cover
    /// the kind ([`Delivery::proves`]).
    #[must_use]
    pub fn expect_event(mut self, kind: EventKind) -> Self {
        self.settings().only = Some(kind);
        self
    }

    /// The largest body that is taken, in bytes; [`Platform::max_body`] by default.
    #[must_use]
    pub fn with_max_body(mut self, bytes: usize) -> Self {
        self.settings().max_body = bytes;
        self
    }

    /// Refuses callbacks of which this attempt was sent longer ago than this, further ahead than this, or at no readable time.
    /// [`Platform::max_age`] by default, which is none where the vendor names none. 5 minutes is usual.
    ///
    /// # Errors
    /// [`ConfigError::UntoldTime`] where the platform sends no time of an attempt.
    pub fn with_max_age(mut self, age: Duration) -> Result<Self, ConfigError> {
        if self.platform().attempt_time() == AttemptTime::Untold {
            return Err(ConfigError::UntoldTime { platform: self.platform().name() });
        }
        self.settings().max_age = Some(age);
        Ok(self)
    }

    /// The time from a request's head to its answer. More than the platform's deadline is cut down to it.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        let deadline = self.platform().ack().deadline();
        self.settings().timeout = deadline.map_or(timeout, |deadline| timeout.min(deadline));
        self
    }

    /// The platform that it receives from.
    pub fn platform(&self) -> &'static Platform {
        self.0.platform
    }

    /// How long an adapter has from the head of a request to its answer, body and handler included.
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Replaces the keys while the app runs; `None` where a [`KeySource`] finds them.
    pub fn keys(&self) -> Option<KeysHandle> {
        match &self.0.source {
            Source::Fixed(handle) => Some(handle.clone()),
            Source::LookUp(_) => None,
        }
    }

    /// Validates the head of a request, before any of its body is read.
    ///
    /// # Errors
    /// [`Rejection::NotFound`], [`MethodNotAllowed`](Rejection::MethodNotAllowed),
    /// [`InvalidHeader`](Rejection::InvalidHeader), [`MissingSignature`](Rejection::MissingSignature),
    /// [`SignatureMismatch`](Rejection::SignatureMismatch) when none is well-formed,
    /// [`MissingToken`](Rejection::MissingToken), [`InvalidToken`](Rejection::InvalidToken) when no key could prove it,
    /// [`BodyTooLarge`](Rejection::BodyTooLarge).
    pub fn begin<'h>(
        &self,
        head: Head<'h, impl Iterator<Item = (&'h str, &'h [u8])>>,
    ) -> Result<Verification, RejectedRequest> {
        let keys = match &self.0.source {
            Source::Fixed(handle) => Some(handle.get()),
            Source::LookUp(_) => None,
        };
        if let Err(rejection) = admit(self.platform().method(), keys.as_deref(), head.method, head.target) {
            return Err(RejectedRequest { rejection, body: RequestBody::announced(head.headers) });
        }
        Verification::begin(&self.0, keys, head)
    }

    /// The log event and the metrics of a request: an adapter calls it once, when all is known. `elapsed` counts from the
    /// head; `now` only limits the warnings about what strangers cause (see [`telemetry`]).
    ///
    /// ```
    /// use lifecycle_core::{ExpectedApp, RequestOutcome, RejectedRequest, Secret, Verifier, seismic};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let verifier = Verifier::new(&seismic::PLATFORM, Secret::new("s3cr3t")?, ExpectedApp::Any)?;
    /// let late: RejectedRequest = verifier.platform().ack().late_body().into(); // so its body was not read to the end
    /// verifier.record(RequestOutcome::Rejected(&late), Duration::from_millis(2500), SystemTime::now());
    /// let reply = late.reply();
    /// assert_eq!(reply.status(), 408);
    /// assert!(reply.headers().any(|header| header == ("connection", "close")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn record(&self, outcome: RequestOutcome<'_>, elapsed: Duration, now: SystemTime) {
        match outcome {
            RequestOutcome::Answered(delivery, status) => telemetry::answered(delivery, status, elapsed),
            RequestOutcome::Handshake(_) => telemetry::handshake(self.platform(), elapsed),
            RequestOutcome::Rejected(rejected) => {
                telemetry::rejected(self.platform(), &rejected.rejection, elapsed, &self.0.warnings, now);
            }
        }
    }

    fn with(platform: &'static Platform, source: Source, app: ExpectedApp) -> Result<Self, ConfigError> {
        let is_signed = match (platform.attempt_time(), platform.proof()) {
            (AttemptTime::Header(name), _) => platform.header_names().is_signed(name),
            (AttemptTime::IssuedAt, proof) => matches!(proof, Proof::Token(_)),
            _ => true,
        };
        if !is_signed {
            return Err(ConfigError::UnsignedTime { platform: platform.name() });
        }
        let is_for_one =
            matches!(platform.proof(), Proof::Token(scheme) if scheme.audience() == Audience::OneApp);
        if is_for_one && app == ExpectedApp::Any {
            return Err(ConfigError::AnyApp { platform: platform.name() });
        }
        let settings = Settings {
            platform,
            source,
            app,
            only: None,
            max_body: platform.max_body(),
            max_age: platform.max_age(),
            timeout: Self::DEFAULT_TIMEOUT,
            warnings: Warnings::default(),
        };
        let on_the_wire = Duration::from_millis(250);
        let deadline = platform.ack().deadline().map(|deadline| deadline.saturating_sub(on_the_wire));
        let timeout = deadline.map_or(Self::DEFAULT_TIMEOUT, |deadline| deadline.min(Self::DEFAULT_TIMEOUT));
        Ok(Self(Arc::new(settings)).with_timeout(timeout))
    }

    fn settings(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.0)
    }
}

impl Settings {
    /// Which app the callbacks have to be about.
    pub(crate) fn app(&self) -> &ExpectedApp {
        &self.app
    }

    /// Whether an attempt is not too old, if an age is set.
    pub(crate) fn check_age(&self, attempted: Option<SystemTime>, now: SystemTime) -> Result<(), Rejection> {
        let Some(max_age) = self.max_age else { return Ok(()) };
        if attempted.is_some_and(|attempted| freshness::is_fresh(attempted, now, max_age)) {
            return Ok(());
        }
        Err(Rejection::Stale)
    }

    /// Whether the event is meant for this verifier, now. One that names no app is then about the expected one.
    pub(crate) fn expect(&self, fields: &mut EventFields<'_>, now: SystemTime) -> Result<(), Rejection> {
        if self.platform.attempt_time() == AttemptTime::Decoded {
            self.check_age(fields.attempted, now)?;
        }
        if let ExpectedApp::Only(app) = &self.app {
            if fields.app.is_empty() {
                fields.app = app.to_string().into();
            }
            if **app != *fields.app {
                return Err(Rejection::UnexpectedApp);
            }
        }
        if self.only.as_ref().is_some_and(|kind| *kind != fields.kind) {
            return Err(Rejection::UnexpectedEvent);
        }
        Ok(())
    }
}

/// What can be checked without the headers.
fn admit(expected: Method, keys: Option<&Keys>, method: &str, target: &str) -> Result<(), Rejection> {
    // The token first: a caller who does not know it must not learn what is accepted here.
    if let Some(Material::Token(token)) = keys.map(|keys| &keys.material) {
        let (path, _) = head::split(target);
        let last = path.rsplit('/').next().unwrap_or_default();
        if !token.matches(last) {
            return Err(Rejection::NotFound);
        }
    }
    if method != expected.as_str() {
        return Err(Rejection::MethodNotAllowed(expected));
    }
    Ok(())
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("platform", &self.0.platform.name())
            .field("app", &self.0.app)
            .field("only", &self.0.only)
            .field("max_body", &self.0.max_body)
            .field("max_age", &self.0.max_age)
            .field("timeout", &self.0.timeout)
            .finish_non_exhaustive()
    }
}
