//! Platforms: what verifying and decoding an event of each costs, over the proof that no receiver of it can leave out.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lifecycle_core::{
    Algorithm, EventFields, EventKind, Head, Inbound, Keys, Platform, Proof, RejectedRequest, Rejection,
    TokenPlace, TokenScheme, Undecodable, VerifiedRequest, Verifier,
};
use lifecycle_testing::{KeysFrom, RSA_TEST_KEY, Sender, SignedRequest, SigningKeys, registry};
use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{
    ED25519, Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
};

use crate::Failure;
use crate::measure::{Case, Rounds, interleave};
use crate::report::{Bound, Cell, Goal, Report, Table};

use super::callbacks::{Callback, mean};
use super::contestant::{Judge, allocations};
use super::{Pace, case, limit};

const NOTE: &str = "\
256 samples of one kind each, as `lifecycle-testing` writes them, from the head of the request to an owned `Delivery`. **The \
bare proof** is one HMAC of the body, or of what a token signs, with its key scheduled beforehand, by the faster of two backends; \
where a platform signs with Ed25519 or RS256, it is `ring`'s verification of such a signature. What a platform signs beside the \
body is left out of it. **Verify** ends with the proof, where a private key makes it: the head and the token are read, and nothing \
is decoded. Allocations are those of one call; a platform whose headers are kept needs one for them.";

const VARIETY: usize = 256;

pub(super) fn measure(report: &mut Report, pace: Pace) -> Result<(), Failure> {
    let mut rows = Vec::new();
    let mut slowest = [None; 4];
    let mut slowest_alone = [None; 4];
    let mut most = 0;
    for sender in registry() {
        let Some(samples) = Samples::of(sender) else { continue };
        let measured = samples.measure(pace)?;
        let ratio = measured.rounds.ratio(measured.ours, measured.bare);
        let alone = measured.alone.map(|alone| measured.rounds.ratio(alone, measured.bare));
        for (slowest, ratio) in [(&mut slowest, Some(ratio)), (&mut slowest_alone, alone)] {
            let slowest = &mut slowest[samples.bare as usize];
            *slowest = ratio.map(|ratio| ratio.median.max(slowest.unwrap_or_default())).or(*slowest);
        }
        if samples.bare == Bare::Hmac {
            most = most.max(measured.allocations);
        }
        rows.push(vec![
            Cell::new(sender.platform().name()),
            Cell::new(samples.kind),
            count(mean(&samples.signed) as u64),
            Cell::Number(measured.rounds.nanos(measured.bare).median, ""),
            alone.map_or(Cell::None, Cell::Ratio),
            Cell::Ratio(ratio),
            count(measured.allocations),
        ]);
    }
    report.table(Table {
        title: "Each platform".to_owned(),
        note: NOTE.to_owned(),
        headings: [
            "platform",
            "kind",
            "bytes",
            "bare proof, ns",
            "verify / bare proof",
            "verify and decode / bare proof",
            "allocations",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows,
    });
    for (what, bound, measured) in [
        (
            "verify and decode an event of any platform, over the HMAC of its body",
            3.2,
            slowest[Bare::Hmac as usize],
        ),
        ("the same, over ring's verification of an Ed25519 signature", 1.15, slowest[Bare::Ed25519 as usize]),
        (
            "verify, and decode nothing, over ring's verification of an RS256 signature",
            1.10,
            slowest_alone[Bare::Rs256 as usize],
        ),
        (
            "allocations to verify and decode an event that is proven by an HMAC of its body",
            1.0,
            Some(exact(most)),
        ),
    ] {
        report.goal(Goal {
            id: "G6",
            what: what.to_owned(),
            bound: Bound::AtMost(bound),
            measured,
            note: String::new(),
        });
    }
    Ok(())
}

/// What a receiver cannot leave out.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Bare {
    Ed25519,
    Hmac,
    /// The HMAC of a token.
    Hs256,
    Rs256,
}

impl Bare {
    /// `None` where the platform proves nothing, so that nothing is there to compare with.
    fn of(proof: &Proof) -> Option<Self> {
        Some(match proof {
            Proof::Hmac(_) => Self::Hmac,
            Proof::PublicKey(scheme) if scheme.scheme().is_some() => Self::Ed25519,
            Proof::Token(scheme) if scheme.algorithm() == Algorithm::Hs256 => Self::Hs256,
            Proof::PublicKey(_) | Proof::Token(_) => Self::Rs256,
            _ => return None,
        })
    }
}

