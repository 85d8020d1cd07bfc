//! Verification: one request that is being verified, from its head to a `Delivery` or a rejection.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use hmac::Hmac;
use sha2::Sha256;

use crate::claims::Claims;
use crate::delivery::Delivery;
use crate::document::Document;
use crate::event::Fields;
use crate::freshness;
use crate::head::{CheckedHead, Head};
use crate::jws::Jws;
use crate::keys::{KeyHint, KeyLookup, Keys, KeysUnavailable, Material};
use crate::platform::{AttemptTime, Proof};
use crate::rejected_request::RejectedRequest;
use crate::rejection::{Rejection, Undecodable};
use crate::reply::Reply;
use crate::secret::KeyName;
use crate::signature;
use crate::token_scheme::{self, TokenPlace, TokenScheme};
use crate::trust::Trust;
use crate::unhandled::Unhandled;
use crate::verified_request::VerifiedRequest;
use crate::verifier::{Settings, Source};

/// What a verified request is. The enum is exhaustive, so that no adapter forgets a variant.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "almost all are deliveries, and a box would cost each an allocation"
)]
pub enum Inbound {
    /// A delivery of an event.
    Delivery(Delivery),
    /// The platform verifies the URL: this is the answer. No handler sees it.
    Handshake(Reply),
}

impl Inbound {
    /// The delivery; a handshake is [unhandled](Unhandled::Handshake).
    pub fn delivery(self) -> Result<Delivery, Unhandled> {
        match self {
            Self::Delivery(delivery) => Ok(delivery),
            Self::Handshake(reply) => Err(Unhandled::Handshake(reply)),
        }
    }
}

/// One request that is being verified: its head is validated, its body still comes.
pub struct Verification {
    settings: Arc<Settings>,
    head: CheckedHead,
    body: Body,
    keys: Held,
}

/// A body in one piece is kept as it came; only a second piece makes a buffer necessary.
enum Body {
    Empty,
    Whole(Bytes),
    Pieces(BytesMut),
}

/// The keys to prove the request with.
enum Held {
    Given(Arc<Keys>),
    /// To be looked up.
    Wanted,
    Unknown,
    Unavailable,
}

