//! Signed request: what a platform sends.

use std::fmt;
use std::time::SystemTime;

use lifecycle_core::{AttemptTime, Head, Inbound, Platform, Proof, RejectedRequest, TokenPlace, Verifier};

use crate::keys::{SigningKeys, unix_seconds};

/// A genuine request of a platform. `Debug` shows the method only.
#[derive(Clone)]
#[non_exhaustive]
pub struct SignedRequest {
    /// The method.
    pub method: &'static str,
    /// The target: `/` and the platform's name, with the event's own path behind it, if it has one; or below `/hook/` the token of
    /// an unguessable URL, where that is the proof. A token that stands in the query is part of it.
    pub target: String,
    /// The header lines, names in lower case, those that carry the signature among them.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl SignedRequest {
    /// A request of any platform with these headers (names in lower case) and this body, sent at this time. The headers of the
    /// proof are added; a time header that the platform signs is, too, unless it is given.
    ///
    /// # Panics
    /// When they are keys of another sort than the platform's proof takes; when that is a token, whose claims a
    /// [`sample`](crate::sample()) has.
    pub fn new(
        platform: &Platform,
        keys: &SigningKeys,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
        sent: SystemTime,
    ) -> Self {
        let body = body.into();
        let mut lines: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        if let AttemptTime::Header(name) = platform.attempt_time()
            && !lines.iter().any(|(own, _)| own == name)
        {
            lines.push((name.to_owned(), unix_seconds(sent).to_string()));
        }
        let known: Vec<(&str, &[u8])> =
            lines.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let signatures = keys.signatures(platform, &known, &body, sent);
        lines.extend(signatures.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let target = match keys.hook_token() {
            Some(token) => format!("/hook/{token}"),
            None => format!("/{}", platform.name()),
        };
        Self { method: platform.method().as_str(), target, headers: lines, body }
    }

    /// A request that this token proves, at this path below the platform's own. A body that is the token is not given.
    ///
    /// # Panics
    /// When the platform is proven otherwise.
    pub fn with_token(
        platform: &Platform,
        token: &str,
        headers: &[(&str, &str)],
        path: &str,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        let Proof::Token(scheme) = platform.proof() else { panic!("{} has no token", platform.name()) };
        let mut request = Self {
            method: platform.method().as_str(),
            target: format!("/{}{path}", platform.name()),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.into(),
        };
        match scheme.place() {
            TokenPlace::Header { name, words } => {
                let word = words.first().copied().unwrap_or_default();
                request.headers.push((name.to_owned(), format!("{word} {token}").trim_start().to_owned()));
            }
            TokenPlace::Query(name) => request.target.extend(["?", name, "=", token]),
            _ => request.body = token.as_bytes().to_vec(),
        }
        request
    }

    /// What a verifier makes of it at this time.
    ///
    /// # Errors
    /// The verifier's.
    pub fn verify(&self, verifier: &Verifier, now: SystemTime) -> Result<Inbound, RejectedRequest> {
        let lines = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let mut verification = verifier.begin(Head::new(self.method, &self.target, lines))?;
        verification.push(self.body.clone().into())?;
        verification.finish(now)
    }
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest").field("method", &self.method).finish_non_exhaustive()
    }
}