/// Requests of one kind on one platform.
struct Samples {
    kind: &'static str,
    requests: Vec<(SignedRequest, Bytes)>,
    signed: Vec<Callback>,
    verifier: Verifier,
    /// Ends with the proof, where a private key makes it.
    alone: Option<Verifier>,
    sent: SystemTime,
    bare: Bare,
}

struct Measured {
    rounds: Rounds,
    bare: usize,
    alone: Option<usize>,
    ours: usize,
    allocations: u64,
}

impl Samples {
    fn of(sender: &'static Sender) -> Option<Self> {
        let platform = sender.platform();
        let bare = Bare::of(platform.proof())?;
        let (kind, _) = sender.events().find(|(kind, _)| EventKind::from_name(kind).is_known())?;
        let keys = SigningKeys::for_tests(platform);
        let sent = SystemTime::now();
        let request = |_| {
            let sample = sender.sample(kind).expect("it is one of its events");
            let request = sample.app(APP).at(sent).sent(sent).sign(&keys);
            let body = Bytes::from(request.body.clone());
            (request, body)
        };
        let requests: Vec<_> = (0..VARIETY).map(request).collect();
        let signed = requests.iter().map(|(request, body)| {
            let signed = match platform.proof() {
                Proof::Token(scheme) => signed_part(scheme, request),
                _ => body.clone(),
            };
            Callback { signed: signed.clone(), shown: signed }
        });
        let signed = signed.collect();
        let keys = match sender.keys_from() {
            KeysFrom::Tenant { .. } => keys.verifying().with_owner("the tenant"),
            _ => keys.verifying(),
        };
        let alone = matches!(bare, Bare::Ed25519 | Bare::Rs256).then(|| alone(platform, keys.clone()));
        let verifier = Verifier::new(platform, keys, APP).expect("the keys fit");
        Some(Self { kind, requests, signed, verifier, alone, sent, bare })
    }

    fn measure(&self, pace: Pace) -> Result<Measured, Failure> {
        let ours = self.judge(&self.verifier, is_delivery);
        let alone = self.alone.as_ref().map(|alone| self.judge(alone, is_proven));
        let mut cases = match self.bare {
            Bare::Ed25519 => vec![ed25519(&self.signed)],
            Bare::Hmac | Bare::Hs256 => Vec::from(limit::cases(&self.signed)),
            Bare::Rs256 => vec![rs256(&self.signed)],
        };
        let alternatives = cases.len();
        cases.push(case("ours", &ours));
        cases.extend(alone.iter().map(|alone| case("ours, decoding nothing", alone)));
        let rounds = interleave(&mut cases, pace.rounds, pace.slice)?;
        let bare = if alternatives == 1 { 0 } else { limit::faster(&rounds) };
        let allocations = allocations(&ours);
        let alone = self.alone.as_ref().map(|_| alternatives + 1);
        Ok(Measured { ours: alternatives, alone, bare, allocations, rounds })
    }

    fn judge(&self, verifier: &Verifier, is_right: fn(Answer) -> bool) -> Judge {
        let (requests, verifier, sent) = (self.requests.clone(), verifier.clone(), self.sent);
        Box::new(move |call| {
            let (request, body) = &requests[call % requests.len()];
            let lines = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            let Ok(mut verification) = verifier.begin(Head::new(request.method, &request.target, lines))
            else {
                return false;
            };
            verification.push(body.clone()).is_ok()
                && is_right(std::hint::black_box(verification.finish(sent)))
        })
    }
}

/// How a verification ends.
type Answer = Result<Inbound, RejectedRequest>;

fn is_delivery(answer: Answer) -> bool {
    answer.is_ok_and(|inbound| inbound.delivery().is_ok())
}

/// Whether it ends with what comes after the proof, on a platform that decodes nothing.
fn is_proven(answer: Answer) -> bool {
    answer.is_err_and(|rejected| rejected.rejection == Rejection::Undecodable(NOTHING))
}

const NOTHING: Undecodable = Undecodable::Missing("what is not decoded here");

