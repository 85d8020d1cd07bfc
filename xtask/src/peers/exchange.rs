//! Exchange: one library signs for our verifier, or verifies what our sender signs.

use std::collections::BTreeMap;

use lifecycle_core::{ExpectedApp, Inbound, Platform, Proof, Verifier};
use lifecycle_testing::{Sender, SignedRequest, SigningKeys, registry};
use serde_json::Value;

use super::case::{self, Case, Key, Message, Told, cases, messages, sent};
use super::driver::{Driver, Verdict};
use super::library::Library;
use crate::Failure;

/// What came of one library in one direction.
pub(crate) struct Outcome {
    pub(crate) library: &'static Library,
    pub(crate) version: String,
    pub(crate) direction: Direction,
    /// The requests that were judged.
    pub(crate) requests: usize,
    /// How many of a case the library decided otherwise, as it is known to.
    pub(crate) deviations: BTreeMap<&'static str, usize>,
    /// A line for each request that somebody judged wrong.
    pub(crate) faults: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Direction {
    /// Ours verifies.
    TheySign,
    /// Both verify.
    WeSign,
}

/// Secrets that are base64 behind Standard Webhooks' prefix, and a text to all other platforms.
const SECRETS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];

/// The private keys of RFC 8032, section 7.1, tests 1 and 2.
const SEEDS: [&str; 2] = [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
];

/// Two keys of the form that a platform signs with.
pub(crate) fn keys(platform: &Platform) -> [&'static str; 2] {
    if matches!(platform.proof(), Proof::Hmac(_)) { SECRETS } else { SEEDS }
}

/// Both directions, as far as the library can.
pub(crate) fn with(library: &'static Library, driver: &mut Driver) -> Result<Vec<Outcome>, Failure> {
    let mut exchange = Exchange::new(library, driver)?;
    let mut outcomes = Vec::new();
    if library.signs {
        outcomes.push(exchange.they_sign()?);
    }
    if library.verifies {
        outcomes.push(exchange.we_sign()?);
    }
    Ok(outcomes)
}

struct Exchange<'d> {
    library: &'static Library,
    driver: &'d mut Driver,
    sender: &'static Sender,
    current: Pair,
    other: Pair,
}

/// One key, as both sides take it.
struct Pair {
    keys: SigningKeys,
    for_signing: &'static str,
    for_verifying: String,
    verifier: Verifier,
}

impl<'d> Exchange<'d> {
    fn new(library: &'static Library, driver: &'d mut Driver) -> Result<Self, Failure> {
        let sender = registry().iter().copied().find(|sender| sender.platform().name() == library.platform);
        let sender = sender.ok_or_else(|| format!("there is no platform {}", library.platform))?;
        let [current, other] = keys(sender.platform()).map(|text| Pair::new(sender.platform(), text));
        Ok(Self { library, driver, sender, current: current?, other: other? })
    }

    /// The library's signatures stand in the place of ours.
    fn they_sign(&mut self) -> Result<Outcome, Failure> {
        let mut outcome = self.outcome(Direction::TheySign)?;
        let platform = self.sender.platform();
        for message in messages(self.sender) {
            let mut signed = self.current.sign(platform, &message);
            let theirs = self.driver.sign(self.library, self.current.for_signing, &signed)?;
            for (name, value) in &mut signed.headers {
                if let Some(own) = theirs.get(name) {
                    value.clone_from(own);
                }
            }
            let carrier = case::scheme(platform).and_then(|scheme| scheme.headers().first());
            if !carrier.is_some_and(|carrier| theirs.contains_key(*carrier)) {
                return Err(format!("{} signed nothing", self.library.name).into());
            }
            for case in cases(platform, &message, &signed) {
                outcome.requests += 1;
                outcome.faults.extend(self.fault_of_ours(&message, &case));
            }
        }
        Ok(outcome)
    }

    fn we_sign(&mut self) -> Result<Outcome, Failure> {
        let mut outcome = self.outcome(Direction::WeSign)?;
        let platform = self.sender.platform();
        for message in messages(self.sender) {
            let signed = self.current.sign(platform, &message);
            let mut cases = cases(platform, &message, &signed);
            cases.extend(self.rotation(&message));
            for case in cases {
                outcome.requests += 1;
                let key = self.pair(case.key).for_verifying.clone();
                let theirs = self.driver.verify(self.library, &key, &case.request, case.now)?;
                let fault = self.fault_of_ours(&message, &case);
                outcome.faults.extend(fault.or_else(|| self.fault_of_theirs(&message, &case, &theirs)));
                if let Some(deviation) = self.library.deviation(case.name) {
                    *outcome.deviations.entry(deviation.case).or_default() += 1;
                }
            }
        }
        for deviation in self.library.deviations {
            if !outcome.deviations.contains_key(deviation.case) {
                outcome.faults.push(format!("{}: no case is called {:?}", self.library.name, deviation.case));
            }
        }
        Ok(outcome)
    }

