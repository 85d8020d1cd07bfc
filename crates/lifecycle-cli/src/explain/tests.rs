//! What is made wrong on purpose, on every platform, is named rightly.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use lifecycle_core::Proof;
use lifecycle_testing::{KeysFrom, RSA_TEST_KEY, Sender, SignedRequest, SigningKeys, registry};

use super::cause;
use super::diagnosis::{Case, Diagnosis, Material};
use super::{has_public_key, verifying};
use crate::request_headers::Request;

mod public_keys;
mod saved;
mod secrets;
mod tokens;

/// A request as it came, and a key.
#[derive(Clone)]
struct Held {
    sender: &'static Sender,
    request: Request,
    key: Vec<u8>,
    app: Option<String>,
}

impl Held {
    /// A genuine request of a platform, and the key as its page or its URL shows it.
    fn genuine(sender: &'static Sender) -> Self {
        let text = SigningKeys::parse(sender.platform(), SEED).map_or(RSA_TEST_KEY, |_| SEED);
        let keys = SigningKeys::parse(sender.platform(), text).unwrap();
        let (_, event) = sender.events().next().unwrap();
        let request = sender.sample(event).unwrap().sign(&keys);
        let key = match sender.keys_from() {
            KeysFrom::App => keys.public_key(),
            _ => keys.key_set(),
        };
        let key = key.unwrap_or_else(|| text.to_owned()).into_bytes();
        Self { sender, request: saved_as(&request), key, app: None }
    }

    fn diagnosis(&self) -> Diagnosis {
        let platform = self.sender.platform();
        let material = if has_public_key(platform) {
            Material::Public(&self.key)
        } else {
            Material::Secret { current: &self.key, previous: None }
        };
        let verifying = verifying(platform, material);
        let app = self.app.as_deref();
        let case = Case { sender: self.sender, request: &self.request, material, verifying, app };
        case.diagnose().unwrap_or_else(|failure| panic!("{:?}: {failure}", self.sender))
    }

    fn causes(&self) -> Option<BTreeSet<&'static str>> {
        let causes = self.diagnosis().findings.causes;
        causes.map(|causes| causes.into_iter().map(|finding| finding.cause.id).collect())
    }

    /// The details of what was found.
    fn details(&self) -> Vec<String> {
        let causes = self.diagnosis().findings.causes.unwrap_or_default();
        causes.into_iter().filter_map(|finding| finding.detail).collect()
    }
}

/// The seed of RFC 8032, section 7.1, test 1, which is a secret elsewhere.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

fn saved_as(request: &SignedRequest) -> Request {
    Request {
        signature: None,
        target: Some(request.target.clone()),
        headers: request.headers.clone(),
        body: request.body.clone(),
        has_body: true,
        at: None,
        is_picked: false,
    }
}

/// A mistake, the causes that have to be named, and how it is made; `None` where a platform cannot have it.
type Wrong = (&'static [&'static str], fn(Held) -> Option<Held>);

/// Makes each mistake on each of these platforms, and gives how many were made.
fn all_are_named(senders: impl Iterator<Item = &'static Sender>, mistakes: &[Wrong]) -> usize {
    let (mut count, mut wrong) = (0, Vec::new());
    for sender in senders {
        let genuine = Held::genuine(sender);
        assert_eq!(genuine.causes(), Some(BTreeSet::new()), "{sender:?} as it is");
        for (place, (causes, make)) in mistakes.iter().enumerate() {
            let Some(made) = make(genuine.clone()) else { continue };
            count += 1;
            let found = made.causes();
            let expected: BTreeSet<&str> = causes.iter().copied().collect();
            let is_right =
                if expected.is_empty() { found.is_none() } else { found.as_ref() == Some(&expected) };
            if !is_right {
                wrong.push(format!("{sender:?} {place} {causes:?}: {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}: {wrong:#?}", wrong.len());
    count
}

/// What is wrong with a request whose signature matches.
const TIMES: &[Wrong] = &[
    (&["stale"], |mut held| {
        held.sender.platform().max_age()?;
        held.request.at = Some(SystemTime::now() + Duration::from_secs(3600));
        Some(held)
    }),
    (&["stale"], |mut held| {
        held.sender.platform().max_age()?;
        held.request.at = Some(SystemTime::now() - Duration::from_secs(3600));
        Some(held)
    }),
];

fn signing() -> impl Iterator<Item = &'static Sender> {
    let signs = |sender: &&Sender| !matches!(sender.platform().proof(), Proof::UnguessableUrl);
    registry().iter().copied().filter(signs)
}

#[test]
fn a_genuine_request_of_every_platform_matches() {
    assert!(all_are_named(signing(), TIMES) >= 8);
}

#[test]
fn every_cause_has_a_case_in_which_it_is_the_only_one() {
    #[derive(serde::Deserialize)]
    struct Case {
        causes: Option<BTreeSet<String>>,
    }

    let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/cli/explain.json")).unwrap();
    let written = cases.into_iter().filter_map(|case| case.causes);
    let alone = written.filter(|causes| causes.len() == 1).flatten();
    let tables =
        [TIMES, public_keys::KEYS, public_keys::BODIES, tokens::PLACES, tokens::HEADERS, tokens::CLAIMS];
    let wrong = tables.into_iter().flatten().filter_map(|(causes, _)| match causes {
        [one] => Some((*one).to_owned()),
        _ => None,
    });
    let made = secrets::MISTAKES.iter().map(|(cause, _)| (*cause).to_owned());
    let tested: BTreeSet<String> = alone.chain(made).chain(wrong).collect();
    let known: BTreeSet<String> = cause::all().map(|cause| cause.id.to_owned()).collect();
    assert_eq!(tested, known);
}
