//! A verifier through its public functions: what it expects, when a request is stale, what a rejection tells of the body.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lifecycle_core::{
    Ack, AttemptTime, ConfigError, Delivery, EventFields, EventKind, ExpectedApp, Head, HookToken, KeyHint,
    KeySource, Keys, KeysUnavailable, Method, Part, Platform, Proof, RejectedRequest, Rejection, Reply,
    RequestBody, Scheme, Secret, SigningSecret, Undecodable, Verification, VerifiedRequest, Verifier,
    async_trait, securityscorecard, seismic, slack,
};

const BODY: &[u8] = br#"{"type":"install","appId":"a","tenantId":"t","timestamp":"2020-09-01T08:45:42Z"}"#;

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

fn verifier(key: &str) -> Verifier {
    Verifier::new(&seismic::PLATFORM, secret(key), ExpectedApp::Any).unwrap()
}

fn open(verifier: &Verifier, headers: &[(&str, &str)]) -> Result<Verification, RejectedRequest> {
    let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    verifier.begin(Head::new("POST", "/seismic", headers))
}

fn signed(verifier: &Verifier, body: &[u8]) -> Verification {
    let signature = seismic::SCHEME.sign(&secret("s"), &[], body);
    open(verifier, &[("X-Seismic-Signature", &signature)]).unwrap()
}

#[test]
fn a_secret_outside_its_time_proves_nothing() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
    let retired = SigningSecret::new("old", &secret("s")).not_after(now);
    let verifier = Verifier::new(&seismic::PLATFORM, retired, ExpectedApp::Any).unwrap();
    let finish = |at| {
        let mut verification = signed(&verifier, BODY);
        verification.push(Bytes::from_static(BODY)).unwrap();
        verification.finish(at).map(|inbound| inbound.delivery().unwrap().trust().clone())
    };
    assert!(finish(now).is_ok());
    let rejected = finish(now + Duration::from_secs(1)).unwrap_err();
    assert_eq!(rejected, RejectedRequest::after_body(Rejection::SignatureMismatch));
}

#[test]
fn a_stale_callback_is_refused_only_after_its_proof() {
    let sent = SystemTime::UNIX_EPOCH + Duration::from_secs(1_598_949_942);
    let verifier = verifier("s").with_max_age(Duration::from_secs(300)).unwrap();
    let finish = |key: &str, at| {
        let signature = seismic::SCHEME.sign(&secret(key), &[], BODY);
        let mut verification = open(&verifier, &[("x-seismic-signature", &signature)]).unwrap();
        verification.push(Bytes::from_static(BODY)).unwrap();
        verification.finish(at).map(drop).map_err(Rejection::from)
    };
    assert_eq!(finish("s", sent + Duration::from_secs(300)), Ok(()));
    assert_eq!(finish("s", sent + Duration::from_secs(301)), Err(Rejection::Stale));
    assert_eq!(finish("s", sent - Duration::from_secs(301)), Err(Rejection::Stale));
    assert_eq!(finish("forged", sent + Duration::from_secs(301)), Err(Rejection::SignatureMismatch));
}

fn finish(verifier: &Verifier, body: &'static [u8]) -> Result<Delivery, Rejection> {
    let mut verification = signed(verifier, body);
    verification.push(Bytes::from_static(body))?;
    let inbound = verification.finish(SystemTime::UNIX_EPOCH)?;
    Ok(inbound.delivery().expect("no handshake"))
}

