//! Peers: other crates that verify webhooks, each on the same body, signed in the way that it takes.

use std::hint::black_box;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use octocrab::models::webhook_events::verification::WebhookVerifier;
use owned::Owned;
use slack_morphism::SlackSigningSecret;
use slack_morphism::signature_verifier::SlackEventSignatureVerifier;
use webhook_verify::{Provider, VerifyOptions};

use super::by_hand;
use super::callbacks::{Callback, SECRET};
use super::contestant::Contestant;

pub(super) fn all(callbacks: &[Callback]) -> Vec<Contestant> {
    vec![
        octocrab(callbacks),
        slack_morphism(callbacks),
        standardwebhooks(callbacks),
        svix(callbacks),
        webhook_verify(callbacks),
    ]
}

fn octocrab(callbacks: &[Callback]) -> Contestant {
    let verifier = Rc::new(WebhookVerifier::new(SECRET));
    handed(
        "octocrab",
        callbacks,
        ["x-hub-signature-256"],
        |body| [github(body)],
        move |[signature], body| verifier.verify(signature, body).is_ok(),
    )
}

fn slack_morphism(callbacks: &[Callback]) -> Contestant {
    type Verifier = SlackEventSignatureVerifier;
    let verifier = Rc::new(Verifier::new(&SlackSigningSecret(SECRET.to_owned())));
    let sign = |body: &[u8]| {
        let time = unix_time().to_string();
        let signed = [b"v0:", time.as_bytes(), b":", body].concat();
        [format!("v0={}", by_hand::sign(&signed)), time]
    };
    let names = [Verifier::SLACK_SIGNED_HASH_HEADER, Verifier::SLACK_SIGNED_TIMESTAMP];
    handed("slack-morphism", callbacks, names, sign, move |[signature, time], body| {
        std::str::from_utf8(body).is_ok_and(|text| verifier.verify(signature, text, time).is_ok())
    })
}

/// One that is handed the values of headers of these names. To decode, its user looks them up first.
fn handed<const N: usize>(
    name: &'static str,
    callbacks: &[Callback],
    names: [&'static str; N],
    sign: impl Fn(&[u8]) -> [String; N],
    verify: impl Fn([&str; N], &Bytes) -> bool + Clone + 'static,
) -> Contestant {
    let sign = |body: &[u8]| {
        let values = sign(body);
        (headers(body, names.into_iter().zip(values.clone())), values)
    };
    let decode = {
        let verify = verify.clone();
        move |(headers, _): &(HeaderMap, [String; N]), body: &Bytes| {
            let value = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            verify(names.map(value), body) && is_event(body)
        }
    };
    let verify = move |(_, values): &(HeaderMap, [String; N]), body: &Bytes| {
        verify(values.each_ref().map(String::as_str), body)
    };
    Contestant::new(name, callbacks, sign, verify, decode)
}

fn standardwebhooks(callbacks: &[Callback]) -> Contestant {
    let webhook = || standardwebhooks::Webhook::from_bytes(SECRET.into()).expect("any key will do");
    let (signer, verifier) = (webhook(), Rc::new(webhook()));
    standard(
        "standardwebhooks",
        callbacks,
        |time, body| signer.sign(MESSAGE, time, body).expect("the body is text"),
        move |headers, body| verifier.verify(body, headers).is_ok(),
    )
}

fn svix(callbacks: &[Callback]) -> Contestant {
    let webhook = || svix::webhooks::Webhook::from_bytes(SECRET.into()).expect("any key will do");
    let (signer, verifier) = (webhook(), Rc::new(webhook()));
    standard(
        "svix",
        callbacks,
        |time, body| signer.sign(MESSAGE, time, body).expect("the body is text"),
        move |headers, body| verifier.verify(body, headers).is_ok(),
    )
}

/// One that takes the headers of Standard Webhooks.
fn standard(
    name: &'static str,
    callbacks: &[Callback],
    sign: impl Fn(i64, &[u8]) -> String,
    verify: impl Fn(&HeaderMap, &Bytes) -> bool + Clone + 'static,
) -> Contestant {
    let sign = |body: &[u8]| {
        let time = unix_time();
        let lines = [
            ("webhook-id", MESSAGE.to_owned()),
            ("webhook-timestamp", time.to_string()),
            ("webhook-signature", sign(time, body)),
        ];
        headers(body, lines)
    };
    looking(name, callbacks, sign, verify)
}

fn webhook_verify(callbacks: &[Callback]) -> Contestant {
    let secret = Rc::new(webhook_verify::Secret::new(SECRET));
    let sign = |body: &[u8]| headers(body, [("x-hub-signature-256", github(body))]);
    looking("webhook-verify", callbacks, sign, move |headers, body| {
        webhook_verify::verify(Provider::GitHub, headers, body, &secret, VerifyOptions::default()).is_ok()
    })
}

/// One that looks for the signature among the headers.
fn looking(
    name: &'static str,
    callbacks: &[Callback],
    sign: impl Fn(&[u8]) -> HeaderMap,
    verify: impl Fn(&HeaderMap, &Bytes) -> bool + Clone + 'static,
) -> Contestant {
    let decode = {
        let verify = verify.clone();
        move |headers: &HeaderMap, body: &Bytes| verify(headers, body) && is_event(body)
    };
    Contestant::new(name, callbacks, sign, verify, decode)
}

/// These users leave decoding to `serde_json`.
fn is_event(body: &[u8]) -> bool {
    black_box(serde_json::from_slice::<Owned>(body)).is_ok()
}

/// Those of a request with this body, and the lines that sign it.
fn headers(body: &[u8], signed: impl IntoIterator<Item = (&'static str, String)>) -> HeaderMap {
    let lines = [
        ("host", "app.example.com".to_owned()),
        ("content-type", "application/json; charset=utf-8".to_owned()),
        ("content-length", body.len().to_string()),
    ];
    let line =
        |(name, value)| (HeaderName::from_static(name), HeaderValue::try_from(value).expect("it is ASCII"));
    lines.into_iter().chain(signed).map(line).collect()
}

fn github(body: &[u8]) -> String {
    format!("sha256={}", by_hand::sign(body))
}

const MESSAGE: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";

/// Signatures with a time are good for five minutes, which is more than a measurement takes.
fn unix_time() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_secs()).expect("and long before that overflows")
}

#[cfg(test)]
mod tests {
    use super::super::{callbacks, contestant::assert_it_judges};
    use super::*;

    #[test]
    fn each_peer_takes_what_is_genuine_and_nothing_else() {
        let names: Vec<&str> = all(&callbacks::pretty()).iter().map(|peer| peer.name).collect();
        for (place, name) in names.iter().enumerate() {
            assert_it_judges(name, |callbacks| all(callbacks).swap_remove(place).verify);
            assert_it_judges(name, |callbacks| all(callbacks).swap_remove(place).decode);
        }
    }
}
