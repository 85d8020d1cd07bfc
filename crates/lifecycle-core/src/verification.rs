//! `Verification`: one callback on its way in, from its head to a `Delivery` or a `Rejection`.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};

use crate::delivery::Delivery;
use crate::event::LifecycleEvent;
use crate::head::{self, Headers};
use crate::rejected_request::RejectedRequest;
use crate::rejection::Rejection;
use crate::signature::Candidates;
use crate::verifier::Settings;

/// One callback on its way in: its head is accepted, its body still comes.
pub struct Verification {
    settings: Arc<Settings>,
    candidates: Candidates,
    kept: Headers,
    declared: usize,
    body: Body,
}

/// A body in one piece is kept as it came; only a second piece makes it worth a buffer of its own.
enum Body {
    Empty,
    Whole(Bytes),
    Pieces(BytesMut),
}

impl Verification {
    pub(crate) fn begin<'h>(
        settings: &Arc<Settings>,
        lines: impl Iterator<Item = (&'h str, &'h [u8])>,
    ) -> Result<Self, RejectedRequest> {
        let mut verification = Self {
            settings: settings.clone(),
            candidates: Candidates::new(),
            kept: Headers::default(),
            declared: 0,
            body: Body::Empty,
        };
        let declared =
            head::read(settings.platform, lines, &mut verification.candidates, &mut verification.kept)?;
        verification.declared = declared.map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
        if verification.declared > settings.max_body {
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
                // The declared length was held against the cap, so a lying one cannot order more than that.
                let mut pieces = BytesMut::with_capacity(self.declared.max(first.len() + chunk.len()));
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

    /// Judges the whole: the proof first, over the raw bytes; then what they say, when they were sent, and whether
    /// they are meant for this verifier.
    ///
    /// # Errors
    /// [`Rejection::SignatureMismatch`], [`Undecodable`](Rejection::Undecodable), [`Stale`](Rejection::Stale),
    /// [`UnexpectedApp`](Rejection::UnexpectedApp), [`UnexpectedEvent`](Rejection::UnexpectedEvent).
    #[inline]
    pub fn finish(self, now: SystemTime) -> Result<Delivery, RejectedRequest> {
        self.verify(now).map_err(RejectedRequest::after_body)
    }

    #[inline]
    fn verify(self, now: SystemTime) -> Result<Delivery, Rejection> {
        let body = match self.body {
            Body::Empty => Bytes::new(),
            Body::Whole(whole) => whole,
            Body::Pieces(pieces) => pieces.freeze(),
        };
        let trust = self.settings.prove(&self.candidates, &self.kept, &body, now)?;
        let platform = self.settings.platform;
        let mut event = LifecycleEvent::decode(platform, body, &self.kept).map_err(Rejection::Undecodable)?;
        self.settings.expect(&mut event, &self.kept, now)?;
        Ok(Delivery::new(platform, event, self.kept, trust, now))
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
    use crate::{Head, Secret, Verifier, seismic};

    const BODY: &[u8] = br#"{"type":"install","appId":"a","tenantId":"t"}"#;

    fn verifier() -> Verifier {
        Verifier::new(&seismic::PLATFORM, Secret::new("s").unwrap())
    }

    fn open(verifier: &Verifier, declared: Option<&str>) -> Result<Verification, RejectedRequest> {
        let signature = seismic::SCHEME.sign(&Secret::new("s").unwrap(), &[], BODY);
        let lines = [("X-Seismic-Signature", Some(signature.as_str())), ("Content-Length", declared)];
        let headers = lines.iter().filter_map(|(name, value)| Some((*name, (*value)?.as_bytes())));
        verifier.begin(Head { method: "POST", path: "/seismic", headers })
    }

    #[test]
    fn the_body_is_verified_and_kept_however_it_was_cut() {
        for size in 1..=BODY.len() {
            let mut verification = open(&verifier(), None).unwrap();
            for chunk in BODY.chunks(size) {
                verification.push(Bytes::copy_from_slice(chunk)).unwrap();
            }
            assert_eq!(verification.finish(SystemTime::now()).unwrap().body(), BODY);
        }
    }

    #[test]
    fn a_body_in_one_piece_is_not_copied() {
        let mut verification = open(&verifier(), None).unwrap();
        let chunk = Bytes::copy_from_slice(BODY);
        verification.push(chunk.clone()).unwrap();
        let delivery = verification.finish(SystemTime::now()).unwrap();
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
