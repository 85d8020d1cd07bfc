//! Exchange: one library signs for our verifier, or verifies what our sender signs.

use std::collections::BTreeMap;

use lifecycle_core::{ExpectedApp, Inbound, KeySet, Keys, Platform, Proof, Verifier};
use lifecycle_testing::{KeysFrom, RSA_OTHER_TEST_KEY, RSA_TEST_KEY, Sample, Sender, SigningKeys, registry};
use serde_json::Value;

use super::case::{self, Case, Key, Message, Told, cases, messages, sent};
use super::driver::{Call, Driver, Verdict};
use super::library::Library;
use super::token;
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
    match platform.proof() {
        proof if proof.uses_rsa() => [RSA_TEST_KEY, RSA_OTHER_TEST_KEY],
        Proof::Hmac(_) | Proof::Token(_) => SECRETS,
        _ => SEEDS,
    }
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
    /// What a token has to say, where it says so: by whom it is, and for whom.
    issuer: Option<String>,
    audience: Option<String>,
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
        let sample = sender.events().next().and_then(|(_, event)| sender.sample(event));
        let sample = sample.ok_or("a platform without events")?;
        let claims: Value = serde_json::from_str(&sample.claims().unwrap_or("null".into()))?;
        let [issuer, audience] = ["iss", "aud"].map(|name| claims[name].as_str().map(str::to_owned));
        let pair = |text| Pair::new(sender, text, &sample, audience.as_deref());
        let [current, other] = keys(sender.platform()).map(pair);
        Ok(Self { library, driver, sender, current: current?, other: other?, issuer, audience })
    }

    /// The library's signatures stand in the place of ours.
    fn they_sign(&mut self) -> Result<Outcome, Failure> {
        let mut outcome = self.outcome(Direction::TheySign)?;
        for message in messages(self.sender) {
            for case in self.signed_by_them(&message)? {
                outcome.requests += 1;
                outcome.faults.extend(self.fault_of_ours(&message, &case));
            }
        }
        Ok(outcome)
    }

    fn signed_by_them(&mut self, message: &Message) -> Result<Vec<Case>, Failure> {
        let platform = self.sender.platform();
        let Pair { keys, for_signing, .. } = &self.current;
        let call = Call { key: for_signing, key_id: keys.key_id(), ..Call::new(self.library, sent())? };
        if message.claims.is_some() {
            let mut sign =
                |claims: &str| self.driver.sign_claims(&Call { claims: Some(claims), ..call.clone() });
            return token::cases(self.sender, message, keys, &mut sign);
        }
        let mut signed = message.sign(platform, keys);
        let theirs = self.driver.sign(&call.with(&signed)?)?;
        for (name, value) in &mut signed.headers {
            if let Some(own) = theirs.get(name) {
                value.clone_from(own);
            }
        }
        if !case::carrier(platform).is_some_and(|carrier| theirs.contains_key(carrier)) {
            return Err(format!("{} signed nothing", self.library.name).into());
        }
        Ok(cases(platform, message, &signed))
    }

    fn we_sign(&mut self) -> Result<Outcome, Failure> {
        let mut outcome = self.outcome(Direction::WeSign)?;
        for message in messages(self.sender) {
            for case in self.signed_by_us(&message)? {
                outcome.requests += 1;
                let theirs = self.verdict(&case)?;
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

    fn signed_by_us(&self, message: &Message) -> Result<Vec<Case>, Failure> {
        let platform = self.sender.platform();
        let keys = &self.current.keys;
        let mut made = match &message.claims {
            Some(_) => {
                let mut sign = |claims: &str| Ok(keys.sign_claims(platform, claims));
                token::cases(self.sender, message, keys, &mut sign)?
            }
            None => cases(platform, message, &message.sign(platform, keys)),
        };
        made.extend(token::cases_of_headers(self.sender, message, keys)?);
        made.extend(self.rotation(message));
        Ok(made)
    }

    /// What the library makes of a request.
    fn verdict(&mut self, case: &Case) -> Result<Verdict, Failure> {
        let key = match case.key {
            Key::Current => &self.current,
            Key::Other => &self.other,
        };
        let call = Call {
            key: &key.for_verifying,
            issuer: self.issuer.as_deref(),
            audience: self.audience.as_deref(),
            ..Call::new(self.library, case.now)?
        };
        self.driver.verify(&call.with(&case.request)?)
    }

    /// Two signatures, of which the receiver knows the secret of one, where the platform has room for them.
    fn rotation(&self, message: &Message) -> Option<Case> {
        let platform = self.sender.platform();
        case::scheme(platform)?.separator()?;
        let keys = self.current.keys.clone().with_previous(self.other.keys.clone());
        let request = message.sign(platform, &keys);
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
        format!("{name}, {platform} {} {}, {}: {fault}", message.sample.event(), message.form, case.name)
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
    fn new(
        sender: &Sender,
        text: &'static str,
        sample: &Sample,
        audience: Option<&str>,
    ) -> Result<Self, Failure> {
        let platform = sender.platform();
        let keys = SigningKeys::parse(platform, text)?;
        let for_verifying = match sender.keys_from() {
            KeysFrom::App => keys.public_key(),
            _ => keys.key_set(),
        };
        let app = audience.map_or(ExpectedApp::Any, ExpectedApp::from);
        let verifier = Verifier::new(platform, verifying(sender, &keys, sample)?, app)?;
        let for_verifying = for_verifying.unwrap_or_else(|| text.to_owned());
        Ok(Self { keys, for_signing: text, for_verifying, verifier })
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

/// The keys of our verifier: those that an app gets in its settings, or a set that the platform or the tenant publishes.
fn verifying(sender: &Sender, keys: &SigningKeys, sample: &Sample) -> Result<Keys, Failure> {
    let own = keys.verifying();
    let set = keys.key_set().map(|set| KeySet::from_jwks(set.as_bytes()).map(Keys::from));
    let (owner, set) = match (sender.keys_from(), set) {
        (KeysFrom::Url, Some(set)) => (own.owner().map(str::to_owned), set?),
        (KeysFrom::Tenant { header }, Some(set)) => {
            let mut headers = sample.headers().into_iter();
            (headers.find_map(|(name, value)| (name == header).then_some(value)), set?)
        }
        _ => return Ok(own),
    };
    Ok(match owner {
        Some(owner) => set.with_owner(&owner),
        None => set,
    })
}
