//! Times, on every platform: when a secret is valid while it is replaced, how old an attempt may be, and how late an answer; at the
//! edges too.

use std::time::{Duration, SystemTime};

use lifecycle_core::{
    Algorithm, ExpectedApp, Platform, Proof, Rejection, Secret, Secrets, SigningSecret, Verifier,
};
use lifecycle_testing::{Answer, Consequence, Reason, Sender, SigningKeys, registry};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_nanos(1);

/// 2025-06-15T15:06:40Z.
fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000)
}

/// From when a secret is used, and until when it may be.
#[derive(Clone, Copy, Debug)]
struct Term {
    from: SystemTime,
    until: SystemTime,
}

impl Term {
    fn has(self, time: SystemTime) -> bool {
        self.from <= time && time <= self.until
    }
}

/// One secret after the other: each is used until the next one begins, and some of its senders go on with it for a while.
fn terms() -> impl Strategy<Value = Vec<Term>> {
    proptest::collection::vec((1..100_000u64, 0..1_000u64), 1..4).prop_map(|uses| {
        let mut from = start();
        let term = |(used, overlap)| {
            let term = Term { from, until: from + Duration::from_secs(used + overlap) };
            from += Duration::from_secs(used);
            term
        };
        uses.into_iter().map(term).collect()
    })
}

/// The edges of all terms, and the moments around them.
fn moments(terms: &[Term]) -> Vec<SystemTime> {
    let edges = terms.iter().flat_map(|term| [term.from, term.until]);
    edges.flat_map(|at| [at - SECOND, at - MOMENT, at, at + MOMENT, at + SECOND]).collect()
}

/// The nth secret of a platform: in base64 with a prefix, which is a text too.
fn secret(platform: &Platform, nth: usize) -> (SigningKeys, Secret) {
    let text = format!("whsec_{nth:A>32}");
    let secret = match platform.proof() {
        Proof::Hmac(scheme) => scheme.secret(&text).unwrap(),
        _ => Secret::new(text.as_str()).unwrap(),
    };
    (SigningKeys::parse(platform, &text).unwrap(), secret)
}

fn with_secrets() -> impl Iterator<Item = &'static Sender> {
    registry().iter().copied().filter(|sender| match sender.platform().proof() {
        Proof::Hmac(_) => true,
        Proof::Token(scheme) => scheme.algorithm() == Algorithm::Hs256,
        _ => false,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// So at each moment whoever signs as the timetable allows is let in, with whichever secret, and nobody after its end.
    #[test]
    fn a_secret_verifies_during_its_term_and_at_no_other_moment(terms in terms()) {
        for sender in with_secrets() {
            let platform = sender.platform();
            let mut secrets: Option<Secrets> = None;
            let mut keys = Vec::new();
            for (nth, term) in terms.iter().enumerate() {
                let (signing, secret) = secret(platform, nth);
                let dated = SigningSecret::new(&format!("secret-{nth}"), &secret);
                let dated = dated.not_before(term.from).not_after(term.until);
                secrets = Some(match secrets {
                    Some(secrets) => secrets.or(dated),
                    None => dated.into(),
                });
                keys.push(signing);
            }
            let secrets = secrets.expect("there is at least one");
            let verifier = Verifier::new(platform, secrets, ExpectedApp::Any).unwrap();
            let (_, event) = sender.events().next().unwrap();
            for now in moments(&terms) {
                let sample = sender.sample(event).unwrap().at(now).sent(now);
                for (term, keys) in terms.iter().zip(&keys) {
                    let is_let_in = sample.sign(keys).verify(&verifier, now).is_ok();
                    prop_assert_eq!(is_let_in, term.has(now), "{:?} {:?} {:?}", sender, term, now);
                }
            }
        }
    }
}

#[test]
fn an_attempt_is_fresh_to_the_second_of_the_age_that_its_platform_names_and_as_far_ahead() {
    let mut with_age = Vec::new();
    for sender in registry() {
        let platform = sender.platform();
        let Some(age) = platform.max_age() else { continue };
        with_age.push(platform.name());
        let keys = SigningKeys::for_tests(platform);
        let verifier = Verifier::new(platform, keys.verifying(), ExpectedApp::Any).unwrap();
        for (_, event) in sender.events() {
            let request = sender.sample(event).unwrap().at(start()).sent(start()).sign(&keys);
            for (now, is_fresh) in [
                (start() - age - MOMENT, false),
                (start() - age, true),
                (start(), true),
                (start() + age, true),
                (start() + age + MOMENT, false),
            ] {
                let told = request.verify(&verifier, now).map(drop).map_err(|rejected| rejected.rejection);
                let expected = if is_fresh { Ok(()) } else { Err(Rejection::Stale) };
                assert_eq!(told, expected, "{sender:?} {event} {now:?}");
            }
        }
    }
    assert_eq!(with_age, ["linear", "slack", "standard-webhooks", "stripe", "zoom"]);
}

#[test]
fn an_answer_is_in_time_until_the_deadline_and_late_after_it() {
    for sender in registry() {
        let ack = sender.platform().ack();
        let answer = Answer { status: ack.status(), content_type: ack.content_type(), body: b"" };
        let judge = |elapsed| sender.judge(Some(answer), elapsed);
        let Some(deadline) = ack.deadline() else {
            assert_eq!(judge(Duration::MAX).consequence, Consequence::Accepted, "{sender:?}");
            continue;
        };
        assert_eq!(judge(deadline).consequence, Consequence::Accepted, "{sender:?}");
        let late = judge(deadline + MOMENT);
        assert_eq!(late.reason, Reason::Late { deadline }, "{sender:?}");
        assert_ne!(late.consequence, Consequence::Accepted, "{sender:?}");
    }
}
