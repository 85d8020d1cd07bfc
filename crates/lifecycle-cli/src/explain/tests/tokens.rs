//! Tokens: what is made wrong on purpose is named rightly, on every platform that has them.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use lifecycle_core::{Proof, TokenPlace};
use lifecycle_testing::{RSA_TEST_KEY, Sender, SignedRequest, SigningKeys, registry};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA512, RsaKeyPair};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Held, SEED, Wrong, all_are_named, saved_as};

fn with_tokens() -> impl Iterator<Item = &'static Sender> {
    registry().iter().copied().filter(|sender| matches!(sender.platform().proof(), Proof::Token(_)))
}

fn place(held: &Held) -> TokenPlace {
    let Proof::Token(scheme) = held.sender.platform().proof() else { unreachable!("it has tokens") };
    scheme.place()
}

fn keys(held: &Held) -> SigningKeys {
    let text = if is_rs256(held) { RSA_TEST_KEY } else { SEED };
    SigningKeys::parse(held.sender.platform(), text).unwrap()
}

fn is_rs256(held: &Held) -> bool {
    held.sender.platform().proof().uses_rsa()
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

impl Held {
    fn token(&self) -> String {
        match place(self) {
            TokenPlace::Header { name, .. } => {
                self.request.header(name).unwrap().rsplit(' ').next().unwrap().to_owned()
            }
            TokenPlace::Query(name) => {
                let told = self.request.query().find(|(own, _)| *own == name);
                told.unwrap().1.to_owned()
            }
            _ => String::from_utf8(self.request.body.clone()).unwrap(),
        }
    }

    /// With this text where the token is, behind the word where that is.
    #[expect(clippy::unnecessary_wraps, reason = "a mistake gives an `Option`")]
    fn with_text(mut self, text: &str) -> Option<Self> {
        match place(&self) {
            TokenPlace::Header { name, words } => {
                let word = words.last().unwrap();
                self.set(name, format!("{word} {text}"));
            }
            TokenPlace::Query(name) => self.request.target = Some(format!("/uninstall?{name}={text}")),
            _ => self.request.body = text.as_bytes().to_vec(),
        }
        Some(self)
    }

    /// With this whole value in the header where the token is.
    fn with_value(mut self, value: &str) -> Option<Self> {
        let TokenPlace::Header { name, .. } = place(&self) else { return None };
        self.set(name, value.to_owned());
        Some(self)
    }

    fn claims(&self) -> Value {
        let token = self.token();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
    }

    fn with_claims(self, change: impl Fn(&mut Value)) -> Option<Self> {
        let mut claims = self.claims();
        change(&mut claims);
        let token = keys(&self).sign_claims(self.sender.platform(), &claims.to_string());
        self.with_text(&token)
    }

    fn with_header(self, header: &Value) -> Option<Self> {
        let token = keys(&self).sign_token(&header.to_string(), &self.claims().to_string());
        self.with_text(&token)
    }

    fn algorithm(&self) -> &'static str {
        if is_rs256(self) { "RS256" } else { "HS256" }
    }

    fn key_id(&self) -> Value {
        keys(self).key_id().map_or(Value::Null, Value::from)
    }

    fn at(mut self, seconds: u64) -> Self {
        self.request.at = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        self
    }

    /// The token without its last letters.
    fn cut(self, letters: usize) -> Option<Self> {
        let token = self.token();
        self.with_text(&token[..token.len() - letters])
    }
}

