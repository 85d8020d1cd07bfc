//! Requests: what platforms and strangers send, with the canary in every secret and in every text that a platform lets be any.

use std::error::Error;
use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lifecycle_core::{Inbound, Platform, Proof, Verifier, standard_webhooks};
use lifecycle_testing::{
    KeysFrom, RSA_OTHER_TEST_KEY, RSA_TEST_KEY, Sample, Sender, SignedRequest, SigningKeys,
};
use serde_json::Value;
use test_privacy::CANARY;

/// More than the verifiers take, in bytes.
pub(crate) const MAX_BODY: usize = 32 * 1024;

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Sort {
    /// The first of a platform's events.
    Genuine,
    AnotherEvent,
    Handshake,
    /// Signed with another key.
    Forged,
    /// A handshake that is forged.
    ForgedHandshake,
    /// With the proof of another body.
    Tampered,
    /// Sent years ago.
    Expired,
    /// Genuine, and no JSON.
    Malformed,
    /// The proof is cut.
    Cut,
    Unsigned,
    /// Sent by another method.
    Misdirected,
    Oversize,
}

impl Sort {
    /// Old ones are accepted where a platform signs no time, and other bodies where a token beside them or the URL is the proof.
    pub(crate) fn may_be_accepted(self) -> bool {
        matches!(self, Self::Genuine | Self::AnotherEvent | Self::Handshake | Self::Expired | Self::Tampered)
    }
}

/// One request, for any server. `Debug` shows of what sort it is.
pub(crate) struct Request {
    pub(crate) sort: Sort,
    pub(crate) platform: &'static Platform,
    pub(crate) signed: SignedRequest,
    /// What proves the same body by the right keys.
    right: Vec<String>,
}

impl Request {
    fn new(sort: Sort, platform: &'static Platform, mut signed: SignedRequest, right: Vec<String>) -> Self {
        // What no platform sends, and proxies, browsers and strangers do.
        for name in ["authorization", "cookie", "forwarded", "referer", "user-agent", "x-api-key"] {
            if !signed.headers.iter().any(|(own, _)| own == name) {
                signed.headers.push((name.to_owned(), format!("for={CANARY}")));
            }
        }
        Self { sort, platform, signed, right }
    }

    /// Its target at a route: behind the platform's name the event's own path, the token of a hook, or a query.
    pub(crate) fn at(&self, route: &str) -> String {
        let (target, name) = (&self.signed.target, self.platform.name());
        let rest = target.strip_prefix("/hook").or(target.strip_prefix(&format!("/{name}")));
        format!("/{route}/{name}{}", rest.expect("a target begins so"))
    }

    /// Whether it is proven by its URL.
    pub(crate) fn is_hook(&self) -> bool {
        matches!(self.platform.proof(), Proof::UnguessableUrl)
    }

    /// What nobody may see of it besides the canary, each with its name.
    pub(crate) fn private(&self) -> impl Iterator<Item = (&'static str, String)> {
        let own = proofs(&self.signed).into_iter().map(|own| ("what proves it, or a header", own));
        own.chain(self.right.iter().map(|right| ("what proves the same body", right.clone())))
    }

    /// What this process shows of it: the verdict, with all of its causes.
    pub(crate) fn shown(&self) -> Vec<String> {
        match self.signed.verify(&verifier(self.platform), SystemTime::now()) {
            Ok(inbound) => vec![format!("{:?} {inbound:?} {inbound:#?}", self.signed)],
            Err(rejected) => shown(&rejected),
        }
    }
}

/// An error in all of its forms, with its causes.
pub(crate) fn shown(error: &(dyn Error + 'static)) -> Vec<String> {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(|error| format!("{error} {error:?} {error:#?}")).collect()
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}", self.sort, self.platform.name())
    }
}

/// Headers that tell a type, a kind of event or a version, which everybody may know.
const PUBLIC: [&str; 6] =
    ["accept", "content-type", "saleor-event", "x-github-event", "x-shopify-api-version", "x-shopify-topic"];