impl Verification {
    pub(crate) fn begin<'h>(
        settings: &Arc<Settings>,
        keys: Option<Arc<Keys>>,
        head: Head<'h, impl Iterator<Item = (&'h str, &'h [u8])>>,
    ) -> Result<Self, RejectedRequest> {
        let mut verification = Self {
            settings: settings.clone(),
            head: CheckedHead::new(settings.platform),
            body: Body::Empty,
            keys: keys.map_or(Held::Wanted, Held::Given),
        };
        verification.head.read(settings.platform, head, settings.app())?;
        if verification.head.declared > settings.max_body {
            return Err(Rejection::BodyTooLarge.into());
        }
        Ok(verification)
    }

    /// Takes a chunk of the body.
    ///
    /// # Errors
    /// [`Rejection::BodyTooLarge`] as soon as the cap is passed.
    #[inline]
    pub fn push(&mut self, chunk: Bytes) -> Result<(), RejectedRequest> {
        if chunk.is_empty() {
            return Ok(());
        }
        let length = match &self.body {
            Body::Empty => 0,
            Body::Whole(first) => first.len(),
            Body::Pieces(pieces) => pieces.len(),
        };
        if chunk.len() > self.settings.max_body - length {
            return Err(Rejection::BodyTooLarge.into());
        }
        self.body = match std::mem::replace(&mut self.body, Body::Empty) {
            Body::Empty => Body::Whole(chunk),
            Body::Whole(first) => {
                // The declared length was compared with the cap, so an untrue one cannot make it allocate more than that.
                let mut pieces = BytesMut::with_capacity(self.head.declared.max(first.len() + chunk.len()));
                pieces.extend_from_slice(&first);
                pieces.extend_from_slice(&chunk);
                Body::Pieces(pieces)
            }
            Body::Pieces(mut pieces) => {
                pieces.extend_from_slice(&chunk);
                Body::Pieces(pieces)
            }
        };
        Ok(())
    }

    /// The keys to await, where a [`KeySource`](crate::KeySource) has to find them; to be asked after the last chunk. `None`
    /// where the keys are fixed or at hand, and where no key could prove the token that is the body. Await it within the time that is left, and give its answer to
    /// [`supply`](Self::supply).
    pub fn look_up(&mut self) -> Option<KeyLookup> {
        if !matches!((&self.settings.source, &self.keys), (Source::LookUp(_), Held::Wanted)) {
            return None;
        }
        if self.read_token().is_err() {
            self.keys = Held::Unknown; // nobody is asked for keys that can prove nothing
            return None;
        }
        let Source::LookUp(source) = &self.settings.source else { return None };
        let hint = KeyHint::new(self.head.headers.clone(), self.head.jws.as_deref());
        if let Some(keys) = source.cached(&hint) {
            self.supply(Ok(Some(keys)));
            return None;
        }
        let source = source.clone();
        Some(Box::pin(async move { source.find(&hint).await }))
    }

    /// The keys that were found, `None` when there are none for this request.
    pub fn supply(&mut self, found: Result<Option<Keys>, KeysUnavailable>) {
        self.keys = match found {
            // Keys of another sort would prove nothing: the source is at fault, not the sender.
            Ok(Some(keys)) if keys.check(self.settings.platform).is_err() => Held::Unavailable,
            Ok(Some(keys)) => Held::Given(Arc::new(keys)),
            Ok(None) => Held::Unknown,
            Err(KeysUnavailable) => Held::Unavailable,
        };
    }

    /// Verifies the whole: the proof first, over the raw bytes; then when they were sent, whether they are a handshake, what
    /// they say, and whether they are meant for this verifier.
    ///
    /// # Errors
    /// [`Rejection::SignatureMismatch`], for a token [`InvalidToken`](Rejection::InvalidToken);
    /// [`KeysUnavailable`](Rejection::KeysUnavailable), also where keys had to be looked up and were not supplied, [`Stale`](Rejection::Stale), [`Undecodable`](Rejection::Undecodable),
    /// [`Contradiction`](Rejection::Contradiction), [`UnexpectedApp`](Rejection::UnexpectedApp),
    /// [`UnexpectedEvent`](Rejection::UnexpectedEvent).
    #[inline]
    pub fn finish(self, now: SystemTime) -> Result<Inbound, RejectedRequest> {
        self.verify(now).map_err(RejectedRequest::after_body)
    }

    #[inline]
    fn verify(mut self, now: SystemTime) -> Result<Inbound, Rejection> {
        self.read_token()?;
        let body = match std::mem::replace(&mut self.body, Body::Empty) {
            Body::Empty => Bytes::new(),
            Body::Whole(whole) => whole,
            Body::Pieces(pieces) => pieces.freeze(),
        };
        let keys = match std::mem::replace(&mut self.keys, Held::Unknown) {
            Held::Given(keys) => keys,
            Held::Unknown => return Err(self.unknown_keys()),
            Held::Unavailable | Held::Wanted => return Err(Rejection::KeysUnavailable),
        };
        let proven = self.prove(&keys, &body, now)?;
        self.check_attempt(now)?;

        let platform = self.settings.platform;
        let claims = self.head.jws.as_deref().and_then(Jws::claims).map(Claims::text).cloned();
        let document = Document::new(body, self.head.headers, claims).map_err(Rejection::Undecodable)?;
        let path = self.head.path.as_deref().unwrap_or_default();
        let request = VerifiedRequest::new(&document, keys.owner(), path);
        if let Some(handshake) = platform.handshake(&request).map_err(rejection)? {
            return handshake.reply(platform, proven.keyed).map(Inbound::Handshake);
        }
        let mut fields = platform.decode(&request).map_err(rejection)?;
        self.settings.expect(&mut fields, now)?;
        let fields = Fields::of(fields, &document);
        Ok(Inbound::Delivery(Delivery::new(platform, document, fields, proven.trust, now)))
    }

    /// Whether the bytes are proven, and by what.
    fn prove<'k>(&self, keys: &'k Keys, body: &[u8], now: SystemTime) -> Result<Proven<'k>, Rejection> {
        let header = |name: &str| self.head.headers.get(name).unwrap_or_default().as_bytes();
        match (self.settings.platform.proof(), &keys.material) {
            (Proof::Hmac(scheme), Material::Secrets(secrets)) => {
                let (secret, header) =
                    signature::verify(scheme, secrets, now, &self.head.presented, header, body)?;
                let trust = Trust::Signed { secret: secret.name().clone(), header: Cow::Borrowed(header) };
                Ok(Proven { trust, keyed: Some(secret.keyed()) })
            }
            #[cfg(feature = "public-key")]
            (Proof::PublicKey(scheme), Material::Public(keys)) => {
                let jws = self.head.jws.as_deref();
                let (key, header) = scheme.verify(keys, &self.head.presented, jws, header, body)?;
                let trust = Trust::PublicKey { key: key.clone(), header: Cow::Borrowed(header) };
                Ok(Proven { trust, keyed: None })
            }
            (Proof::Token(scheme), material) => {
                let trust = Trust::Bearer { key: self.prove_token(scheme, material, now)? };
                Ok(Proven { trust, keyed: None })
            }
            // The token was compared in `begin`.
            (Proof::UnguessableUrl, Material::Token(_)) => {
                Ok(Proven { trust: Trust::UnguessableUrl, keyed: None })
            }
            _ => Err(Rejection::SignatureMismatch), // the constructors rule it out
        }
    }

    /// The name of the key that proves the token. Its times are only looked at afterwards, so that no stranger can cause `stale`.
    fn prove_token(
        &self,
        scheme: &TokenScheme,
        material: &Material,
        now: SystemTime,
    ) -> Result<KeyName, Rejection> {
        let jws = self.head.jws.as_deref().ok_or(Rejection::InvalidToken)?;
        let key = match material {
            #[cfg(feature = "public-key")]
            Material::Public(keys) => token_scheme::verify_rs256(keys, jws)?,
            Material::Secrets(secrets) => token_scheme::verify_hs256(secrets, jws, now)?,
            Material::Token(_) => return Err(Rejection::InvalidToken), // the constructors rule it out
        };
        let claims = jws.claims().ok_or(Rejection::InvalidToken)?;
        scheme.check_time(claims, now)?;
        Ok(key.clone())
    }

    /// Reads a token that is the body, once the body is complete.
    fn read_token(&mut self) -> Result<(), Rejection> {
        let Proof::Token(scheme) = self.settings.platform.proof() else { return Ok(()) };
        if scheme.place() != TokenPlace::Body || self.head.jws.is_some() {
            return Ok(());
        }
        let body = match &self.body {
            Body::Empty => &[],
            Body::Whole(whole) => whole.as_ref(),
            Body::Pieces(pieces) => pieces.as_ref(),
        };
        if body.trim_ascii().is_empty() {
            return Err(Rejection::MissingToken);
        }
        let token = std::str::from_utf8(body.trim_ascii()).map_err(|_| Rejection::InvalidToken)?;
        self.head.jws = Some(Box::new(scheme.read(token, self.settings.app())?));
        Ok(())
    }

    /// There are no keys for this request.
    fn unknown_keys(&self) -> Rejection {
        match self.settings.platform.proof() {
            Proof::Token(_) => Rejection::InvalidToken,
            _ => Rejection::SignatureMismatch,
        }
    }

    /// Checks the age of the attempt, where the head has its time.
    fn check_attempt(&self, now: SystemTime) -> Result<(), Rejection> {
        let told = match self.settings.platform.attempt_time() {
            AttemptTime::Field(_) => self.head.presented.field(),
            AttemptTime::Header(name) => self.head.headers.signed(name).unwrap_or_default(),
            AttemptTime::IssuedAt => {
                let issued = self.head.jws.as_deref().and_then(Jws::claims).and_then(Claims::issued);
                return self.settings.check_age(issued, now);
            }
            AttemptTime::Decoded | AttemptTime::Untold => return Ok(()),
        };
        self.settings.check_age(freshness::parse_unix_seconds(told), now)
    }
}

