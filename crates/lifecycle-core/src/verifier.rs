//! `Verifier`: what one URL receives, and how it answers.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::delivery::{Delivery, Trust};
use crate::event::{EventKind, LifecycleEvent};
use crate::freshness;
use crate::head::{Head, Headers};
use crate::platform::{Platform, Proof, SentAt};
use crate::rejected_request::{RejectedRequest, RequestBody};
use crate::rejection::Rejection;
use crate::reply::Reply;
use crate::secret::{HookToken, Secrets};
use crate::signature::{self, Candidates};
use crate::telemetry::{self, Warnings};
use crate::verification::Verification;

/// What one URL receives: a platform, the proof that it takes, and what it expects. Cheap to clone. Make it once, not
/// for each request: it also remembers when it last warned of what.
///
/// An adapter calls [`begin`](Self::begin) with the head of a request, [`Verification::push`] with each chunk of the body and
/// [`Verification::finish`] with the time, and gets a [`Delivery`] or a [`RejectedRequest`]. It hands either to
/// [`answer`](Self::answer), and converts the [`Reply`].
///
/// ```
/// use lifecycle_core::{EventKind, Head, Verifier, Rejection, Secret, seismic};
/// use std::time::SystemTime;
///
/// let secret = Secret::new("seismic-demo-signing-secret-1")?;
/// let body = br#"{"type":"install","appId":"a1","tenantId":"t1"}"#;
/// let signature = seismic::SCHEME.sign(&secret, &[], body);
/// let verifier = Verifier::new(&seismic::PLATFORM, secret).expect_app("a1");
///
/// let headers = [("x-seismic-signature", signature.as_bytes())];
/// let mut verification = verifier.begin(Head { method: "POST", path: "/seismic", headers: headers.into_iter() })?;
/// verification.push(body.to_vec().into())?;
/// let delivery = verification.finish(SystemTime::now())?;
/// assert_eq!(delivery.event().kind(), &EventKind::Install);
/// assert_eq!(delivery.event().tenant(), "t1");
///
/// let unsigned = Head { method: "POST", path: "/seismic", headers: std::iter::empty() };
/// assert_eq!(verifier.begin(unsigned).unwrap_err().rejection, Rejection::MissingSignature);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Verifier(Arc<Settings>);

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) platform: &'static Platform,
    pub(crate) max_body: usize,
    credential: Credential,
    app: Option<String>,
    only: Option<EventKind>,
    max_age: Option<Duration>,
    timeout: Duration,
    warnings: Warnings,
}

#[derive(Clone)]
enum Credential {
    Secrets(Secrets),
    Token(HookToken),
}

impl Verifier {
    /// The largest body that is taken unless [`with_max_body`](Self::with_max_body) says otherwise: 256 KiB. Callbacks have
    /// less than 1 KiB.
    pub const DEFAULT_MAX_BODY: usize = 256 * 1024;

    /// The time from a request's head to its answer, unless [`with_timeout`](Self::with_timeout) says otherwise: 2.5 s, which
    /// leaves 0.5 s of Seismic's 3 s for the wire.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_millis(2500);

    /// Receives from a platform that signs its callbacks.
    ///
    /// # Panics
    /// When the platform signs nothing: then nothing would be verified. See [`unsigned`](Self::unsigned).
    pub fn new(platform: &'static Platform, secrets: impl Into<Secrets>) -> Self {
        assert!(matches!(platform.proof(), Proof::Hmac(_)), "{} signs nothing", platform.name());
        Self::with(platform, Credential::Secrets(secrets.into()))
    }

    /// Receives from a platform that signs nothing, on a URL whose last path segment is an unguessable token.
    ///
    /// The token is read from the path that [`Head`] has, which is to be the whole one as it was sent: a router that takes
    /// a prefix away can take the token with it, and then every request is answered 404. The adapters for axum (with the
    /// feature `axum`), actix-web and warp read the whole path, however routes are nested.
    ///
    /// # Panics
    /// When the platform does sign: its signature is the better proof.
    pub fn unsigned(platform: &'static Platform, token: HookToken) -> Self {
        assert!(matches!(platform.proof(), Proof::Unsigned), "{} signs its callbacks", platform.name());
        Self::with(platform, Credential::Token(token))
    }

