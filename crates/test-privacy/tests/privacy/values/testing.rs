//! Values of the crate for tests, which tools sign with real secrets by.

use std::sync::OnceLock;
use std::time::SystemTime;

use lifecycle_core::{EventKind, discord, securityscorecard, seismic};
use lifecycle_testing::{Answer, Draft, Facts, Sender, SignedRequest, SigningKeys, Template, sample};
use test_privacy::CANARY;

use super::{Shown, debug};

pub(super) fn values() -> Vec<Shown> {
    let keys = SigningKeys::parse(&seismic::PLATFORM, CANARY).unwrap();
    let sample = sample(&seismic::PLATFORM, &EventKind::Install).tenant(CANARY).set("unknown", CANARY);
    let headers = [("x-canary", CANARY)];
    let mut shown = vec![
        debug(&Answer { status: 200, content_type: Some(CANARY), body: CANARY.as_bytes() }),
        debug(&SignedRequest::new(&seismic::PLATFORM, &keys, &headers, CANARY, SystemTime::now())),
        debug(&sample),
        debug(&keys),
        debug(&SigningKeys::parse(&securityscorecard::PLATFORM, CANARY).unwrap()),
        debug(&SigningKeys::for_tests(&discord::PLATFORM)),
        debug(&OWN),
        debug(&EVENTS[0]),
    ];
    OWN.sample("install").unwrap().tenant(CANARY).body();
    shown.extend(
        FILLED
            .get()
            .expect("a sample was filled")
            .iter()
            .map(|(name, texts)| Shown { name, texts: texts.to_vec() }),
    );
    shown
}

/// Only the function that fills a sample ever sees these.
static FILLED: OnceLock<[(&str, [String; 2]); 2]> = OnceLock::new();

static OWN: Sender = Sender::new(&seismic::PLATFORM, EVENTS, fill);

const EVENTS: &[Template] = &[Template::new("install", "install", CANARY_SAMPLE)];

const CANARY_SAMPLE: &str = "{}";

fn fill(facts: &Facts, draft: &mut Draft) {
    draft.header("x-canary", CANARY);
    FILLED.get_or_init(|| {
        [
            (std::any::type_name::<Facts>(), [format!("{facts:?}"), format!("{facts:#?}")]),
            (std::any::type_name::<Draft>(), [format!("{draft:?}"), format!("{draft:#?}")]),
        ]
    });
}
