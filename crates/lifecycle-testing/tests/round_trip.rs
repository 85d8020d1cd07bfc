//! What the writing half of a platform writes, its reading half reads: for all platforms, and all events that they send.

use std::time::{Duration, SystemTime};

use lifecycle_core::{ExpectedApp, Inbound, LifecycleEvent, Verifier};
use lifecycle_testing::{Answer, Consequence, Reason, Sample, Sender, SigningKeys, registry};
use proptest::prelude::*;

/// What a sample is to tell, as any platform may write it: text, visible ASCII where a header carries it, and digits where its ids are numbers.
#[derive(Clone, Debug)]
struct Told {
    texts: [String; 6],
    visible: [String; 6],
    digits: [u64; 6],
    seconds: u64,
}

/// Any text but a blank one, most often with what readers and writers of JSON treat in a way of its own: all that has to be escaped, NUL among
/// it, what is written from right to left, is not seen, ends a line in JavaScript, or is no character at all, and what needs two escapes.
fn text() -> impl Strategy<Value = String> {
    let own = "\0\u{1}\u{8}\t\n\u{b}\u{c}\r\u{1b}\u{1f}\"\\/{}[]:,.%+&=<> \u{7f}\u{85}\u{a0}é\u{301}\u{200b}\u{200d}\u{2028}\u{2029}\
               \u{202e}\u{2066}☃ש\u{d7ff}\u{e000}\u{fdd0}\u{feff}\u{fffd}\u{ffff}\u{10000}𝒳🦀👩\u{10ffff}";
    let own: Vec<char> = own.chars().collect();
    prop::collection::vec(prop_oneof![3 => prop::sample::select(own), 1 => any::<char>()], 1..12)
        .prop_map(String::from_iter)
        .prop_filter("a blank id is none", |text| !text.trim().is_empty())
}

fn told() -> impl Strategy<Value = Told> {
    // No dot: the id of Standard Webhooks has none.
    let visible = prop::array::uniform6("[!-\\-/-~]{1,12}");
    // Until 2100, and not before 2000, when no event happened.
    let seconds = 946_684_800u64..4_102_444_800;
    (prop::array::uniform6(text()), visible, any::<[u64; 6]>(), seconds)
        .prop_map(|(texts, visible, digits, seconds)| Told { texts, visible, digits, seconds })
}

impl Told {
    /// In the form of what the vendor's sample tells: a number, or a text with the same prefix.
    fn like(&self, nth: usize, told: &str, is_header: bool) -> String {
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if told.split('.').all(is_number) {
            // A version may be three numbers.
            return told.split('.').map(|_| self.digits[nth].to_string()).collect::<Vec<_>>().join(".");
        }
        let prefix = told.split_once(':').map_or(String::new(), |(sort, _)| format!("{sort}:"));
        format!("{prefix}{}", if is_header { &self.visible[nth] } else { &self.texts[nth] })
    }

    fn at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.seconds)
    }
}

fn samples() -> impl Iterator<Item = (&'static Sender, Sample)> {
    registry().iter().flat_map(|sender| {
        sender.events().map(|(_, event)| (*sender, sender.sample(event).expect("it is one of its events")))
    })
}