    /// Refuses callbacks about another app. Set it: one secret may serve several of a vendor's apps. An event that
    /// names no app is taken to be about this one; a platform's own decoding says which events have to name one.
    #[must_use]
    pub fn expect_app(mut self, id: impl Into<String>) -> Self {
        self.settings().app = Some(id.into());
        self
    }

    /// Refuses other events, for a URL that is registered for one. The URL is not signed, so without this a callback
    /// that was captured at one URL can be replayed at another.
    #[must_use]
    pub fn expect_event(mut self, kind: EventKind) -> Self {
        self.settings().only = Some(kind);
        self
    }

    /// The largest body that is taken, in bytes.
    #[must_use]
    pub fn with_max_body(mut self, bytes: usize) -> Self {
        self.settings().max_body = bytes;
        self
    }

    /// Refuses callbacks that were sent longer ago than this, further ahead than this, or at no readable time. Off by
    /// default: no platform documents how far its clock or its queue may be off. 5 minutes is usual elsewhere.
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.settings().max_age = Some(age);
        self
    }

    /// The time from a request's head to its answer. More than the platform's deadline is cut down to it.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        let deadline = self.platform().ack().deadline_after();
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

    /// Judges the head of a request, before any of its body is read.
    ///
    /// # Errors
    /// [`Rejection::NotFound`], [`MethodNotAllowed`](Rejection::MethodNotAllowed),
    /// [`InvalidHeader`](Rejection::InvalidHeader), [`MissingSignature`](Rejection::MissingSignature),
    /// [`SignatureMismatch`](Rejection::SignatureMismatch) when none is well-formed,
    /// [`BodyTooLarge`](Rejection::BodyTooLarge).
    pub fn begin<'h>(
        &self,
        head: Head<'h, impl Iterator<Item = (&'h str, &'h [u8])>>,
    ) -> Result<Verification, RejectedRequest> {
        if let Err(rejection) = self.admit(head.method, head.path) {
            return Err(RejectedRequest { rejection, body: RequestBody::announced(head.headers) });
        }
        Verification::begin(&self.0, head.headers)
    }

    /// The answer to a request, and its one log event: an adapter calls it once, when all is known. `elapsed` counts
    /// from the head; `now` only limits the warnings about what strangers cause (see [`telemetry`]).
    ///
    /// ```
    /// use lifecycle_core::{Verifier, Rejection, Secret, seismic};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let verifier = Verifier::new(&seismic::PLATFORM, Secret::new("s3cr3t")?);
    /// let late = Rejection::BodyTimeout.into(); // so its body was not read to the end
    /// let reply = verifier.answer(Err(&late), Duration::from_millis(2500), SystemTime::now());
    /// assert_eq!(reply.status(), 408);
    /// assert!(reply.headers().any(|header| header == ("connection", "close")));
    /// # Ok::<(), lifecycle_core::SecretError>(())
    /// ```
    pub fn answer(
        &self,
        outcome: Result<&Delivery, &RejectedRequest>,
        elapsed: Duration,
        now: SystemTime,
    ) -> Reply {
        match outcome {
            Ok(delivery) => {
                let status = self.platform().ack().success();
                self.answered_by_route(delivery, status, elapsed);
                Reply::empty(status)
            }
            Err(rejected) => {
                telemetry::rejected(self.platform(), &rejected.rejection, elapsed, &self.0.warnings, now);
                rejected.reply()
            }
        }
    }

    /// The log event of a verified callback that the app's own route answers: with this status, or with one that the
    /// adapter does not get to see (`None`).
    pub fn answered_by_route(&self, delivery: &Delivery, status: impl Into<Option<u16>>, elapsed: Duration) {
        telemetry::answered(delivery, status.into(), elapsed);
    }

    /// What can be told without the headers.
    fn admit(&self, method: &str, path: &str) -> Result<(), Rejection> {
        // The token first: whoever does not know it is not told that there is something that takes a POST.
        if let Credential::Token(token) = &self.0.credential {
            let last = path.rsplit('/').next().unwrap_or_default();
            if !token.matches(last) {
                return Err(Rejection::NotFound);
            }
        }
        if method != "POST" {
            return Err(Rejection::MethodNotAllowed);
        }
        Ok(())
    }

    fn with(platform: &'static Platform, credential: Credential) -> Self {
        let settings = Settings {
            platform,
            credential,
            app: None,
            only: None,
            max_body: Self::DEFAULT_MAX_BODY,
            max_age: None,
            timeout: Self::DEFAULT_TIMEOUT,
            warnings: Warnings::default(),
        };
        Self(Arc::new(settings)).with_timeout(Self::DEFAULT_TIMEOUT)
    }

    fn settings(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.0)
    }
}

