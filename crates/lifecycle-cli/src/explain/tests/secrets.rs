//! What is made wrong on purpose, on every platform whose signatures a secret makes, is named rightly.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use lifecycle_core::{Part, Proof, Scheme};
use lifecycle_testing::{Sender, SigningKeys, registry};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use crate::explain::form::Form;
use crate::explain::search::{Evidence, Keys, search};

const TEXT: &str = "the-Secret-of-this-test-1";
const BASE64: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A rightly signed request of a platform, and what its receiver is given.
#[derive(Clone)]
pub(super) struct Given {
    scheme: Scheme,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    secret: String,
    previous: Option<String>,
    samples: Vec<String>,
}

impl Given {
    /// `None` of a platform that a secret does not sign for.
    fn of(sender: &'static Sender) -> Option<Self> {
        let Proof::Hmac(scheme) = sender.platform().proof() else { return None };
        let secret = if scheme.secret("no base64!").is_err() { BASE64 } else { TEXT };
        let keys = SigningKeys::parse(sender.platform(), secret).unwrap();
        let (_, event) = sender.events().next().unwrap();
        let sent = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_812_800);
        let request = sender.sample(event).unwrap().at(sent).sign(&keys);
        let mut given = Self {
            scheme: *scheme,
            headers: request.headers,
            body: br#"{"b":1}"#.to_vec(), // a vendor's sample has thousands of forms, and the search is not what is slow to test
            secret: secret.to_owned(),
            previous: None,
            samples: vec![r#"{"z":1,"b":2,"a":3}"#.to_owned()],
        };
        let parts = given.parts();
        given.replace_signature(&parts);
        Some(given)
    }

    fn key(&self) -> Vec<u8> {
        match self.secret.strip_prefix("whsec_") {
            Some(text) => STANDARD.decode(text).unwrap(),
            None => self.secret.clone().into_bytes(),
        }
    }

    fn told(&self, name: &str) -> String {
        let header = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// The parts that are signed, by their own words.
    fn parts(&self) -> Vec<Vec<u8>> {
        let part = |part: &Part| match part {
            Part::Body => self.body.clone(),
            Part::Text(text) => text.as_bytes().to_vec(),
            Part::Header(name) => self.told(name).into_bytes(),
            Part::Field(_) => b"1790812800".to_vec(),
            _ => unreachable!("there are no others"),
        };
        self.scheme.signed().iter().map(part).collect()
    }

    fn has_parts(&self) -> bool {
        self.scheme.signed().len() > 1
    }

    fn has_base64(&self) -> bool {
        self.value().ends_with('=')
    }

    fn value(&self) -> String {
        self.told(self.scheme.headers()[0])
    }

    /// The signature as the platform writes it.
    fn written(&self, mac: &[u8]) -> String {
        if self.has_base64() { STANDARD.encode(mac) } else { const_hex::encode(mac) }
    }

    /// The same request with this in place of its signature.
    fn with_text(mut self, text: &str) -> Self {
        let own = self.written(&sha256(&self.key(), &self.parts().concat()));
        let value = self.value();
        assert!(value.contains(&own), "the test signs as the platform does");
        self.replace(value.replace(&own, text));
        self
    }

    fn replace(&mut self, value: String) {
        let first = self.scheme.headers()[0];
        let own = self.headers.iter_mut().find(|(name, _)| name == first);
        own.unwrap().1 = value;
    }

    /// The same request with a signature over these parts.
    fn with_parts(self, parts: &[Vec<u8>]) -> Self {
        let text = self.written(&sha256(&self.key(), &parts.concat()));
        self.with_text(&text)
    }

    /// The same request, signed with this key.
    fn with_key(self, key: &[u8]) -> Self {
        let text = self.written(&sha256(key, &self.parts().concat()));
        self.with_text(&text)
    }

    /// The same request with a signature over this body, and the body that it had.
    fn signed_over(mut self, body: &[u8]) -> Self {
        let own = self.parts();
        self.replace_signature(&own);
        let mut other = self.clone();
        other.body = body.to_vec();
        let parts = other.parts();
        self.with_parts(&parts)
    }

    fn causes(&self) -> Option<BTreeSet<&'static str>> {
        let form = Form::of(&self.scheme);
        let findings = search(&Evidence {
            form: &form,
            body: &self.body,
            headers: &self.headers,
            keys: Keys::Secret {
                current: self.secret.as_bytes(),
                previous: self.previous.as_deref().map(str::as_bytes),
            },
            samples: &self.samples,
        });
        findings.causes.map(|causes| causes.into_iter().map(|finding| finding.cause.id).collect())
    }
}

fn sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().to_vec()
}