/// How a token begins.
const TOKEN: &[u8] = b"ey";

/// What an app has of each platform: keys that are the canary, where they are secret.
pub(crate) fn verifier(platform: &'static Platform) -> Verifier {
    let mut keys = keys(platform).verifying();
    if let KeysFrom::Tenant { .. } = Sender::of(platform).expect("it is one of the registry's").keys_from() {
        keys = keys.with_owner(CANARY);
    }
    let verifier = Verifier::new(platform, keys, CANARY).expect("a verifier");
    verifier.with_max_body(MAX_BODY)
}

fn keys(platform: &Platform) -> SigningKeys {
    let text = match platform.proof() {
        proof if proof.uses_rsa() => RSA_TEST_KEY.to_owned(),
        Proof::PublicKey(_) => const_hex::encode(CANARY),
        Proof::Hmac(_) if platform.name() == standard_webhooks::PLATFORM.name() => {
            format!("whsec_{}", STANDARD.encode(CANARY))
        }
        _ => CANARY.to_owned(),
    };
    SigningKeys::parse(platform, &text).expect("it is a key")
}

/// Those of a stranger.
fn other_keys(platform: &Platform) -> SigningKeys {
    let text = match platform.proof() {
        proof if proof.uses_rsa() => RSA_OTHER_TEST_KEY.to_owned(),
        Proof::PublicKey(_) => "07".repeat(32),
        Proof::Hmac(_) if platform.name() == standard_webhooks::PLATFORM.name() => {
            format!("whsec_{}", STANDARD.encode([7; 32]))
        }
        _ => format!("Not{CANARY}"),
    };
    SigningKeys::parse(platform, &text).expect("it is a key")
}

/// All requests to a platform, signed now.
pub(crate) fn requests_of(sender: &'static Sender) -> Vec<Request> {
    let platform = sender.platform();
    let (keys, other) = (keys(platform), other_keys(platform));
    let mut requests = Vec::new();
    let mut add = |sort: Sort, signed: SignedRequest, right: &SignedRequest| {
        requests.push(Request::new(sort, platform, signed, proofs(right)));
    };
    for (nth, (_, event)) in sender.events().enumerate() {
        let sample = with_canaries(sender.sample(event).expect("it is one of its events"), platform);
        let sort = if nth == 0 { Sort::Genuine } else { Sort::AnotherEvent };
        add(sort, sample.sign(&keys), &sample.sign(&keys));
    }
    let first = sender.events().next().expect("it sends something").1;
    let sample = with_canaries(sender.sample(first).expect("it is one of its events"), platform);
    let genuine = sample.sign(&keys);
    add(Sort::Forged, sample.sign(&other), &genuine);

    let mut tampered = genuine.clone();
    tampered.body.extend(format!(" {CANARY}").as_bytes());
    add(Sort::Tampered, tampered.clone(), &sample.sign_body(&keys, tampered.body));

    let old =
        sample.clone().sent(SystemTime::now() - Duration::from_secs(10 * 365 * 24 * 60 * 60)).sign(&keys);
    add(Sort::Expired, old.clone(), &old);

    if !sample.body().is_empty() {
        let malformed = sample.sign_body(&keys, format!("{{\"canary\":\"{CANARY}\",{CANARY}"));
        add(Sort::Malformed, malformed.clone(), &malformed);
    }

    let mut cut = genuine.clone();
    for (_, value) in &mut cut.headers {
        value.truncate(value.len() - value.len() / 3);
    }
    let length = cut.target.len();
    cut.target.truncate(length - (length - platform.name().len() - 1) / 3);
    if cut.body.starts_with(TOKEN) {
        cut.body.truncate(cut.body.len() * 2 / 3);
    }
    add(Sort::Cut, cut, &genuine);

    let mut unsigned = genuine.clone();
    unsigned.headers.clear();
    unsigned.target = format!("/{}{}", platform.name(), sample.path());
    if unsigned.body.starts_with(TOKEN) {
        unsigned.body.clear();
    }
    add(Sort::Unsigned, unsigned, &genuine);

    let mut misdirected = genuine.clone();
    misdirected.method = "PUT";
    add(Sort::Misdirected, misdirected, &genuine);

    let mut oversize = genuine.clone();
    oversize.body.extend(CANARY.repeat(2 * MAX_BODY / CANARY.len()).as_bytes());
    add(Sort::Oversize, oversize, &genuine);

    if let Some(handshake) = sender.handshake() {
        // Its challenge is answered, so it is left as it is.
        let handshake = handshake.set("canary", CANARY);
        add(Sort::Handshake, handshake.sign(&keys), &handshake.sign(&keys));
        add(Sort::ForgedHandshake, handshake.sign(&other), &handshake.sign(&keys));
    }
    requests
}