impl Settings {
    /// Whether the bytes are proven, and by what.
    pub(crate) fn prove(
        &self,
        candidates: &Candidates,
        kept: &Headers,
        body: &[u8],
        now: SystemTime,
    ) -> Result<Trust, Rejection> {
        match (self.platform.proof(), &self.credential) {
            (Proof::Hmac(scheme), Credential::Secrets(secrets)) => {
                let header = |name: &str| kept.get(name).unwrap_or_default().as_bytes();
                signature::verify(scheme, secrets, now, candidates, header, body)
            }
            (Proof::Unsigned, Credential::Token(_)) => Ok(Trust::Unsigned), // the token was compared in `open`
            _ => Err(Rejection::SignatureMismatch),                         // the constructors rule it out
        }
    }

    /// Whether the event is meant for this verifier, now. One that names no app is then about the expected one.
    pub(crate) fn expect(
        &self,
        event: &mut LifecycleEvent,
        kept: &Headers,
        now: SystemTime,
    ) -> Result<(), Rejection> {
        if let Some(max_age) = self.max_age {
            let sent = match self.platform.time_place() {
                SentAt::Event => event.sent_time(),
                SentAt::UnixHeader(name) => kept.get(name).and_then(freshness::parse_unix_seconds),
            };
            if !sent.is_some_and(|sent| freshness::is_fresh(sent, now, max_age)) {
                return Err(Rejection::Stale);
            }
        }
        if let Some(app) = &self.app {
            event.set_app_if_untold(app);
            if app != event.app() {
                return Err(Rejection::UnexpectedApp);
            }
        }
        if self.only.as_ref().is_some_and(|kind| kind != event.kind()) {
            return Err(Rejection::UnexpectedEvent);
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Secret, seismic};
    use bytes::Bytes;

    const BODY: &[u8] =
        br#"{"type":"install","appId":"a","tenantId":"t","timestamp":"2020-09-01T08:45:42Z"}"#;

    fn secret(text: &str) -> Secret {
        Secret::new(text).unwrap()
    }

    fn open(verifier: &Verifier, headers: &[(&str, &str)]) -> Result<Verification, RejectedRequest> {
        let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        verifier.begin(Head { method: "POST", path: "/seismic", headers })
    }

    fn signed(verifier: &Verifier, body: &[u8]) -> Verification {
        let signature = seismic::SCHEME.sign(&secret("s"), &[], body);
        open(verifier, &[("X-Seismic-Signature", &signature)]).unwrap()
    }

    #[test]
    fn a_secret_outside_its_time_proves_nothing() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let retired = crate::SigningSecret::new("old", &secret("s")).not_after(now);
        let verifier = Verifier::new(&seismic::PLATFORM, retired);
        let finish = |at| {
            let mut verification = signed(&verifier, BODY);
            verification.push(Bytes::from_static(BODY)).unwrap();
            verification.finish(at).map(|delivery| delivery.trust().clone())
        };
        assert!(finish(now).is_ok());
        let rejected = finish(now + Duration::from_secs(1)).unwrap_err();
        assert_eq!(rejected, RejectedRequest::after_body(Rejection::SignatureMismatch));
    }

