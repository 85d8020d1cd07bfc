//! Signing: an event as it goes out: its headers, those of the proof among them, and its body.

use std::time::SystemTime;

use lifecycle_core::{AttemptTime, Part, Platform, Proof};
use lifecycle_testing::{Sample, Sender, SignedRequest, SigningKeys};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::platform::signature_headers;

/// A request without its URL.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// The values that nobody may see who cannot make them.
    pub(crate) signatures: Vec<String>,
}

impl Signed {
    /// These bytes as the body of an event, sent now; without keys there is no proof.
    pub(crate) fn new(
        platform: &Platform,
        sample: &Sample,
        body: Vec<u8>,
        keys: Option<&SigningKeys>,
    ) -> Self {
        let own = sample.headers();
        let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let lines = match keys {
            Some(keys) => SignedRequest::new(platform, keys, &own, body.clone(), SystemTime::now()).headers,
            None => own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        let mut headers = HeaderMap::new();
        let mut signatures = Vec::new();
        for (name, value) in lines {
            let is_signature = signature_headers(platform).contains(&name.as_str());
            let mut header = HeaderValue::from_str(&value).expect("what a platform sends fits in a header");
            header.set_sensitive(is_signature);
            headers.insert(HeaderName::from_bytes(name.as_bytes()).expect("so do its names"), header);
            if is_signature {
                signatures.push(value);
            }
        }
        Self { headers, body, signatures }
    }

    /// The body changed after signing: the lowest bit of its middle byte flipped; an empty one gets something in place of nothing.
    #[must_use]
    pub(crate) fn tampered(mut self) -> Self {
        let middle = self.body.len() / 2;
        match self.body.get_mut(middle) {
            Some(byte) => *byte ^= 1,
            None => self.body.push(b' '),
        }
        self
    }
}

/// The headers that a platform signs besides the time of the attempt, with new values: the event's id, where it stands in one.
pub(crate) fn signed_headers(sender: &'static Sender) -> Vec<(&'static str, String)> {
    let Proof::Hmac(scheme) = sender.platform().proof() else { return Vec::new() };
    let is_signed =
        |name: &str| scheme.signed().iter().any(|part| matches!(part, Part::Header(own) if *own == name));
    let sample = sender.events().next().and_then(|(_, event)| sender.sample(event));
    let headers = sample.map(|sample| sample.headers()).unwrap_or_default();
    headers.into_iter().filter(|(name, _)| is_signed(name)).collect()
}

/// The headers that come with a platform's event, which no option can give, too. A content type of one's own is allowed.
pub(crate) fn made_headers(platform: &Platform, sample: &Sample) -> Vec<&'static str> {
    let own = sample.headers().into_iter().map(|(name, _)| name).filter(|name| *name != CONTENT_TYPE);
    let mut names: Vec<&'static str> = own.chain(signature_headers(platform).iter().copied()).collect();
    if let AttemptTime::Header(name) = platform.attempt_time() {
        names.push(name);
    }
    names
}