/// A mistake, the one cause that has to be named, and how it is made; `None` where a platform cannot have it.
pub(super) type Mistake = (&'static str, fn(Given) -> Option<Given>);

pub(super) const MISTAKES: &[Mistake] = &[
    ("newline-added", |mut given| {
        given.body.push(b'\n');
        Some(given)
    }),
    ("newline-lost", |given| {
        let body = [&given.body[..], b"\n"].concat();
        Some(given.signed_over(&body))
    }),
    ("blanks-around", |mut given| {
        given.body = [b"  ", &given.body[..], b"  "].concat();
        Some(given)
    }),
    ("bom", |mut given| {
        given.body = [b"\xef\xbb\xbf", &given.body[..]].concat();
        Some(given)
    }),
    ("empty-body", |given| Some(given.signed_over(b""))),
    ("body-base64", |given| {
        let body = STANDARD.encode(&given.body).into_bytes();
        Some(given.signed_over(&body))
    }),
    ("json-reserialised", |mut given| {
        given.body = br#"{"b":1,"a":{"c":"x","d":[1,2]}}"#.to_vec();
        let pretty =
            b"{\n  \"b\": 1,\n  \"a\": {\n    \"c\": \"x\",\n    \"d\": [\n      1,\n      2\n    ]\n  }\n}";
        let parts = given.parts();
        given.replace_signature(&parts);
        Some(given.signed_over(pretty))
    }),
    ("secret-blanks", |mut given| {
        given.secret.push('\n');
        Some(given)
    }),
    ("secret-newline", |given| {
        let key = [&given.key()[..], b"\n"].concat();
        Some(given.with_key(&key))
    }),
    ("secret-quotes", |mut given| {
        given.secret = format!("\"{}\"", given.secret);
        Some(given)
    }),
    ("secret-empty", |given| Some(given.with_key(b""))),
    ("secret-hex", |given| {
        let key = const_hex::encode(given.key()).into_bytes();
        Some(given.with_key(&key))
    }),
    ("secret-base64", |given| {
        let key = STANDARD.encode(given.key()).into_bytes();
        Some(given.with_key(&key))
    }),
    ("secret-prefix", |given| {
        let own = given.secret.clone();
        let key = if own.starts_with("whsec_") { own } else { format!("whsec_{own}") };
        Some(given.with_key(key.as_bytes()))
    }),
    ("previous-secret", |mut given| {
        given.previous = Some(given.secret.clone());
        given.secret = if given.has_key_in_base64() {
            "whsec_bm90IHRoZSBvbmUgdGhhdCBzaWduZWQ=".into()
        } else {
            "another".into()
        };
        Some(given)
    }),
    ("upper-case", |given| {
        let text = const_hex::encode_upper(sha256(&given.key(), &given.parts().concat()));
        (!given.has_base64()).then(|| given.with_text(&text))
    }),
    ("base64", |given| {
        let text = STANDARD.encode(sha256(&given.key(), &given.parts().concat()));
        (!given.has_base64()).then(|| given.with_text(&text))
    }),
    ("hex", |given| {
        let text = const_hex::encode(sha256(&given.key(), &given.parts().concat()));
        given.has_base64().then(|| given.with_text(&text))
    }),
    ("prefix-left-out", |mut given| {
        let text = given.written(&sha256(&given.key(), &given.parts().concat()));
        let has_prefix =
            given.value() != text && !given.scheme.signed().iter().any(|part| matches!(part, Part::Field(_)));
        given.replace(text);
        has_prefix.then_some(given)
    }),
    ("hash-function", |given| {
        let mac = Hmac::<Sha1>::new_from_slice(&given.key()).unwrap().chain_update(given.parts().concat());
        let text = const_hex::encode(mac.finalize().into_bytes());
        (!given.has_base64()).then(|| given.with_text(&text))
    }),
    ("hash-function", |given| {
        let mac = Hmac::<Sha512>::new_from_slice(&given.key()).unwrap().chain_update(given.parts().concat());
        let text = const_hex::encode(mac.finalize().into_bytes());
        (!given.has_base64()).then(|| given.with_text(&text))
    }),
    ("body-alone", |given| {
        let parts = [given.body.clone()];
        given.has_parts().then(|| given.with_parts(&parts))
    }),
    ("part-left-out", |given| {
        let mut parts = given.parts();
        let is_text = |part: &Part| matches!(part, Part::Text(_));
        let text = given.scheme.signed().iter().rposition(is_text)?;
        parts.remove(text);
        Some(given.with_parts(&parts))
    }),
    ("time-unit", |given| {
        let milliseconds =
            |part: Vec<u8>| if part == b"1790812800" { b"1790812800000".to_vec() } else { part };
        let parts: Vec<Vec<u8>> = given.parts().into_iter().map(milliseconds).collect();
        given.has_parts().then(|| given.with_parts(&parts))
    }),
    ("part-order", |given| {
        let mut parts = given.parts();
        let time = parts.iter().position(|part| part == b"1790812800")?;
        let body = parts.len() - 1;
        parts.swap(time, body);
        Some(given.with_parts(&parts))
    }),
    ("json-members-sorted", |mut given| {
        given.body = br#"{"a":3,"b":2,"z":1}"#.to_vec();
        Some(given.signed_over(br#"{"z":1,"b":2,"a":3}"#))
    }),
    ("json-members-sorted", |mut given| {
        given.body = br#"{"a":"\u003cx\u003e","b":2,"z":1}"#.to_vec();
        Some(given.signed_over(br#"{"z":1,"b":2,"a":"<x>"}"#))
    }),
    ("json-reserialised", |mut given| {
        given.body = br#"{"n":1,"m":12345678901234567000}"#.to_vec();
        let body = given.body.clone();
        let parts = given.parts();
        given.replace_signature(&parts);
        given.body = br#"{"n":1.0,"m":12345678901234567890}"#.to_vec();
        Some(given.signed_over(&body))
    }),
    ("json-reserialised", |mut given| {
        given.body = br#"{"a":1,"b":2,"a":3}"#.to_vec();
        Some(given.signed_over(br#"{"a":3,"b":2}"#))
    }),
    ("html-escaped", |mut given| {
        given.body = b"{&quot;b&quot;:&quot;it&#39;s &lt;1&gt; &amp; 2&quot;}".to_vec();
        Some(given.signed_over(br#"{"b":"it's <1> & 2"}"#))
    }),
    ("html-escaped", |mut given| {
        given.body = br#"{"b":"it's <1>"}"#.to_vec();
        Some(given.signed_over(b"{&quot;b&quot;:&quot;it&#x27;s &lt;1&gt;&quot;}"))
    }),
    ("python-bytes", |mut given| {
        given.body = br#"b'{"b":"\xc3\xa9"}'"#.to_vec();
        Some(given.signed_over("{\"b\":\"é\"}".as_bytes()))
    }),
    ("object-as-text", |mut given| {
        given.body = "{\"b\":\"é\"}".as_bytes().to_vec();
        Some(given.signed_over(br#"b'{"b":"\xc3\xa9"}'"#))
    }),
    ("unicode-form", |mut given| {
        given.body = "{\"b\":\"e\u{301}\"}".as_bytes().to_vec();
        Some(given.signed_over("{\"b\":\"é\"}".as_bytes()))
    }),
    ("blanks-as-plus", |mut given| {
        given.body = br#"{"b":"two+words"}"#.to_vec();
        Some(given.signed_over(br#"{"b":"two words"}"#))
    }),
    ("secret-blanks", |mut given| {
        given.secret = format!("\u{a0}{}\u{200b}", given.secret);
        Some(given)
    }),
    ("secret-blanks", |mut given| {
        given.secret.push_str("\\n");
        Some(given)
    }),
    ("secret-assignment", |mut given| {
        given.secret = format!("SIGNING_SECRET={}", given.secret);
        Some(given)
    }),
    ("secret-assignment", |mut given| {
        given.secret = format!("export SIGNING_SECRET={}", given.secret);
        Some(given)
    }),
    ("secret-twice", |mut given| {
        given.secret = given.secret.repeat(2);
        Some(given)
    }),
    ("secret-dollar", |mut given| {
        if given.has_key_in_base64() {
            return None; // base64 has none
        }
        given.secret = "a$secret-with-1-of-them".to_owned();
        let parts = given.parts();
        given.replace_signature(&parts);
        given.secret = given.secret.replace('$', "$$");
        Some(given)
    }),
    ("secret-hashed", |given| {
        let key = Sha256::digest(given.key()).to_vec();
        Some(given.with_key(&key))
    }),
    ("signature-cut", |given| {
        let mac = sha256(&given.key(), &given.parts().concat());
        (!given.has_base64()).then(|| given.with_text(&const_hex::encode(&mac[..16])))
    }),
    ("hash-function", |given| {
        let mac =
            Hmac::<md5::Md5>::new_from_slice(&given.key()).unwrap().chain_update(given.parts().concat());
        let text = const_hex::encode(mac.finalize().into_bytes());
        (!given.has_base64()).then(|| given.with_text(&text))
    }),
    ("part-separator", |given| {
        let other = |part: Vec<u8>| if part == b"." || part == b":" { b"-".to_vec() } else { part };
        let parts: Vec<Vec<u8>> = given.parts().into_iter().map(other).collect();
        given.has_parts().then(|| given.with_parts(&parts))
    }),
];

impl Given {
    fn has_key_in_base64(&self) -> bool {
        self.secret.starts_with("whsec_")
    }

    /// The platform's own signature over these parts.
    fn replace_signature(&mut self, parts: &[Vec<u8>]) {
        let mac = sha256(&self.key(), &parts.concat());
        let text = self.written(&mac);
        let value = self.value();
        let own = value.rsplit(['=', ',']).find(|part| part.len() >= 40).map(str::to_owned);
        let own = if self.has_base64() { value.rsplit(',').next().unwrap().to_owned() } else { own.unwrap() };
        self.replace(value.replace(&own, &text));
    }
}

#[test]
fn each_mistake_on_each_platform_is_named() {
    let (mut count, mut wrong) = (0, Vec::new());
    for sender in registry() {
        let Some(given) = Given::of(sender) else { continue };
        assert_eq!(given.causes(), Some(BTreeSet::new()), "{sender:?} as it is");
        for (cause, make) in MISTAKES {
            let Some(made) = make(given.clone()) else { continue };
            count += 1;
            let found = made.causes();
            if found != Some(BTreeSet::from([*cause])) {
                wrong.push(format!("{sender:?} {cause}: {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}: {wrong:#?}", wrong.len());
    assert!(count >= 280, "{count} cases");
}