#[test]
fn an_expected_app_refuses_a_different_one_and_stands_in_for_none() {
    let any = verifier("s");
    let expecting = Verifier::new(&seismic::PLATFORM, secret("s"), "a").unwrap();
    let told: &[u8] = br#"{"type":"key-rotated","appId":"a","requestId":"r"}"#;
    for untold in [
        br#"{"type":"key-rotated","requestId":"r"}"#.as_slice(),
        br#"{"type":"key-rotated","requestId":"r","appId":""}"#,
        br#"{"type":"key-rotated","requestId":"r","appId":7}"#,
    ] {
        let delivery = finish(&expecting, untold).unwrap();
        assert_eq!(delivery.event().app(), "a");
        assert_eq!(delivery.idempotency_key(), finish(&expecting, told).unwrap().idempotency_key());
        assert_eq!(finish(&any, untold).unwrap().event().app(), "");
    }
    let other = br#"{"type":"key-rotated","appId":"b"}"#;
    assert_eq!(finish(&expecting, other).unwrap_err(), Rejection::UnexpectedApp);
    let known = finish(&expecting, br#"{"type":"install","tenantId":"t"}"#).unwrap_err();
    assert_eq!(known, Rejection::Undecodable(Undecodable::Missing("appId")));
}

#[test]
fn a_url_for_one_event_takes_no_other() {
    let one = verifier("s").expect_event(EventKind::Install);
    assert_eq!(finish(&one, BODY).unwrap().event().kind(), &EventKind::Install);
    let other = br#"{"type":"uninstall","appId":"a","tenantId":"t"}"#;
    assert_eq!(finish(&one, other).unwrap_err(), Rejection::UnexpectedEvent);
}

#[test]
fn the_time_of_an_attempt_is_in_no_header_that_nobody_signed() {
    const SIGNED: Scheme = Scheme::new(&["x-sign"]).with_signed(&[Part::Header("x-time"), Part::Body]);
    static RIGHT: Platform = Platform::new("right", Proof::Hmac(SIGNED), Ack::new(200), no_event)
        .with_attempt_time(AttemptTime::Header("x-time"));
    static WRONG: Platform = Platform::new("wrong", Proof::Hmac(SIGNED), Ack::new(200), no_event)
        .with_headers(&["x-sent"])
        .with_attempt_time(AttemptTime::Header("x-sent"));
    assert!(Verifier::new(&RIGHT, secret("s"), ExpectedApp::Any).is_ok());
    let refused = Verifier::new(&WRONG, secret("s"), ExpectedApp::Any).unwrap_err();
    assert_eq!(refused, ConfigError::UnsignedTime { platform: "wrong" });
}

fn no_event<'a>(_: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    Err(Undecodable::NotUtf8)
}

#[test]
fn a_byte_order_mark_is_signed_and_kept_and_not_read() {
    let verifier = verifier("s");
    let marked = b"\xef\xbb\xbf{\"type\":\"install\",\"appId\":\"a\",\"tenantId\":\"t\"}";
    let delivery = finish(&verifier, marked).unwrap();
    assert_eq!((delivery.event().app(), delivery.event().tenant()), ("a", "t"));
    assert_eq!(delivery.body(), marked.as_slice());
    assert_eq!(delivery.payload::<seismic::Callback>().unwrap().tenant_id.as_deref(), Some("t"));

    let unmarked = finish(&verifier, &marked[3..]).unwrap();
    assert_ne!(delivery.idempotency_key(), unmarked.idempotency_key(), "a digest is over the raw bytes");
    let mut forged = signed(&verifier, &marked[3..]);
    forged.push(Bytes::from_static(marked)).unwrap();
    assert_eq!(forged.finish(SystemTime::now()).unwrap_err().rejection, Rejection::SignatureMismatch);
    let twice = finish(&verifier, b"\xef\xbb\xbf\xef\xbb\xbf{}").unwrap_err();
    assert!(matches!(twice, Rejection::Undecodable(_)), "one is a mark, two are no JSON");
}

#[test]
fn whoever_does_not_know_the_token_is_not_told_which_method_is_right() {
    let token = HookToken::new("0123456789abcdef0123456789abcdef").unwrap();
    let hook = Verifier::new(&securityscorecard::PLATFORM, token, ExpectedApp::Any).unwrap();
    for method in ["GET", "HEAD", "PUT", "OPTIONS", "POST"] {
        let open = |path| {
            let opened = hook.begin(Head::new(method, path, []));
            opened.map(drop).map_err(|rejected| rejected.rejection)
        };
        let reply = open("/hook/0123456789abcdef0123456789abcdee").unwrap_err().reply();
        assert_eq!(reply, Reply::empty(404), "{method}");
        let right = open("/hook/0123456789abcdef0123456789abcdef");
        assert_eq!(
            right,
            if method == "POST" { Ok(()) } else { Err(Rejection::MethodNotAllowed(Method::Post)) }
        );
    }
}

