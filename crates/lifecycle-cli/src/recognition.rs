//! Recognition: which platform a request is of, by what it carries.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lifecycle_core::{AttemptTime, Part, Platform, Proof, Scheme, TokenPlace};
use lifecycle_testing::{Sender, registry};
use serde_json::Value;

use crate::request_headers::Request;
use crate::transcript::Transcript;

/// A platform, and what it was known by, where it was not given.
#[derive(Clone)]
pub(crate) struct Recognised {
    pub(crate) sender: &'static Sender,
    pub(crate) by: Option<String>,
}

/// The platform whose header, parameter or token a request has; `None` where nothing tells it.
pub(crate) fn recognise(request: &Request) -> Option<Recognised> {
    let known = |sender: &'static Sender, by: String| Some(Recognised { sender, by: Some(by) });
    let has = |name: &str| request.header(name).is_some();
    for (sender, name) in own_headers(|platform| platform.proof_headers().to_vec()) {
        if has(name) {
            return known(sender, format!("its header {name}"));
        }
    }
    for sender in registry() {
        if let Some(name) = parameter(sender.platform())
            && request.query().any(|(own, _)| own == name)
        {
            return known(sender, format!("its parameter {name}"));
        }
    }
    if let Some(sender) = by_token(request) {
        return known(sender, "what its token says".to_owned());
    }
    own_headers(other_headers)
        .into_iter()
        .find(|(_, name)| has(name))
        .and_then(|(sender, name)| known(sender, format!("its header {name}")))
}

/// The names of all headers by which a saved request is found in text: those that prove, those that are proven, and a few of
/// HTTP's own.
pub(crate) fn header_names() -> Vec<&'static str> {
    let platforms = registry().iter().map(|sender| sender.platform());
    let names =
        platforms.flat_map(|platform| [platform.proof_headers().to_vec(), other_headers(platform)].concat());
    let all: BTreeSet<&'static str> = names.chain(["content-length", "content-encoding"]).collect();
    all.into_iter().collect()
}

/// Whether a saved request carries what proves it on some platform.
pub(crate) fn is_signed(saved: &Transcript) -> bool {
    let has = |name: &str| saved.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let is_token = |text: &str| text.trim_matches(['"', ' ', '\n', '\r']).starts_with("eyJ");
    registry().iter().any(|sender| {
        let platform = sender.platform();
        let in_query = parameter(platform).is_some_and(|name| {
            saved.target.as_ref().is_some_and(|target| target.contains(&format!("{name}=")))
        });
        platform.proof_headers().iter().any(|name| has(name)) || in_query
    }) || saved.body.as_ref().is_some_and(|body| is_token(&String::from_utf8_lossy(body)))
}

/// The headers that one platform alone has, of those that it is asked for.
fn own_headers(of: fn(&'static Platform) -> Vec<&'static str>) -> Vec<(&'static Sender, &'static str)> {
    let all: Vec<(&'static Sender, &'static str)> = registry()
        .iter()
        .flat_map(|sender| of(sender.platform()).into_iter().map(|name| (*sender, name)))
        .collect();
    let is_own = |(sender, name): &(&'static Sender, &'static str)| {
        all.iter().all(|(other, own)| own != name || other.platform().name() == sender.platform().name())
    };
    all.iter().filter(|pair| is_own(pair)).copied().collect()
}

/// The headers that a platform sends besides those of the proof.
fn other_headers(platform: &'static Platform) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = match platform.proof() {
        Proof::Hmac(scheme) => scheme.signed().iter().filter_map(header_of).collect(),
        Proof::PublicKey(scheme) => {
            scheme.scheme().into_iter().flat_map(Scheme::signed).filter_map(header_of).collect()
        }
        _ => Vec::new(),
    };
    if let AttemptTime::Header(name) = platform.attempt_time() {
        names.push(name);
    }
    if let Some(sender) = Sender::of(platform) {
        let samples = sender.events().filter_map(|(_, event)| sender.sample(event));
        names.extend(samples.flat_map(|sample| sample.headers()).map(|(name, _)| name));
    }
    names.retain(|name| !matches!(*name, "accept" | "content-type" | "user-agent"));
    names
}

fn header_of(part: &Part) -> Option<&'static str> {
    match part {
        Part::Header(name) => Some(name),
        _ => None,
    }
}

fn parameter(platform: &Platform) -> Option<&'static str> {
    match platform.proof() {
        Proof::Token(scheme) => match scheme.place() {
            TokenPlace::Query(name) => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// The platform whose tokens say what this one says: who issued it, by which algorithm, and which claims it has.
fn by_token(request: &Request) -> Option<&'static Sender> {
    let values = request.headers.iter().map(|(_, value)| value.as_str()).chain(request.signature.as_deref());
    let body = String::from_utf8_lossy(&request.body);
    let token = values.chain(request.query().map(|(_, value)| value)).chain([&*body]).find_map(read)?;
    let (header, claims, is_body) = (token.0, token.1, read(&body).is_some());
    let of = |sender: &&'static Sender| {
        let Proof::Token(scheme) = sender.platform().proof() else { return None };
        if scheme.issuer().is_some_and(|issuer| claims["iss"] != issuer) {
            return None;
        }
        let sample = sender.sample(sender.events().next()?.1)?.claims()?;
        let sample: Value = serde_json::from_str(&sample).ok()?;
        let shared = sample.as_object()?.keys().filter(|name| !claims[name.as_str()].is_null()).count();
        let missing = sample.as_object()?.len() - shared;
        let by_issuer = usize::from(scheme.issuer().is_some());
        let by_algorithm = usize::from(header["alg"] == scheme.algorithm().name());
        let by_place = usize::from(is_body == (scheme.place() == TokenPlace::Body));
        let by_owner = usize::from(sender.key_owner().is_some_and(|(claim, _)| !claims[claim].is_null()));
        let score = 8 * by_issuer + 4 * by_owner + shared + 2 * by_algorithm + 2 * by_place;
        (shared > 2 || by_issuer > 0).then_some((score, std::cmp::Reverse(missing), *sender))
    };
    let best = registry().iter().filter_map(of).max_by_key(|(score, missing, _)| (*score, *missing));
    best.map(|(_, _, sender)| sender)
}

/// The header and the claims of a token in a text.
fn read(text: &str) -> Option<(Value, Value)> {
    let start = text.find("eyJ")?;
    let mut parts = text[start..].split('.');
    let json = |part: &str| {
        let part = part.trim_end_matches('=').replace('+', "-").replace('/', "_");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
    };
    Some((json(parts.next()?)?, json(parts.next()?)?))
}