/// What proved a request.
struct Proven<'k> {
    trust: Trust,
    /// The MAC state of the secret that did, for a handshake.
    keyed: Option<&'k Hmac<Sha256>>,
}

fn rejection(why: Undecodable) -> Rejection {
    match why {
        Undecodable::Contradiction(name) => Rejection::Contradiction(name),
        why => Rejection::Undecodable(why),
    }
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification")
            .field("platform", &self.settings.platform.name())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExpectedApp, Head, Secret, Verifier, seismic};

    const BODY: &[u8] = br#"{"type":"install","appId":"a","tenantId":"t"}"#;

    fn verifier() -> Verifier {
        Verifier::new(&seismic::PLATFORM, Secret::new("s").unwrap(), ExpectedApp::Any).unwrap()
    }

    fn open(verifier: &Verifier, declared: Option<&str>) -> Result<Verification, RejectedRequest> {
        let signature = seismic::SCHEME.sign(&Secret::new("s").unwrap(), &[], BODY);
        let lines = [("X-Seismic-Signature", Some(signature.as_str())), ("Content-Length", declared)];
        let headers = lines.iter().filter_map(|(name, value)| Some((*name, (*value)?.as_bytes())));
        verifier.begin(Head::new("POST", "/seismic", headers))
    }

    #[test]
    fn the_body_is_verified_and_kept_however_it_was_cut() {
        for size in 1..=BODY.len() {
            let mut verification = open(&verifier(), None).unwrap();
            for chunk in BODY.chunks(size) {
                verification.push(Bytes::copy_from_slice(chunk)).unwrap();
            }
            assert_eq!(verification.finish(SystemTime::now()).unwrap().delivery().unwrap().body(), BODY);
        }
    }

    #[test]
    fn a_body_in_one_piece_is_not_copied() {
        let mut verification = open(&verifier(), None).unwrap();
        let chunk = Bytes::copy_from_slice(BODY);
        verification.push(chunk.clone()).unwrap();
        let delivery = verification.finish(SystemTime::now()).unwrap().delivery().unwrap();
        assert_eq!(delivery.body().as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn the_cap_holds_for_a_counted_body() {
        let mut verification = open(&verifier().with_max_body(BODY.len()), None).unwrap();
        verification.push(Bytes::from_static(BODY)).unwrap();
        assert_eq!(verification.push(Bytes::from_static(b" ")).unwrap_err(), Rejection::BodyTooLarge.into());
    }

    #[test]
    fn the_cap_holds_for_a_declared_body() {
        let verifier = verifier().with_max_body(10);
        for (declared, refused) in [("10", false), ("11", true), ("18446744073709551615", true)] {
            assert_eq!(open(&verifier, Some(declared)).is_err(), refused, "{declared}");
        }
    }
}
