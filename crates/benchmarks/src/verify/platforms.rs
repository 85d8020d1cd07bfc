//! Platforms: what verifying and decoding an event of each costs, over the proof that no receiver of it can leave out.

use std::time::SystemTime;

use bytes::Bytes;
use lifecycle_core::{EventKind, ExpectedApp, Head, Proof, Verifier};
use lifecycle_testing::{Sender, SignedRequest, SigningKeys, registry};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::Failure;
use crate::measure::{Case, Rounds, interleave};
use crate::report::{Bound, Cell, Goal, Report, Table};

use super::callbacks::{Callback, mean};
use super::contestant::{Judge, allocations};
use super::{Pace, case, limit};

const NOTE: &str = "\
256 samples of one kind each, as `lifecycle-testing` writes them, from the head of the request to an owned `Delivery`. **The \
bare proof** is one HMAC of the body with its key scheduled beforehand, by the faster of two backends; where a platform signs \
with Ed25519, it is `ring`'s verification of a signature of the body. What a platform signs beside the body is left out of it. \
Allocations are those of one call; a platform whose headers are kept needs one for them.";

const VARIETY: usize = 256;

pub(super) fn measure(report: &mut Report, pace: Pace) -> Result<(), Failure> {
    let mut rows = Vec::new();
    let (mut hmac, mut public, mut most) = (None, None, 0);
    for sender in registry() {
        let Some(samples) = Samples::of(sender) else { continue };
        let measured = samples.measure(pace)?;
        let ratio = measured.rounds.ratio(measured.ours, measured.bare);
        let worst = if samples.is_public { &mut public } else { &mut hmac };
        *worst = Some(ratio.median.max(worst.unwrap_or_default()));
        most = most.max(measured.allocations);
        rows.push(vec![
            Cell::new(sender.platform().name()),
            Cell::new(samples.kind),
            count(mean(&samples.bodies) as u64),
            Cell::Number(measured.rounds.nanos(measured.bare).median, ""),
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
            "verify and decode / bare proof",
            "allocations",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows,
    });
    for (what, bound, measured) in [
        ("verify and decode of any platform, over the HMAC of its body", 3.2, hmac),
        ("verify and decode, over ring's verification of an Ed25519 signature", 1.15, public),
        ("allocations to verify and decode an event of any platform", 1.0, Some(exact(most))),
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

/// Requests of one kind on one platform.
struct Samples {
    kind: &'static str,
    requests: Vec<(SignedRequest, Bytes)>,
    bodies: Vec<Callback>,
    verifier: Verifier,
    sent: SystemTime,
    is_public: bool,
}

struct Measured {
    rounds: Rounds,
    bare: usize,
    ours: usize,
    allocations: u64,
}

impl Samples {
    /// `None` where the platform proves nothing, so that nothing is there to compare with.
    fn of(sender: &'static Sender) -> Option<Self> {
        let platform = sender.platform();
        let is_public = match platform.proof() {
            Proof::Hmac(_) => false,
            Proof::PublicKey(_) => true,
            _ => return None,
        };
        let (kind, _) = sender.events().find(|(kind, _)| EventKind::from_name(kind).is_known())?;
        let keys = SigningKeys::for_tests(platform);
        let sent = SystemTime::now();
        let request = |_| {
            let request =
                sender.sample(kind).expect("it is one of its events").at(sent).sent(sent).sign(&keys);
            let body = Bytes::from(request.body.clone());
            (request, body)
        };
        let requests: Vec<_> = (0..VARIETY).map(request).collect();
        let shared =
            |(_, body): &(SignedRequest, Bytes)| Callback { signed: body.clone(), shown: body.clone() };
        let bodies = requests.iter().map(shared).collect();
        let verifier = Verifier::new(platform, keys.verifying(), ExpectedApp::Any).expect("the keys fit");
        Some(Self { kind, requests, bodies, verifier, sent, is_public })
    }

    fn measure(&self, pace: Pace) -> Result<Measured, Failure> {
        let ours: Judge = self.judge();
        let mut cases =
            if self.is_public { vec![ring(&self.bodies)] } else { Vec::from(limit::cases(&self.bodies)) };
        cases.push(case("ours", &ours));
        let rounds = interleave(&mut cases, pace.rounds, pace.slice)?;
        let bare = if self.is_public { 0 } else { limit::faster(&rounds) };
        Ok(Measured { ours: cases.len() - 1, bare, allocations: allocations(&ours), rounds })
    }

    fn judge(&self) -> Judge {
        let (requests, verifier, sent) = (self.requests.clone(), self.verifier.clone(), self.sent);
        Box::new(move |call| {
            let (request, body) = &requests[call % requests.len()];
            let lines = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            let Ok(mut verification) = verifier.begin(Head::new(request.method, &request.target, lines))
            else {
                return false;
            };
            verification.push(body.clone()).is_ok()
                && std::hint::black_box(verification.finish(sent))
                    .is_ok_and(|inbound| inbound.delivery().is_ok())
        })
    }
}

/// The verification of an Ed25519 signature of each body, and nothing else.
fn ring(callbacks: &[Callback]) -> Case<'static> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("any 32 bytes are a seed");
    let public = pair.public_key().as_ref().to_vec();
    let signed: Vec<_> =
        callbacks.iter().map(|callback| (callback.signed.clone(), pair.sign(&callback.signed))).collect();
    Case::new("ring", move |call| {
        let (body, signature) = &signed[call % signed.len()];
        UnparsedPublicKey::new(&ED25519, &public).verify(body, signature.as_ref())
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
    use super::*;

    #[test]
    fn each_sample_is_accepted_and_no_other_body_is() {
        let all: Vec<Samples> = registry().iter().filter_map(|sender| Samples::of(sender)).collect();
        assert!(all.len() >= 9);
        for mut samples in all {
            let judge = samples.judge();
            assert!((0..VARIETY).all(&judge), "{}", samples.verifier.platform().name());
            for (_, body) in &mut samples.requests {
                *body = Bytes::from([body, &b" "[..]].concat());
            }
            let judge = samples.judge();
            assert!(!(0..VARIETY).any(&judge), "{}", samples.verifier.platform().name());
        }
    }
}