#[test]
fn a_refusal_by_the_head_tells_whether_a_body_was_left_unread() {
    type Lines<'l> = &'l [(&'l str, &'l str)];
    let hook = HookToken::new("hook-token-0123456789abcdef").unwrap();
    let hook = Verifier::new(&securityscorecard::PLATFORM, hook, ExpectedApp::Any).unwrap();
    let seismic = verifier("s").with_max_body(10);
    let ambiguous = [("x-seismic-signature", "aa"), ("x-seismic-signature", "bb")];
    let cases: [(&Verifier, &str, Lines<'_>); 6] = [
        (&seismic, "GET", &[]),
        (&hook, "POST", &[]),
        (&seismic, "POST", &[]),
        (&seismic, "POST", &ambiguous),
        (&seismic, "POST", &[("x-seismic-signature", "\u{e9}")]),
        (&seismic, "POST", &[("x-seismic-signature", "aa")]),
    ];
    for (verifier, method, lines) in cases {
        for (announced, body) in [
            (&[][..], RequestBody::Read),
            (&[("Content-Length", "0")], RequestBody::Read),
            (&[("Content-Length", "11")], RequestBody::Unread),
            (&[("Transfer-Encoding", "chunked")], RequestBody::Unread),
        ] {
            // Behind the lines that decide, where reading them could have stopped.
            let headers = lines.iter().chain(announced).map(|(name, value)| (*name, value.as_bytes()));
            let rejected = verifier.begin(Head::new(method, "/x", headers)).unwrap_err();
            assert_eq!(rejected.body, body, "{method} {lines:?} {announced:?}");
        }
    }
    let signature = seismic::SCHEME.sign(&secret("s"), &[], BODY);
    let too_large = [("x-seismic-signature", signature.as_str()), ("content-length", "11")];
    assert_eq!(open(&seismic, &too_large).unwrap_err(), Rejection::BodyTooLarge.into());
}

#[test]
fn a_timeout_beyond_the_platforms_deadline_is_cut() {
    let verifier = verifier("s");
    assert_eq!(verifier.timeout(), Verifier::DEFAULT_TIMEOUT);
    assert_eq!(verifier.with_timeout(Duration::from_secs(60)).timeout(), Duration::from_secs(3));
}

#[test]
fn keys_that_do_not_fit_the_proof_are_a_configuration_error() {
    let token = HookToken::new("0123456789abcdef0123456789abcdef").unwrap();
    let wrong = |platform: &'static Platform, keys: Keys| {
        Verifier::new(platform, keys, ExpectedApp::Any).map(drop).unwrap_err().to_string()
    };
    assert_eq!(wrong(&seismic::PLATFORM, token.into()), "seismic is verified with signing secrets");
    let expected = "securityscorecard is verified with the token of an unguessable URL";
    assert_eq!(wrong(&securityscorecard::PLATFORM, secret("s").into()), expected);
    let aged =
        Verifier::new(&securityscorecard::PLATFORM, HookToken::new("0123456789abcdef012345").unwrap(), "a")
            .unwrap()
            .with_max_age(Duration::from_secs(300));
    assert_eq!(aged.map(drop), Err(ConfigError::UntoldTime { platform: "securityscorecard" }));
}

