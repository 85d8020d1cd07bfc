//! Signature: headers around a genuine HMAC. Our verdict is that of a straight-line reading of the vendor's page.
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fuzz::halves;
use hmac::{Hmac, KeyInit, Mac};
use libfuzzer_sys::fuzz_target;
use lifecycle_core::{
    Scheme, Secret, Secrets, github, linear, shopify, slack, standard_webhooks, stripe, zoom,
};
use sha2::Sha256;

const KEY: &[u8] = b"a signing secret for tests";
static SECRETS: LazyLock<Secrets> =
    LazyLock::new(|| Secrets::from(Secret::new(KEY).expect("it is a secret")));
const HEX: fn(&[u8]) -> String = |bytes| {
    let digits = bytes.iter().flat_map(|byte| [byte / 16, byte % 16]);
    digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
};
const BASE64: fn(&[u8]) -> String = |bytes| STANDARD.encode(bytes);

/// A platform, as its vendor documents it.
struct Vendor {
    scheme: Scheme,
    /// What stands between signatures, and in front of each.
    separator: Option<char>,
    prefix: &'static str,
    encode: fn(&[u8]) -> String,
    /// What is signed in front of the body, of the headers with id and time, or of the element `t`.
    in_front: fn(&str, &str) -> String,
    id: &'static str,
    time: &'static str,
}

static VENDORS: [Vendor; 7] = [
    Vendor::new(github::SCHEME, "sha256=", HEX),
    Vendor::new(linear::SCHEME, "", HEX),
    Vendor::new(shopify::SCHEME, "", BASE64),
    Vendor {
        in_front: |_, time| format!("v0:{time}:"),
        time: "x-slack-request-timestamp",
        ..Vendor::new(slack::SCHEME, "v0=", HEX)
    },
    Vendor {
        in_front: |_, time| format!("v0:{time}:"),
        time: "x-zm-request-timestamp",
        ..Vendor::new(zoom::SCHEME, "v0=", HEX)
    },
    Vendor {
        separator: Some(','),
        in_front: |_, time| format!("{time}."),
        ..Vendor::new(stripe::SCHEME, "v1=", HEX)
    },
    Vendor {
        separator: Some(' '),
        in_front: |id, time| format!("{id}.{time}."),
        id: "webhook-id",
        time: "webhook-timestamp",
        ..Vendor::new(standard_webhooks::SCHEME, "v1,", BASE64)
    },
];

impl Vendor {
    const fn new(scheme: Scheme, prefix: &'static str, encode: fn(&[u8]) -> String) -> Self {
        Self { scheme, separator: None, prefix, encode, in_front: |_, _| String::new(), id: "", time: "" }
    }

    fn mac(&self, id: &str, time: &str, body: &[u8]) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY).expect("any length will do");
        mac.update((self.in_front)(id, time).as_bytes());
        mac.update(body);
        mac.finalize().into_bytes().to_vec()
    }

    /// Whether one of the first four well-formed signatures in the header is the genuine one.
    fn accepts(&self, value: &str, id: &str, time: &str, body: &[u8]) -> bool {
        let elements: Vec<&str> = match self.separator {
            Some(separator) => value.split(separator).collect(),
            None => vec![value],
        };
        let times = || elements.iter().filter_map(|element| element.trim_ascii().strip_prefix("t="));
        let is_stripe = self.separator == Some(',');
        let time = if is_stripe {
            let Some(first) = times().next().filter(|time| time.len() <= 64) else { return false };
            if times().any(|time| time != first) {
                return false;
            }
            first
        } else {
            time
        };
        let signature = |element: &&str| {
            let is_time = is_stripe && element.trim_ascii().starts_with("t=");
            let text = element.trim_matches([' ', '\t']).strip_prefix(self.prefix).filter(|_| !is_time)?;
            let lower = text.to_ascii_lowercase();
            let bytes: Vec<u8> = if (self.encode)(b"m") == "6d" {
                let is_hex = lower.len() == 64 && lower.bytes().all(|byte| byte.is_ascii_hexdigit());
                let digits =
                    (0..32).map(|place| u8::from_str_radix(lower.get(2 * place..2 * place + 2)?, 16).ok());
                digits.collect::<Option<_>>().filter(|_| is_hex)?
            } else {
                STANDARD.decode(text).ok()?
            };
            (bytes.len() == 32).then_some(bytes)
        };
        let genuine = self.mac(id, time, body);
        elements.iter().filter_map(signature).take(4).any(|own| own == genuine)
    }
}

// A header value, id and time on a line each, a blank line, and the body. In the header `@` is the genuine signature, `#` that in
// upper case.
fuzz_target!(|data: &[u8]| {
    let [vendor, text @ ..] = data else { return };
    let vendor = &VENDORS[usize::from(*vendor) % VENDORS.len()];
    let (head, body) = halves(text);
    let Ok(head) = std::str::from_utf8(head) else { return };
    let mut lines = head.split('\n');
    let [value, id, time] = [(); 3].map(|()| lines.next().unwrap_or_default());
    let genuine = (vendor.encode)(&vendor.mac(id, time, body));
    let value = value.replace('@', &genuine).replace('#', &genuine.to_uppercase());
    let headers: Vec<(&str, &[u8])> = [
        (vendor.scheme.headers()[0], value.as_bytes()),
        (vendor.id, id.as_bytes()),
        (vendor.time, time.as_bytes()),
    ]
    .into_iter()
    .filter(|(name, _)| !name.is_empty())
    .collect();
    let ours = vendor.scheme.verify(&SECRETS, &headers, body, fuzz::now());
    assert_eq!(ours.is_ok(), vendor.accepts(&value, id, time, body), "{value:?}: {ours:?}");
});