    #[test]
    fn a_stale_callback_is_refused_only_after_its_proof() {
        let sent = SystemTime::UNIX_EPOCH + Duration::from_secs(1_598_949_942);
        let verifier = Verifier::new(&seismic::PLATFORM, secret("s")).with_max_age(Duration::from_secs(300));
        let finish = |key: &str, at| {
            let signature = seismic::SCHEME.sign(&secret(key), &[], BODY);
            let mut verification = open(&verifier, &[("x-seismic-signature", &signature)]).unwrap();
            verification.push(Bytes::from_static(BODY)).unwrap();
            verification.finish(at).map(drop).map_err(Rejection::from)
        };
        assert_eq!(finish("s", sent + Duration::from_secs(300)), Ok(()));
        assert_eq!(finish("s", sent + Duration::from_secs(301)), Err(Rejection::Stale));
        assert_eq!(finish("s", sent - Duration::from_secs(301)), Err(Rejection::Stale));
        assert_eq!(finish("forged", sent + Duration::from_secs(301)), Err(Rejection::SignatureMismatch));
    }

    fn finish(verifier: &Verifier, body: &'static [u8]) -> Result<Delivery, Rejection> {
        let mut verification = signed(verifier, body);
        verification.push(Bytes::from_static(body))?;
        verification.finish(SystemTime::UNIX_EPOCH).map_err(|rejected| rejected.rejection)
    }