/// The signatures and tokens that prove a request, and what else its head tells of nobody but whom it is about.
fn proofs(request: &SignedRequest) -> Vec<String> {
    let headers = request.headers.iter().filter(|(name, _)| !PUBLIC.contains(&name.as_str()));
    let mut proofs: Vec<String> = headers.map(|(_, value)| value.clone()).collect();
    proofs.extend(request.target.split_once('?').map(|(_, query)| query.to_owned()));
    if request.body.starts_with(TOKEN) {
        proofs.push(String::from_utf8_lossy(&request.body).into_owned());
    }
    proofs
}

/// A sample with the canary in each fact, and in each member that may have any text: one by one it is tried whether the platform's reader takes it so.
fn with_canaries(sample: Sample, platform: &'static Platform) -> Sample {
    let person = format!("{CANARY}@mail.example");
    let kind = sample.kind();
    let genuine =
        |sample: &Sample| match sample.sign(&keys(platform)).verify(&verifier(platform), SystemTime::now()) {
            Ok(Inbound::Delivery(delivery)) => {
                *delivery.event().kind() == kind && delivery.event().app() == CANARY
            }
            _ => false,
        };
    let place = if sample.body().is_empty() { "claims.canary" } else { "canary" };
    let sample = sample.app(CANARY).set(place, CANARY);
    let refused = sample.sign(&keys(platform)).verify(&verifier(platform), SystemTime::now()).err();
    assert!(genuine(&sample), "{sample:?}: {refused:?}");
    let told = [
        sample.clone().tenant(CANARY).app_name(CANARY).tenant_name(CANARY).actor_email(&person),
        sample.clone().app_name(CANARY).tenant_name(CANARY).actor_email(&person),
    ];
    let mut sample = told.into_iter().find(genuine).unwrap_or_else(|| panic!("{sample:?} has no name"));
    for with in [Sample::actor, Sample::installation, Sample::request_id, Sample::version]
        as [fn(Sample, String) -> Sample; 4]
    {
        let tried = with(sample.clone(), CANARY.to_owned());
        if genuine(&tried) {
            sample = tried;
        }
    }
    let body: Value = serde_json::from_str(&sample.body()).unwrap_or_default();
    let claims: Value =
        sample.claims().map(|text| serde_json::from_str(&text).expect("JSON")).unwrap_or_default();
    let mut paths = Vec::new();
    texts(&body, "", &mut paths);
    texts(&claims, "claims.", &mut paths);
    for (path, has_at) in paths {
        let tried = sample.clone().set(path, if has_at { person.as_str() } else { CANARY });
        if genuine(&tried) {
            sample = tried;
        }
    }
    sample
}

/// The paths of all texts, and of lists, with whether it is like an address of a person.
fn texts(value: &Value, path: &str, paths: &mut Vec<(String, bool)>) {
    let Some(members) = value.as_object() else { return };
    for (name, value) in members.iter().filter(|(name, _)| !name.contains('.')) {
        let path = format!("{path}{name}");
        match value {
            Value::Object(_) => texts(value, &format!("{path}."), paths),
            Value::String(text) => paths.push((path, text.contains('@'))),
            Value::Array(_) | Value::Null => paths.push((path, false)),
            _ => {}
        }
    }
}
