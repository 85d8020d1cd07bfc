//! The keys of tokens: who is asked for them, with what, and which fit.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use lifecycle_core::{
    Ack, Algorithm, AttemptTime, Audience, ConfigError, EventFields, EventKind, ExpectedApp, Head, KeyHint,
    KeySource, Keys, KeysUnavailable, Platform, Proof, PublicKey, Rejection, Scheme, Secret, TokenPlace,
    TokenScheme, Undecodable, VerifiedRequest, Verifier, async_trait, bigcommerce, discord, monday, wix,
};
use lifecycle_testing::{Sender, SigningKeys};

/// What a hint says: the id of the key, and the issuer.
type Hint = (Option<String>, Option<String>);

/// Remembers what it was asked with.
struct Source {
    hints: Arc<Mutex<Vec<Hint>>>,
    answer: Result<Option<Keys>, KeysUnavailable>,
}

#[async_trait]
impl KeySource for Source {
    async fn find(&self, hint: &KeyHint) -> Result<Option<Keys>, KeysUnavailable> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let told = (owned(hint.unauthenticated_key_id()), owned(hint.unauthenticated_issuer()));
        self.hints.lock().unwrap().push(told);
        self.answer.clone()
    }
}

static FOUND: Platform = Platform::new(
    "found",
    Proof::Token(
        TokenScheme::new(Algorithm::Rs256, TokenPlace::Header { name: "authorization", words: &["Bearer"] })
            .with_issuer("issuer")
            .with_audience(Audience::OneApp),
    ),
    Ack::new(200),
    any_event,
);

#[expect(clippy::unnecessary_wraps, reason = "it is a platform's decoder")]
fn any_event<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    assert_eq!(request.body(), "", "no proven bytes");
    assert_eq!((request.unauthenticated_body(), request.unauthenticated_path()), (Some("told"), "/found"));
    assert!(request.claims().is_some_and(|claims| claims.contains("issuer")));
    let mut fields = EventFields::new(EventKind::Other("found".into()));
    fields.app = "a1".into();
    Ok(fields)
}

fn look_up(
    platform: &'static Platform,
    answer: Result<Option<Keys>, KeysUnavailable>,
    token: &str,
) -> (Result<(), Rejection>, Vec<Hint>) {
    let hints = Arc::new(Mutex::new(Vec::new()));
    let source = Source { hints: hints.clone(), answer };
    let verifier = Verifier::with_source(platform, source, "a1").unwrap();
    let value = format!("Bearer {token}");
    let in_body = platform.name() == "wix";
    let lines: Vec<(&str, &[u8])> =
        if in_body { Vec::new() } else { vec![("authorization", value.as_bytes())] };
    let received = || {
        let mut verification = verifier.begin(Head::new("POST", "/found", lines))?;
        let body = if in_body { token } else { "told" };
        verification.push(body.to_owned().into())?;
        if let Some(keys) = verification.look_up() {
            let mut keys = pin!(keys);
            let Poll::Ready(found) = keys.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
                panic!("nothing is awaited")
            };
            verification.supply(found);
        }
        verification.finish(SystemTime::now()).map(drop)
    };
    let outcome = received().map_err(Rejection::from);
    let hints = hints.lock().unwrap().clone();
    (outcome, hints)
}