/// The facts of an event, each if it is told: app, tenant, installation, actor, request id, version.
fn facts(event: &LifecycleEvent) -> [Option<String>; 6] {
    let present = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    [
        present(event.app()),
        present(event.tenant()),
        event.installation().map(str::to_owned),
        event.actor().map(str::to_owned),
        event.request_id().map(str::to_owned),
        event.version().map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_written_is_read_again(told in told()) {
        for (sender, sample) in samples() {
            let vendor = sample.delivery();
            let shown = facts(vendor.event());
            let headers = sample.headers();
            let like = |nth: usize| {
                let shown = shown[nth].as_deref().unwrap_or_default();
                told.like(nth, shown, headers.iter().any(|(_, value)| value == shown))
            };
            // On some platforms, the user that acts is the tenant.
            let acts = (shown[1] != shown[3] && !like(1).starts_with("user:")).then(|| like(3));
            let [.., email, tenant_name, app_name] = &told.texts;
            let named = sample.app_name(app_name).tenant_name(tenant_name).actor_email(email);
            let mut written = named.app(like(0)).tenant(like(1)).installation(like(2));
            if let Some(actor) = &acts {
                written = written.actor(actor);
            }
            let written = written.request_id(like(4)).version(like(5)).at(told.at());
            let delivery = written.delivery();
            let event = delivery.event();
            let name = format!("{sender:?} {written:?}");
            prop_assert_eq!(event.kind(), &written.kind(), "{}", name);
            for (nth, (read, shown)) in facts(event).into_iter().zip(&shown).enumerate() {
                if nth == 3 && acts.is_none() {
                    continue;
                }
                prop_assert_eq!(read, shown.as_ref().map(|_| like(nth)), "{}: {}", name, nth);
            }
            prop_assert_eq!(event.occurred(), vendor.event().occurred().map(|_| told.at()), "{}", name);
        }
    }
}

#[test]
fn a_later_attempt_is_a_duplicate_and_another_event_is_none() {
    for (sender, sample) in samples() {
        let now = SystemTime::now();
        let first = sample.clone().at(now).delivery();
        let retried = sample.clone().at(now).sent(now + Duration::from_secs(60)).delivery();
        assert_eq!(first.idempotency_key(), retried.idempotency_key(), "{sender:?} {sample:?}");
        // GitHub signs neither an id nor a time of sending, so its sample has to be about something else.
        let other = sender.sample(sample.event()).unwrap().at(now + Duration::from_secs(60)).delivery();
        assert_ne!(first.idempotency_key(), other.idempotency_key(), "{sender:?} {sample:?}");
    }
}

#[test]
fn an_event_that_a_platform_does_not_send_yet_is_of_its_own_kind() {
    let mut written = Vec::new();
    for sender in registry() {
        let Some(sample) = sender.unknown("key-rotated") else { continue };
        assert_eq!(sample.delivery().event().kind().name(), "key-rotated", "{sender:?}");
        written.push(sender.platform().name());
    }
    assert_eq!(
        written,
        [
            "azure",
            "discord",
            "monday",
            "saleor",
            "securityscorecard",
            "seismic",
            "slack",
            "standard-webhooks",
            "stripe",
            "wix",
            "zoom"
        ]
    );
}

#[test]
fn a_body_has_a_fresh_id_for_each_sample_and_the_same_bytes_for_one() {
    for (sender, sample) in samples() {
        assert_eq!(sample.body(), sample.clone().body());
        let ids = [&sample, &sender.sample(sample.event()).unwrap()]
            .map(|sample| sample.delivery().event().request_id().map(str::to_owned));
        assert!(ids[0].is_none() || ids[0] != ids[1], "{sender:?} {sample:?}");
    }
}

#[test]
fn both_secrets_sign_while_one_is_replaced_where_there_is_room_for_two() {
    let mut with_two = Vec::new();
    for (sender, sample) in samples() {
        let platform = sender.platform();
        let Ok(new) = SigningKeys::parse(platform, "new-secret") else { continue };
        let old = SigningKeys::parse(platform, "old-secret").unwrap();
        let request = sample.sign(&new.clone().with_previous(old.clone()));
        let accepts = |keys: &SigningKeys| {
            let verifier = Verifier::new(platform, keys.verifying(), ExpectedApp::Any).unwrap();
            request.verify(&verifier, SystemTime::now()).is_ok()
        };
        assert!(accepts(&new) && accepts(&new.clone().with_previous(old.clone())), "{sender:?}");
        if accepts(&old) && !with_two.contains(&platform.name()) {
            with_two.push(platform.name());
        }
    }
    assert_eq!(with_two, ["seismic", "stripe"]);
}

#[test]
fn the_answer_of_core_to_a_handshake_is_what_the_vendor_expects() {
    let mut with_handshake = Vec::new();
    for sender in registry() {
        let Some(handshake) = sender.handshake() else { continue };
        let keys = SigningKeys::for_tests(sender.platform());
        let verifier = Verifier::new(sender.platform(), keys.verifying(), ExpectedApp::Any).unwrap();
        let Inbound::Handshake(reply) = handshake.sign(&keys).verify(&verifier, SystemTime::now()).unwrap()
        else {
            panic!("{sender:?}: a delivery")
        };
        let content_type = reply.headers().find(|(name, _)| *name == "content-type").map(|(_, value)| value);
        let answer = Answer { status: reply.status(), content_type, body: reply.body() };
        let judged = handshake.clone().judged_by(&keys).judge(Some(answer), Duration::from_millis(10));
        assert_eq!(judged.consequence, Consequence::Accepted, "{sender:?}");
        let wrong = Answer { body: b"{}", ..answer };
        let judged = handshake.judge(Some(wrong), Duration::from_millis(10));
        assert_eq!(judged.consequence == Consequence::Accepted, reply.body().is_empty(), "{sender:?}");
        with_handshake.push(sender.platform().name());
    }
    assert_eq!(with_handshake, ["discord", "slack", "zoom"]);
}

#[test]
fn an_answer_means_to_an_administrator_what_its_platform_makes_of_it() {
    let at_most = |hours: u64| Consequence::Retried { at_most: Duration::from_secs(hours * 3600) };
    let json = Some("application/json");
    for (platform, status, content_type, elapsed, expected) in [
        ("seismic", 202, None, 12, Consequence::Accepted),
        ("seismic", 202, None, 3001, Consequence::Blocked),
        ("seismic", 200, None, 12, Consequence::Blocked),
        ("github", 202, None, 12, Consequence::Accepted),
        ("github", 302, None, 12, Consequence::Lost),
        ("github", 200, None, 10_001, Consequence::Lost),
        ("slack", 503, None, 12, at_most(24)),
        ("stripe", 401, None, 60_000, at_most(72)),
        ("stripe", 200, None, 60_000, Consequence::Accepted), // it names no deadline
        ("linear", 200, None, 12, Consequence::Accepted),
        ("linear", 202, None, 12, Consequence::Retried { at_most: Duration::from_secs(7 * 3600 + 60) }),
        ("shopify", 200, None, 5001, at_most(4)),
        ("zoom", 204, None, 12, Consequence::Accepted),
        ("forge", 204, None, 4999, Consequence::Accepted),
        ("forge", 401, None, 12, Consequence::Retried { at_most: Duration::from_secs(300) }),
        ("azure", 200, None, 10_001, at_most(8)),
        ("azure", 500, None, 12, at_most(8)),
        ("azure", 401, None, 12, Consequence::Lost),
        ("saleor", 302, None, 12, Consequence::Lost),
        ("saleor", 202, None, 17_000, Consequence::Accepted),
        ("monday", 200, None, 60_000, Consequence::Accepted), // it names no deadline
        ("bigcommerce", 401, None, 12, Consequence::Lost),
        ("wix", 200, None, 1249, Consequence::Accepted),
        ("wix", 200, None, 1251, at_most(48)),
        ("wix", 202, None, 12, at_most(48)),
        ("securityscorecard", 204, None, 12, Consequence::Accepted),
        ("discord", 204, json, 12, Consequence::Accepted),
        ("discord", 204, None, 12, Consequence::Retried { at_most: Duration::from_secs(600) }),
        ("discord", 200, json, 12, Consequence::Retried { at_most: Duration::from_secs(600) }),
    ] {
        let sender = registry().iter().find(|sender| sender.platform().name() == platform).unwrap();
        let answer = Answer { status, content_type, body: b"" };
        let judged = sender.judge(Some(answer), Duration::from_millis(elapsed));
        assert_eq!(judged.consequence, expected, "{platform} {status}: {}", judged.reason);
    }
}

#[test]
fn a_challenge_may_come_back_as_text_json_or_a_form_and_nothing_else() {
    let sender = registry().iter().find(|sender| sender.platform().name() == "slack").unwrap();
    let handshake = sender.handshake().unwrap().set("challenge", "3eZbrw");
    for (status, body, reason) in [
        (200, "3eZbrw", Reason::Acknowledged(200)),
        (200, r#"{"challenge":"3eZbrw"}"#, Reason::Acknowledged(200)),
        (200, "challenge=3eZbrw", Reason::Acknowledged(200)),
        (200, "", Reason::Challenge),
        (200, r#"{"challenge":"3eZ"}"#, Reason::Challenge),
        (401, "3eZbrw", Reason::Status { got: 401, expected: 200 }),
    ] {
        let answer = Answer { status, content_type: Some("text/plain"), body: body.as_bytes() };
        let judged = handshake.judge(Some(answer), Duration::from_millis(12));
        assert_eq!(judged.reason, reason, "{body}");
        let expected =
            if reason == Reason::Acknowledged(200) { Consequence::Accepted } else { Consequence::Blocked };
        assert_eq!(judged.consequence, expected, "{body}");
    }
    assert_eq!(handshake.judge(None, Duration::from_secs(1)).reason, Reason::NoAnswer);
}
