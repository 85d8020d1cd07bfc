//! Signing: an event as it goes out: its headers, those of the proof among them, and its body.

use std::time::SystemTime;

use lifecycle_core::{AttemptTime, Part, Platform, Proof, TokenPlace};
use lifecycle_testing::{Sample, Sender, SigningKeys};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

/// What an event tells its receiver, by which it is found in the receiver's log; nothing where no receiver would read it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) tenant: Option<String>,
    pub(crate) request_id: Option<String>,
}

impl Told {
    /// What a receiver reads from this body of the sample.
    pub(crate) fn new(sample: &Sample, body: &[u8]) -> Self {
        let Some(delivery) = sample.delivery_of(body) else { return Self::default() };
        let event = delivery.event();
        let tenant = (!event.tenant().is_empty()).then(|| event.tenant().to_owned());
        Self { tenant, request_id: event.request_id().map(str::to_owned) }
    }
}

/// A request without its URL.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) method: Method,
    /// The token, where it stands in the query: the name of its parameter, and its value.
    query: Option<(&'static str, String)>,
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
        let now = SystemTime::now();
        let (lines, body, target) = if let Some(keys) = keys {
            let request = sample.clone().sent(now).sign_body(keys, body);
            (request.headers, request.body, request.target)
        } else {
            let own = sample.headers().into_iter();
            (own.map(|(name, value)| (name.to_owned(), value)).collect(), body, String::new())
        };
        let mut headers = HeaderMap::new();
        let mut signatures = Vec::new();
        for (name, value) in lines {
            let is_signature = platform.proof_headers().contains(&name.as_str());
            let mut header = HeaderValue::from_str(&value).expect("what a platform sends fits in a header");
            header.set_sensitive(is_signature);
            headers.insert(HeaderName::from_bytes(name.as_bytes()).expect("so do its names"), header);
            if is_signature {
                signatures.push(value);
            }
        }
        let query = match platform.proof() {
            Proof::Token(scheme) => match scheme.place() {
                TokenPlace::Query(name) => token_of(&target).map(|token| (name, token.to_owned())),
                TokenPlace::Body => {
                    signatures.extend(keys.map(|_| String::from_utf8_lossy(&body).into_owned()));
                    None
                }
                _ => None,
            },
            _ => None,
        };
        signatures.extend(query.iter().map(|(_, token)| token.clone()));
        let method = match platform.method() {
            lifecycle_core::Method::Get => Method::GET,
            _ => Method::POST,
        };
        Self { method, query, headers, body, signatures }
    }

    /// The receiver's URL, with the token in its query where the platform puts it there.
    pub(crate) fn url(&self, url: &Url) -> Url {
        let mut url = url.clone();
        if let Some((name, token)) = &self.query {
            url.query_pairs_mut().append_pair(name, token);
        }
        url
    }

    /// What is signed, changed afterwards: the middle of a token, where that is the proof; else the lowest bit of the body's middle
    /// byte, or something in place of an empty one.
    #[must_use]
    pub(crate) fn tampered(mut self, platform: &Platform) -> Self {
        if let Proof::Token(scheme) = platform.proof()
            && scheme.place() != TokenPlace::Body
        {
            if let Some((_, token)) = &mut self.query {
                *token = changed(token);
            }
            for &name in platform.proof_headers() {
                let token = self.headers.get(name).and_then(|value| value.to_str().ok()).map(changed);
                let value = token.and_then(|token| HeaderValue::from_str(&token).ok());
                self.headers.extend(value.map(|value| (HeaderName::from_static(name), value)));
            }
            return self;
        }
        let middle = self.body.len() / 2;
        match self.body.get_mut(middle) {
            Some(byte) => *byte ^= 1,
            None => self.body.push(b' '),
        }
        self
    }
}

/// The token in the query of a target, which has nothing else in it.
fn token_of(target: &str) -> Option<&str> {
    target.split_once('?')?.1.split_once('=').map(|(_, token)| token)
}

/// A token with another letter in its middle.
fn changed(token: &str) -> String {
    let middle = token.len() / 2;
    let other = if token[middle..].starts_with('A') { "B" } else { "A" };
    format!("{}{other}{}", &token[..middle], &token[middle + 1..])
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
    let mut names: Vec<&'static str> = own.chain(platform.proof_headers().iter().copied()).collect();
    if let AttemptTime::Header(name) = platform.attempt_time() {
        names.push(name);
    }
    names
}