#[test]
fn the_vendors_own_maximum_age_holds_by_default_and_is_of_the_attempt() {
    let body = br#"{"type":"event_callback","team_id":"T","api_app_id":"A","event_time":1,"event":{"type":"app_uninstalled"}}"#;
    let attempted = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let verifier = Verifier::new(&slack::PLATFORM, secret("s"), "A").unwrap();
    let finish = |now| {
        let time = (slack::TIMESTAMP, b"1767225600".as_slice());
        let signature = slack::SCHEME.sign(&secret("s"), &[time], body);
        let headers = [(slack::SIGNATURE, signature.as_bytes()), time];
        let mut verification = verifier.begin(Head::new("POST", "/slack", headers)).unwrap();
        verification.push(Bytes::from_static(body)).unwrap();
        verification.finish(now).map(drop).map_err(Rejection::from)
    };
    assert_eq!(finish(attempted + Duration::from_secs(300)), Ok(()), "though its event is of 1970");
    assert_eq!(finish(attempted + Duration::from_secs(301)), Err(Rejection::Stale));
    assert_eq!(finish(attempted - Duration::from_secs(301)), Err(Rejection::Stale));
}

#[test]
fn keys_are_replaced_while_it_runs_for_its_clones_too() {
    let running = verifier("old");
    let clone = running.clone().with_max_body(1000);
    let keys = running.keys().unwrap();
    assert!(keys.replace(HookToken::new("0123456789abcdef012345").unwrap()).is_err());
    assert!(finish(&clone, BODY).is_err());
    keys.replace(secret("s")).unwrap();
    assert!(finish(&running, BODY).is_ok() && finish(&clone, BODY).is_ok());
}

/// Has a key for one shop, and no answer for another.
struct Shops;

#[async_trait]
impl KeySource for Shops {
    fn cached(&self, hint: &KeyHint) -> Option<Keys> {
        (hint.unauthenticated_header("x-slack-request-timestamp") == Some("1"))
            .then(|| Keys::from(secret("s")).with_owner("one"))
    }

    async fn find(&self, hint: &KeyHint) -> Result<Option<Keys>, KeysUnavailable> {
        match hint.unauthenticated_header("x-slack-request-timestamp") {
            Some("2") => Ok(Some(secret("s").into())),
            Some("3") => Ok(None),
            Some("4") => Ok(Some(HookToken::new("0123456789abcdef012345").unwrap().into())),
            _ => Err(KeysUnavailable),
        }
    }
}

#[tokio::test]
async fn keys_are_looked_up_after_the_body_and_what_is_not_found_is_told_from_what_cannot_be_had() {
    let verifier = Verifier::with_source(&slack::PLATFORM, Shops, "A").unwrap();
    let body = br#"{"type":"app_rate_limited","api_app_id":"A"}"#;
    for (time, awaited, expected) in [
        ("1", false, Ok(())),
        ("2", true, Ok(())),
        ("3", true, Err(Rejection::SignatureMismatch)),
        ("4", true, Err(Rejection::KeysUnavailable)),
        ("5", true, Err(Rejection::KeysUnavailable)),
    ] {
        let line = (slack::TIMESTAMP, time.as_bytes());
        let signature = slack::SCHEME.sign(&secret("s"), &[line], body);
        let headers = [(slack::SIGNATURE, signature.as_bytes()), line];
        let mut verification = verifier.begin(Head::new("POST", "/slack", headers)).unwrap();
        verification.push(Bytes::from_static(body)).unwrap();
        let lookup = verification.look_up();
        assert_eq!(lookup.is_some(), awaited, "{time}");
        if let Some(keys) = lookup {
            verification.supply(keys.await);
        }
        let finished = verification.finish(SystemTime::UNIX_EPOCH).map(drop).map_err(Rejection::from);
        assert_eq!(finished, expected, "{time}");
    }
    let never_supplied = verifier
        .begin(Head::new(
            "POST",
            "/slack",
            [
                (slack::TIMESTAMP, b"2".as_slice()),
                (slack::SIGNATURE, format!("v0={}", "0".repeat(64)).as_bytes()),
            ],
        ))
        .unwrap();
    assert_eq!(
        never_supplied.finish(SystemTime::UNIX_EPOCH).unwrap_err().rejection,
        Rejection::KeysUnavailable
    );
}

#[test]
fn debug_shows_no_secret() {
    let shown = verifier("hunter2");
    let shown = format!("{shown:?} {:?}", signed(&verifier("s"), BODY));
    assert!(!shown.contains("hunter2") && !shown.contains("tenantId"), "{shown}");
}