    #[test]
    fn an_expected_app_refuses_a_different_one_and_stands_in_for_none() {
        let any = Verifier::new(&seismic::PLATFORM, secret("s"));
        let expecting = any.clone().expect_app("a");
        let told: &[u8] = br#"{"type":"key-rotated","appId":"a","requestId":"r"}"#;
        for untold in [
            br#"{"type":"key-rotated","requestId":"r"}"#.as_slice(),
            br#"{"type":"key-rotated","requestId":"r","appId":""}"#,
            br#"{"type":"key-rotated","requestId":"r","appId":7}"#,
        ] {
            let delivery = finish(&expecting, untold).unwrap();
            assert_eq!(delivery.event().app(), "a");
            assert_eq!(delivery.idempotency_key(), finish(&expecting, told).unwrap().idempotency_key());
            assert_eq!(finish(&any, untold).unwrap().event().app(), "");
        }
        let other = br#"{"type":"key-rotated","appId":"b"}"#;
        assert_eq!(finish(&expecting, other).unwrap_err(), Rejection::UnexpectedApp);
        let known = finish(&expecting, br#"{"type":"install","tenantId":"t"}"#).unwrap_err();
        assert_eq!(known, Rejection::Undecodable(crate::Undecodable::Missing("appId")));
    }

    #[test]
    fn a_byte_order_mark_is_signed_and_kept_and_not_read() {
        let verifier = Verifier::new(&seismic::PLATFORM, secret("s"));
        let marked = b"\xef\xbb\xbf{\"type\":\"install\",\"appId\":\"a\",\"tenantId\":\"t\"}";
        let delivery = finish(&verifier, marked).unwrap();
        assert_eq!((delivery.event().app(), delivery.event().tenant()), ("a", "t"));
        assert_eq!(delivery.body(), marked.as_slice());
        assert_eq!(delivery.payload::<seismic::Callback>().unwrap().tenant_id.as_deref(), Some("t"));

        let unmarked = finish(&verifier, &marked[3..]).unwrap();
        assert_ne!(delivery.idempotency_key(), unmarked.idempotency_key(), "a digest is over the raw bytes");
        let mut forged = signed(&verifier, &marked[3..]);
        forged.push(Bytes::from_static(marked)).unwrap();
        assert_eq!(forged.finish(SystemTime::now()).unwrap_err().rejection, Rejection::SignatureMismatch);
        let twice = finish(&verifier, b"\xef\xbb\xbf\xef\xbb\xbf{}").unwrap_err();
        assert!(matches!(twice, Rejection::Undecodable(_)), "one is a mark, two are no JSON");
    }

    #[test]
    fn whoever_does_not_know_the_token_is_not_told_which_method_is_right() {
        let token = HookToken::new("0123456789abcdef0123456789abcdef").unwrap();
        let hook = Verifier::unsigned(&crate::securityscorecard::PLATFORM, token);
        for method in ["GET", "HEAD", "PUT", "OPTIONS", "POST"] {
            let open = |path| {
                let opened = hook.begin(Head { method, path, headers: std::iter::empty() });
                opened.map(drop).map_err(|rejected| rejected.rejection)
            };
            let reply = open("/hook/0123456789abcdef0123456789abcdee").unwrap_err().reply();
            assert_eq!(reply, Reply::empty(404), "{method}");
            let right = open("/hook/0123456789abcdef0123456789abcdef");
            assert_eq!(right, if method == "POST" { Ok(()) } else { Err(Rejection::MethodNotAllowed) });
        }
    }

    #[test]
    fn a_refusal_by_the_head_tells_whether_a_body_was_left_unread() {
        type Lines<'l> = &'l [(&'l str, &'l str)];
        let hook = HookToken::new("hook-token-0123456789abcdef").unwrap();
        let hook = Verifier::unsigned(&crate::securityscorecard::PLATFORM, hook);
        let seismic = Verifier::new(&seismic::PLATFORM, secret("s")).with_max_body(10);
        let ambiguous = [("x-seismic-signature", "aa"), ("x-seismic-signature", "bb")];
        let cases: [(&Verifier, &str, Lines<'_>); 6] = [
            (&seismic, "GET", &[]),
            (&hook, "POST", &[]),
            (&seismic, "POST", &[]),
            (&seismic, "POST", &ambiguous),
            (&seismic, "POST", &[("x-seismic-signature", "\u{e9}")]),
            (&seismic, "POST", &[("x-seismic-signature", "aa")]),
        ];
        for (verifier, method, lines) in cases {
            for (announced, body) in [
                (&[][..], RequestBody::Read),
                (&[("Content-Length", "0")], RequestBody::Read),
                (&[("Content-Length", "11")], RequestBody::Unread),
                (&[("Transfer-Encoding", "chunked")], RequestBody::Unread),
            ] {
                // Behind the lines that decide, where reading them could have stopped.
                let headers = lines.iter().chain(announced).map(|(name, value)| (*name, value.as_bytes()));
                let rejected = verifier.begin(Head { method, path: "/x", headers }).unwrap_err();
                assert_eq!(rejected.body, body, "{method} {lines:?} {announced:?}");
            }
        }
        let signature = seismic::SCHEME.sign(&secret("s"), &[], BODY);
        let too_large = [("x-seismic-signature", signature.as_str()), ("content-length", "11")];
        assert_eq!(open(&seismic, &too_large).unwrap_err(), Rejection::BodyTooLarge.into());
    }

    #[test]
    fn a_timeout_beyond_the_platforms_deadline_is_cut() {
        let verifier = Verifier::new(&seismic::PLATFORM, secret("s"));
        assert_eq!(verifier.timeout(), Verifier::DEFAULT_TIMEOUT);
        assert_eq!(verifier.with_timeout(Duration::from_secs(60)).timeout(), Duration::from_secs(3));
    }

    #[test]
    #[should_panic(expected = "signs nothing")]
    fn an_unsigned_platform_cannot_pass_for_a_signed_one() {
        drop(Verifier::new(&crate::securityscorecard::PLATFORM, secret("s")));
    }

    #[test]
    fn debug_shows_no_secret() {
        let verifier = Verifier::new(&seismic::PLATFORM, secret("hunter2"));
        let shown =
            format!("{verifier:?} {:?}", signed(&Verifier::new(&seismic::PLATFORM, secret("s")), BODY));
        assert!(!shown.contains("hunter2") && !shown.contains("tenantId"), "{shown}");
    }
}
