//! Peers: other crates that verify webhooks, each on the same body, signed in the way that it takes.

use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use octocrab::models::webhook_events::verification::WebhookVerifier;
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
    let verifier = WebhookVerifier::new(SECRET);
    Contestant::verifier("octocrab", callbacks, github, move |signature: &String, body: &Bytes| {
        verifier.verify(signature, body).is_ok()
    })
}

fn slack_morphism(callbacks: &[Callback]) -> Contestant {
    let verifier = SlackEventSignatureVerifier::new(&SlackSigningSecret(SECRET.to_owned()));
    let sign = |body: &[u8]| {
        let time = unix_time().to_string();
        let signed = [b"v0:", time.as_bytes(), b":", body].concat();
        (format!("v0={}", by_hand::sign(&signed)), time)
    };
    Contestant::verifier(
        "slack-morphism",
        callbacks,
        sign,
        move |(signature, time): &(String, String), body: &Bytes| {
            std::str::from_utf8(body).is_ok_and(|text| verifier.verify(signature, text, time).is_ok())
        },
    )
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
    let headers = |body: &[u8]| {
        let time = unix_time();
        let lines = [
            ("webhook-id", MESSAGE.to_owned()),
            ("webhook-timestamp", time.to_string()),
            ("webhook-signature", sign(time, body)),
        ];
        let line = |(name, value): (_, String)| {
            (HeaderName::from_static(name), HeaderValue::try_from(value).expect("it is ASCII"))
        };
        HeaderMap::from_iter(lines.map(line))
    };
    Contestant::verifier(name, callbacks, headers, verify)
}

fn webhook_verify(callbacks: &[Callback]) -> Contestant {
    let secret = webhook_verify::Secret::new(SECRET);
    let sign = |body: &[u8]| vec![("X-Hub-Signature-256".to_owned(), github(body))];
    Contestant::verifier(
        "webhook-verify",
        callbacks,
        sign,
        move |headers: &Vec<(String, String)>, body: &Bytes| {
            let options = VerifyOptions::default();
            webhook_verify::verify(Provider::GitHub, headers, body, &secret, options).is_ok()
        },
    )
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