    /// Two signatures, of which the receiver knows the secret of one, where the platform has room for them.
    fn rotation(&self, message: &Message) -> Option<Case> {
        let platform = self.sender.platform();
        case::scheme(platform)?.separator()?;
        let keys = self.current.keys.clone().with_previous(self.other.keys.clone());
        let request = sign(platform, &keys, message);
        Some(Case { name: "two signatures", request, key: Key::Other, now: sent(), refused: None })
    }

    fn fault_of_ours(&self, message: &Message, case: &Case) -> Option<String> {
        let verdict = self.pair(case.key).judge(case, message.told.as_ref());
        let fault = match (verdict, case.refused) {
            (Ok(()), None) => return None,
            (Err(code), Some(refused)) if code == refused => return None,
            (Ok(()), Some(refused)) => format!("ours accepts it; {refused}"),
            (Err(code), _) => format!("ours refuses it: {code}"),
        };
        Some(self.line(message, case, &fault))
    }

    fn fault_of_theirs(&self, message: &Message, case: &Case, theirs: &Verdict) -> Option<String> {
        let is_known = self.library.deviation(case.name).is_some();
        let agrees = theirs.accepted == case.refused.is_none();
        let fault = match (agrees, is_known) {
            (true, false) if message.told.is_none() && self.answers_otherwise(case, theirs) => {
                "its answer to the handshake is another".to_owned()
            }
            (true, false) | (false, true) => return None,
            (true, true) => "it agrees, and is listed as one that does not".to_owned(),
            (false, false) if theirs.accepted => "it accepts what ours refuses".to_owned(),
            (false, false) => format!("it refuses what ours accepts: {}", theirs.why),
        };
        Some(self.line(message, case, &fault))
    }

    /// Whether both give an answer of JSON, and not the same.
    fn answers_otherwise(&self, case: &Case, theirs: &Verdict) -> bool {
        let Ok(Inbound::Handshake(ours)) = case.request.verify(&self.pair(case.key).verifier, case.now)
        else {
            return false;
        };
        let read = |body: &[u8]| serde_json::from_slice::<Value>(body).ok();
        theirs.answer.as_ref().is_some_and(|theirs| read(theirs.as_bytes()) != read(ours.body()))
    }

    fn line(&self, message: &Message, case: &Case, fault: &str) -> String {
        let Library { name, platform, .. } = self.library;
        format!("{name}, {platform} {} {}, {}: {fault}", message.event, message.form, case.name)
    }

    fn pair(&self, key: Key) -> &Pair {
        match key {
            Key::Current => &self.current,
            Key::Other => &self.other,
        }
    }

    fn outcome(&self, direction: Direction) -> Result<Outcome, Failure> {
        Ok(Outcome {
            library: self.library,
            version: self.driver.version(self.library)?,
            direction,
            requests: 0,
            deviations: BTreeMap::new(),
            faults: Vec::new(),
        })
    }
}

impl Pair {
    fn new(platform: &'static Platform, text: &'static str) -> Result<Self, Failure> {
        let keys = SigningKeys::parse(platform, text)?;
        let for_verifying = keys.public_key().unwrap_or_else(|| text.to_owned());
        let verifier = Verifier::new(platform, keys.verifying(), ExpectedApp::Any)?;
        Ok(Self { keys, for_signing: text, for_verifying, verifier })
    }

    fn sign(&self, platform: &Platform, message: &Message) -> SignedRequest {
        sign(platform, &self.keys, message)
    }

    /// Nothing, or the code of the rejection. What is read otherwise than our own sample tells is refused as such.
    fn judge(&self, case: &Case, told: Option<&Told>) -> Result<(), &'static str> {
        match (case.request.verify(&self.verifier, case.now), told) {
            (Err(rejected), _) => Err(rejected.rejection.code()),
            (Ok(Inbound::Delivery(delivery)), Some(told)) if case::told(delivery.event()) == *told => Ok(()),
            (Ok(Inbound::Handshake(_)), None) => Ok(()),
            (Ok(_), _) => Err("decoded as another event"),
        }
    }
}

fn sign(platform: &Platform, keys: &SigningKeys, message: &Message) -> SignedRequest {
    let headers: Vec<(&str, &str)> =
        message.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    SignedRequest::new(platform, keys, &headers, message.body.as_bytes(), sent())
}