#[test]
fn keys_are_asked_for_by_what_the_token_says_and_only_for_one_that_they_could_prove() {
    let signing = SigningKeys::for_tests(&FOUND);
    let id = "../key%2f1";
    let key = PublicKey::rsa_pem("current", &signing.public_key().unwrap()).unwrap();
    let keys = || Ok(Some(Keys::from(key.clone().with_id(id))));
    let exp = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 60;
    let claims = format!(r#"{{"iss":"issuer","aud":["a1"],"exp":{exp}}}"#);
    let header = format!(r#"{{"alg":"RS256","kid":"{id}"}}"#);
    let genuine = signing.sign_token(&header, &claims);
    let asked = vec![(Some(id.to_owned()), Some("issuer".to_owned()))];

    assert_eq!(look_up(&FOUND, keys(), &genuine), (Ok(()), asked.clone()));
    assert_eq!(look_up(&FOUND, Ok(None), &genuine), (Err(Rejection::InvalidToken), asked.clone()));
    let unavailable = (Err(Rejection::KeysUnavailable), asked.clone());
    assert_eq!(look_up(&FOUND, Err(KeysUnavailable), &genuine), unavailable);
    let of_another_sort = Keys::from(Secret::new("s3cr3t").unwrap());
    assert_eq!(look_up(&FOUND, Ok(Some(of_another_sort)), &genuine), unavailable);
    let unnamed = signing.sign_token(r#"{"alg":"RS256"}"#, &claims);
    assert_eq!(look_up(&FOUND, keys(), &unnamed).0, Err(Rejection::InvalidToken), "the key has an id");

    for (header, claims) in [
        (r#"{"alg":"none"}"#.to_owned(), claims.clone()),
        (r#"{"alg":"HS256"}"#.to_owned(), claims.clone()),
        (header.replace('}', r#","jku":"https://example.com/keys"}"#), claims.clone()),
        (header.replace('}', r#","crit":["b64"],"b64":false}"#), claims.clone()),
        (header.clone(), claims.replace("exp", "ex")),
        (header.clone(), claims.replace("issuer", "another")),
        (header.clone(), claims.replace("a1", "a2")),
        (header.clone(), claims.replace('}', r#","exp":1}"#)),
        (header.clone(), "not json".to_owned()),
    ] {
        let token = signing.sign_token(&header, &claims);
        let (outcome, hints) = look_up(&FOUND, keys(), &token);
        assert_eq!((outcome, hints.len()), (Err(Rejection::InvalidToken), 0), "{header} {claims}");
    }
    for token in ["", "a.b", &genuine[1..], &format!("{genuine}="), &"a".repeat(9 * 1024)] {
        assert_eq!(look_up(&FOUND, keys(), token).1.len(), 0, "{token}");
    }
}

#[test]
fn a_token_that_is_the_body_is_read_before_keys_are_asked_for() {
    let signing = SigningKeys::for_tests(&wix::PLATFORM);
    let sample = Sender::of(&wix::PLATFORM).unwrap().sample("install").unwrap().app("a1");
    let genuine = signing.sign_token(r#"{"alg":"RS256","kid":"k1"}"#, &sample.claims().unwrap());
    let (outcome, hints) = look_up(&wix::PLATFORM, Ok(Some(signing.verifying())), &genuine);
    assert_eq!((outcome, hints), (Ok(()), vec![(Some("k1".to_owned()), None)]));
    let (outcome, hints) = look_up(&wix::PLATFORM, Ok(Some(signing.verifying())), "{}");
    assert_eq!((outcome, hints.len()), (Err(Rejection::InvalidToken), 0));
}

static UNTOLD: Platform = Platform::new("untold", Proof::Hmac(Scheme::new(&["s"])), Ack::new(200), any_event)
    .with_attempt_time(AttemptTime::IssuedAt);

#[test]
fn keys_of_another_sort_and_a_shared_key_without_an_app_are_errors_at_the_start() {
    let secret = || Secret::new("s3cr3t").unwrap();
    let rsa = || SigningKeys::for_tests(&wix::PLATFORM).verifying();
    let ed25519 = || SigningKeys::for_tests(&discord::PLATFORM).verifying();
    let wrong =
        |platform: &'static Platform, keys: Keys| Verifier::new(platform, keys, "a1").map(drop).unwrap_err();
    for (platform, keys) in [
        (&wix::PLATFORM, secret().into()),
        (&wix::PLATFORM, ed25519()),
        (&monday::PLATFORM, rsa()),
        (&bigcommerce::PLATFORM, ed25519()),
        (&discord::PLATFORM, rsa()),
    ] {
        assert!(matches!(wrong(platform, keys), ConfigError::WrongKeys { .. }), "{}", platform.name());
    }
    let named = ConfigError::WrongKeys { platform: "wix", expected: "RSA public keys" };
    assert_eq!(wrong(&wix::PLATFORM, ed25519()), named);
    let any = Verifier::new(&FOUND, rsa(), ExpectedApp::Any).map(drop).unwrap_err();
    assert_eq!(any, ConfigError::AnyApp { platform: "found" });
    assert_eq!(wrong(&UNTOLD, secret().into()), ConfigError::UnsignedTime { platform: "untold" });
}