pub(super) const PLACES: &[Wrong] = &[
    (&["token-place"], |mut held| {
        let token = held.token();
        held.request.headers.retain(|(name, _)| name != "authorization");
        held.request.target = None;
        if place(&held) == TokenPlace::Body {
            held.request.body = b"{}".to_vec();
        }
        held.request.headers.push(("x-forwarded-token".into(), token));
        Some(held)
    }),
    (&["token-place"], |mut held| {
        let token = held.token();
        held.request.headers.retain(|(name, _)| name != "authorization");
        if place(&held) == TokenPlace::Body {
            held.request.body = b"".to_vec();
        }
        held.request.target = Some(format!("/x?jwt={token}"));
        Some(held)
    }),
    (&["token-place"], |mut held| {
        let body = json!({"token": held.token()}).to_string().into_bytes();
        held.request.headers.retain(|(name, _)| name != "authorization");
        held.request.target = None;
        held.request.body = body;
        Some(held)
    }),
    (&["token-word"], |held| {
        let needs_one = matches!(place(&held), TokenPlace::Header { words, .. } if !words.contains(&""));
        let token = held.token();
        if needs_one { held.with_value(&token) } else { None }
    }),
    (&["token-word"], |held| {
        let value = format!("Token {}", held.token());
        held.with_value(&value)
    }),
    (&["token-word"], |held| {
        let value = format!("Bearer: {}", held.token());
        held.with_value(&value)
    }),
    (&["token-word"], |held| {
        let text = format!("Bearer {}", held.token());
        if matches!(place(&held), TokenPlace::Header { .. }) { None } else { held.with_text(&text) }
    }),
    (&["token-blanks"], |held| {
        let value = format!("Bearer  {}", held.token());
        held.with_value(&value)
    }),
    (&["token-quotes"], |held| {
        let text = format!("\"{}\"", held.token());
        held.with_text(&text)
    }),
    (&["token-quotes"], |held| {
        let value = format!("'Bearer {}'", held.token());
        held.with_value(&value)
    }),
    (&["token-blanks"], |held| {
        let token = held.token();
        held.with_text(&format!("{}\n{}", &token[..76], &token[76..]))
    }),
    (&["token-blanks"], |held| {
        let token = held.token();
        held.with_text(&format!("{}\\n{}", &token[..76], &token[76..]))
    }),
    (&["token-base64"], |held| {
        let text = STANDARD.encode(held.token());
        held.with_text(&text)
    }),
    (&["token-base64"], |held| {
        let parts: Vec<String> = held
            .token()
            .split('.')
            .map(|part| STANDARD.encode(URL_SAFE_NO_PAD.decode(part).unwrap()))
            .collect();
        held.with_text(&parts.join("."))
    }),
    (&["token-url-encoded"], |held| {
        let text = held.token().replace('.', "%2E");
        held.with_text(&text)
    }),
    (&["token-cut"], |held| held.cut(43)),
    (&["token-cut"], |held| held.cut(4)),
    (&["token-cut"], |held| {
        let token = held.token();
        held.with_text(token.rsplit_once('.').unwrap().0)
    }),
    (&["token-cut"], |held| {
        let token = held.token();
        held.with_text(&token[1..])
    }),
    (&["token-encrypted"], |held| {
        let text = format!("{}.AAAA.AAAA", held.token());
        held.with_text(&text)
    }),
    (&["token-quotes", "token-base64"], |held| {
        let text = format!("\"{}=\"", held.token());
        held.with_text(&text)
    }),
];