/// A verifier of this platform's requests that ends with the proof.
fn alone(platform: &Platform, keys: Keys) -> Verifier {
    fn decode<'a>(_: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
        Err(NOTHING)
    }
    let proven = Platform::new(platform.name(), *platform.proof(), *platform.ack(), decode);
    // A verifier keeps its platform for as long as the program runs, which is short.
    Verifier::new(Box::leak(Box::new(proven)), keys, APP).expect("the keys fit")
}

/// The app that all of them are about.
const APP: &str = "04bd6eda";

/// What the token of a request signs: all in front of its last dot.
fn signed_part(scheme: &TokenScheme, request: &SignedRequest) -> Bytes {
    let token = match scheme.place() {
        TokenPlace::Header { name, .. } => {
            let header = request.headers.iter().find(|(own, _)| own == name);
            header.and_then(|(_, value)| value.rsplit(' ').next()).unwrap_or_default()
        }
        TokenPlace::Query(name) => {
            request.target.split_once(&format!("{name}=")).map_or("", |(_, rest)| rest)
        }
        _ => std::str::from_utf8(&request.body).unwrap_or_default(),
    };
    let (signed, _) = token.rsplit_once('.').expect("a request has a token");
    Bytes::from(signed.to_owned())
}

/// The verification of an Ed25519 signature of each, and nothing else.
fn ed25519(callbacks: &[Callback]) -> Case<'static> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("any 32 bytes are a seed");
    let signed: Vec<_> =
        callbacks.iter().map(|callback| (callback.signed.clone(), pair.sign(&callback.signed))).collect();
    let public = pair.public_key().as_ref().to_vec();
    Case::new("ring", move |call| {
        let (bytes, signature) = &signed[call % signed.len()];
        UnparsedPublicKey::new(&ED25519, &public).verify(bytes, signature.as_ref())
    })
}

/// The verification of an RS256 signature of each, and nothing else.
fn rs256(callbacks: &[Callback]) -> Case<'static> {
    let base64: String = RSA_TEST_KEY.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(base64).expect("a PEM is base64");
    let pair = rsa::KeyPair::from_pkcs8(&der).expect("it is a key");
    let sign = |callback: &Callback| {
        let mut signature = vec![0; pair.public().modulus_len()];
        let random = SystemRandom::new();
        pair.sign(&RSA_PKCS1_SHA256, &random, &callback.signed, &mut signature).expect("it fits");
        (callback.signed.clone(), signature)
    };
    let signed: Vec<_> = callbacks.iter().map(sign).collect();
    let public = pair.public().as_ref().to_vec();
    Case::new("ring", move |call| {
        let (bytes, signature) = &signed[call % signed.len()];
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &public).verify(bytes, signature)
    })
}

fn count(count: u64) -> Cell {
    Cell::Number(exact(count), "")
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few digits")]
fn exact(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use lifecycle_testing::RSA_OTHER_TEST_KEY;

    use super::*;

    #[test]
    fn each_sample_is_accepted_and_none_with_another_key() {
        let all: Vec<Samples> = registry().iter().filter_map(|sender| Samples::of(sender)).collect();
        assert_eq!(all.len(), registry().len() - 1, "all but the one that proves nothing");
        for mut samples in all {
            let platform = samples.verifier.platform();
            let name = platform.name();
            let delivers = |samples: &Samples| samples.judge(&samples.verifier, is_delivery);
            let proves = |alone: &Verifier| samples.judge(alone, is_proven);
            assert!((0..VARIETY).all(delivers(&samples)), "{name}");
            assert!(samples.alone.as_ref().is_none_or(|alone| (0..VARIETY).all(proves(alone))), "{name}");
            let other = match samples.bare {
                Bare::Ed25519 => SigningKeys::parse(platform, &"07".repeat(32)),
                Bare::Hmac | Bare::Hs256 => {
                    SigningKeys::parse(platform, "d2hzZWNfb3RoZXIgdGhhbiB0aGUgZmlyc3Q=")
                }
                Bare::Rs256 => SigningKeys::parse(platform, RSA_OTHER_TEST_KEY),
            };
            let other = other.unwrap().verifying();
            let other_alone = alone(platform, other.clone());
            assert!(!(0..VARIETY).any(proves(&other_alone)), "{name}");
            samples.verifier = Verifier::new(platform, other, APP).unwrap();
            assert!(!(0..VARIETY).any(delivers(&samples)), "{name}");
        }
    }
}