pub(super) const HEADERS: &[Wrong] = &[
    (&["alg-none"], |held| {
        let header = json!({"alg": "none"});
        let token = keys(&held).sign_token(&header.to_string(), &held.claims().to_string());
        held.with_text(&format!("{}.", token.rsplit_once('.').unwrap().0))
    }),
    (&["alg-none"], |held| held.with_header(&json!({"alg": "None"}))),
    (&["alg-secret"], |held| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&held.key).unwrap();
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let signed = format!("{header}.{}", held.token().split('.').nth(1).unwrap());
        mac.update(signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
        if is_rs256(&held) { held.with_text(&token) } else { None }
    }),
    (&["alg-other"], |held| {
        if !is_rs256(&held) {
            return None;
        }
        let der = RSA_TEST_KEY.lines().filter(|line| !line.starts_with('-')).collect::<String>();
        let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap();
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": "RS512", "kid": held.key_id()}).to_string());
        let signed = format!("{header}.{}", held.token().split('.').nth(1).unwrap());
        let mut signature = vec![0; 256];
        pair.sign(&RSA_PKCS1_SHA512, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        held.with_text(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }),
    (&["alg-other"], |held| {
        let header = json!({"alg": held.algorithm().to_lowercase(), "kid": held.key_id()});
        held.with_header(&header)
    }),
    (&["alg-other"], |held| held.clone().with_header(&json!({"kid": held.key_id()}))),
    (&["token-header"], |held| {
        let header = json!({"alg": held.algorithm(), "kid": held.key_id(), "jku": "https://a.example"});
        held.with_header(&header)
    }),
    (&["token-header"], |held| {
        let header = json!({"alg": held.algorithm(), "kid": held.key_id(), "crit": ["exp"]});
        held.with_header(&header)
    }),
    (&["kid-unknown"], |held| {
        let header = json!({"alg": held.algorithm()});
        let has_ids = held.key.starts_with(b"{");
        if has_ids { held.with_header(&header) } else { None }
    }),
    (&["token-changed"], |held| {
        let mut claims = held.claims();
        claims["more"] = 1.into();
        let token = held.token();
        let parts: Vec<&str> = token.split('.').collect();
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        if is_rs256(&held) { held.with_text(&format!("{}.{claims}.{}", parts[0], parts[2])) } else { None }
    }),
    (&["token-malformed"], |held| {
        let claims = held.claims().to_string().replacen('{', r#"{"twice":1,"twice":2,"#, 1);
        let token = keys(&held).sign_claims(held.sender.platform(), &claims);
        held.with_text(&token)
    }),
    // Under a secret a changed token is like one under another secret.
    (&[], |mut held| {
        held.key = b"another secret than the app's".to_vec();
        (!is_rs256(&held)).then_some(held)
    }),
];

pub(super) const CLAIMS: &[Wrong] = &[
    (&["token-expired"], |held| held.with_claims(|claims| claims["exp"] = (now() - 3600).into())),
    (&["token-expired"], |held| {
        let end = held.claims()["exp"].as_u64().unwrap();
        Some(held.at(end + 11))
    }),
    (&["token-early"], |held| held.with_claims(|claims| claims["nbf"] = (now() + 600).into())),
    (&["token-early"], |held| {
        let issued = held.claims()["iat"].as_u64().unwrap();
        Some(held.at(issued - 300))
    }),
    (&["token-time"], |held| {
        held.with_claims(|claims| {
            claims.as_object_mut().unwrap().remove("exp");
        })
    }),
    (&["token-time"], |held| held.with_claims(|claims| claims["exp"] = (now() * 1000).into())),
    (&["token-time"], |held| held.with_claims(|claims| claims["nbf"] = (now() * 1000).into())),
    (&["token-time"], |held| held.with_claims(|claims| claims["exp"] = now().to_string().into())),
    (&["issuer"], |held| {
        let Proof::Token(scheme) = held.sender.platform().proof() else { return None };
        scheme.issuer()?;
        held.with_claims(|claims| claims["iss"] = "somebody else".into())
    }),
    (&["issuer"], |held| {
        let Proof::Token(scheme) = held.sender.platform().proof() else { return None };
        scheme.issuer()?;
        held.with_claims(|claims| {
            claims.as_object_mut().unwrap().remove("iss");
        })
    }),
    (&["audience"], |mut held| {
        held.claims()["aud"].as_str()?;
        held.app = Some("another-app".into());
        Some(held)
    }),
    (&["audience"], |held| {
        held.claims()["aud"].as_str()?;
        held.with_claims(|claims| {
            claims.as_object_mut().unwrap().remove("aud");
        })
    }),
    (&["audience"], |held| {
        held.claims()["aud"].as_str()?;
        held.with_claims(|claims| claims["aud"] = json!(["one", "two"]))
    }),
    (&["audience"], |held| {
        let aud = held.claims()["aud"].as_str()?.to_owned();
        // What is written otherwise than the platform writes it.
        if aud.starts_with("ari:") {
            return held.with_claims(|claims| claims["aud"] = "406d303d-0393-4ec4-ad7c-1435be94583a".into());
        }
        let has_guid = aud.len() == 36;
        if has_guid { held.with_claims(|claims| claims["aud"] = format!("api://{aud}").into()) } else { None }
    }),
    (&["contradiction"], |held| {
        held.sender.key_owner()?;
        held.with_claims(|claims| claims["iss"] = "https://sts.example/".into())
    }),
    (&["token-expired", "token-quotes"], |held| {
        let held = held.with_claims(|claims| claims["exp"] = (now() - 3600).into())?;
        let text = format!("\"{}\"", held.token());
        held.with_text(&text)
    }),
];

#[test]
fn each_mistake_about_a_tokens_place_is_named() {
    let count = all_are_named(with_tokens(), PLACES);
    assert!(count >= 90, "{count} cases");
}

#[test]
fn each_mistake_about_a_tokens_header_is_named() {
    let count = all_are_named(with_tokens(), HEADERS);
    assert!(count >= 45, "{count} cases");
}

#[test]
fn each_mistake_about_a_tokens_claims_is_named() {
    let count = all_are_named(with_tokens(), CLAIMS);
    assert!(count >= 60, "{count} cases");
}

#[test]
fn a_clock_that_is_off_is_told_by_how_much_and_on_which_side() {
    let wix = Sender::of(&lifecycle_core::wix::PLATFORM).unwrap();
    let sent = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_812_800);
    let keys = SigningKeys::parse(wix.platform(), RSA_TEST_KEY).unwrap();
    let request: SignedRequest = wix.sample("install").unwrap().at(sent).sign(&keys);
    let held = Held {
        sender: wix,
        request: saved_as(&request),
        key: keys.public_key().unwrap().into_bytes(),
        app: None,
    };
    for (at, expected) in [
        (
            1_790_812_800 + 3600 + 63,
            "it expired 1 min 3 s before the receiver's clock, and was valid for 1 h 0 min",
        ),
        (1_790_812_800 - 7_200, "its `iat` is 2 h 0 min after the receiver's clock"),
    ] {
        assert_eq!(held.clone().at(at).details(), [expected]);
    }
    let late = held.details();
    assert!(
        late[0].ends_with("; if it was saved, say when it came by --at TIME")
            || late[0].contains("after now"),
        "{late:?}"
    );
}

#[test]
fn no_detail_repeats_a_token_or_a_claim() {
    for held in with_tokens().map(Held::genuine) {
        for (_, make) in PLACES.iter().chain(HEADERS).chain(CLAIMS) {
            let Some(made) = make(held.clone()) else { continue };
            let details = made.details().join("\n");
            assert!(!details.contains("eyJ") && !details.contains("somebody"), "{details}");
        }
    }
}
