//! What the targets share: a verifier of each platform, requests as text, and what a verifier makes of them.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use lifecycle_core::{
    Delivery, ExpectedApp, Head, Inbound, KeyHint, KeySet, KeySource, Keys, KeysUnavailable, RejectedRequest,
    Verifier, async_trait,
};
use lifecycle_testing::{KeysFrom, Sample, Sender, SignedRequest, SigningKeys, registry};

/// A platform, with keys that everybody knows.
pub struct Subject {
    pub sender: &'static Sender,
    pub keys: SigningKeys,
    pub verifier: Verifier,
    samples: Vec<Sample>,
}

/// What a verifier makes of a request.
#[derive(Debug, Eq, PartialEq)]
pub enum Verdict {
    Delivery(Told),
    Handshake(Vec<u8>),
    Rejected(&'static str),
}

/// What a delivery tells: kind, app, tenant, actor, request id, and the idempotency key.
pub type Told = ([Option<String>; 5], [u8; 32]);

/// A request: `METHOD TARGET`, a line for each header, a blank line, and the body.
pub struct Request<'d> {
    pub method: &'d str,
    pub target: &'d str,
    pub headers: Vec<(&'d str, &'d [u8])>,
    pub body: &'d [u8],
}

/// When all of it is sent and received.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_812_800)
}

/// One of all platforms.
pub fn subject(byte: u8) -> &'static Subject {
    static SUBJECTS: LazyLock<Vec<Subject>> =
        LazyLock::new(|| registry().iter().map(|sender| Subject::new(sender)).collect());
    &SUBJECTS[usize::from(byte) % SUBJECTS.len()]
}

/// The two parts that a blank line divides; the second is empty where there is none.
pub fn halves(text: &[u8]) -> (&[u8], &[u8]) {
    let blank = text.windows(2).position(|pair| pair == b"\n\n");
    blank.map_or((text, &[]), |place| (&text[..place], &text[place + 2..]))
}

impl Subject {
    fn new(sender: &'static Sender) -> Self {
        let platform = sender.platform();
        let keys = SigningKeys::for_tests(platform);
        let events = sender.events().filter_map(|(_, event)| sender.sample(event));
        let samples = events.chain(sender.handshake());
        let samples: Vec<_> = samples.map(|sample| sample.request_id("request-1").at(now())).collect();
        let sample = &samples[0];
        let claims = sample.claims().unwrap_or_else(|| "null".to_owned());
        let claims: serde_json::Value = serde_json::from_str(&claims).expect("claims are JSON");
        let app = claims["aud"].as_str().map_or(ExpectedApp::Any, ExpectedApp::from);
        let verifier = match sender.keys_from() {
            KeysFrom::App => Verifier::new(platform, keys.verifying(), app),
            from => {
                let set = keys.key_set().expect("what is published is a set");
                let set = Keys::from(KeySet::from_jwks(set.as_bytes()).expect("it is one"));
                Verifier::with_source(platform, Published { set, owner: owner(from, &keys, sample) }, app)
            }
        };
        Self { sender, keys, verifier: verifier.expect("the keys fit"), samples }
    }

    /// One of the events and handshakes that the platform sends, as its samples have it.
    pub fn sample(&self, byte: u8) -> &Sample {
        &self.samples[usize::from(byte) % self.samples.len()]
    }

    /// What the verifier makes of a request whose body comes in chunks of so many bytes, or whole.
    pub fn judge(&self, request: &Request<'_>, chunk: u8) -> Verdict {
        match self.verify(request, chunk) {
            Ok(Inbound::Delivery(delivery)) => Verdict::Delivery(told(&delivery)),
            Ok(Inbound::Handshake(reply)) => Verdict::Handshake(reply.body().to_vec()),
            Err(rejected) => Verdict::Rejected(rejected.rejection.code()),
        }
    }

    pub fn verify(&self, request: &Request<'_>, chunk: u8) -> Result<Inbound, RejectedRequest> {
        let Request { method, target, headers, body } = request;
        let mut verification = self.verifier.begin(Head::new(method, target, headers.iter().copied()))?;
        let length = if chunk == 0 { body.len().max(1) } else { usize::from(chunk) };
        for chunk in body.chunks(length) {
            verification.push(chunk.to_vec().into())?;
        }
        assert!(verification.look_up().is_none(), "all keys are at hand");
        verification.finish(now())
    }
}

impl<'d> Request<'d> {
    pub fn read(text: &'d [u8]) -> Option<Self> {
        let (head, body) = halves(text);
        let mut lines = head.split(|byte| *byte == b'\n');
        let (method, target) = std::str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
        let header = |line: &'d [u8]| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = std::str::from_utf8(&line[..colon]).ok()?;
            Some((name, line[colon + 1..].trim_ascii()))
        };
        Some(Self { method, target, headers: lines.map(header).collect::<Option<_>>()?, body })
    }

    pub fn of(signed: &'d SignedRequest) -> Self {
        let headers = signed.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        Self { method: signed.method, target: &signed.target, headers: headers.collect(), body: &signed.body }
    }
}

pub fn told(delivery: &Delivery) -> Told {
    let event = delivery.event();
    let told = [
        Some(event.kind().name()),
        Some(event.app()),
        Some(event.tenant()),
        event.actor(),
        event.request_id(),
    ];
    (told.map(|text| text.map(str::to_owned)), *delivery.idempotency_key().as_bytes())
}

/// Whose keys they are: the platform's own, or the tenant's that the sample names.
fn owner(from: KeysFrom, keys: &SigningKeys, sample: &Sample) -> Option<String> {
    let KeysFrom::Tenant { header } = from else { return keys.verifying().owner().map(str::to_owned) };
    sample.headers().into_iter().find_map(|(name, value)| (name == header).then_some(value))
}

/// The keys that a platform publishes. They are always at hand.
struct Published {
    set: Keys,
    owner: Option<String>,
}

#[async_trait]
impl KeySource for Published {
    fn cached(&self, hint: &KeyHint) -> Option<Keys> {
        let _ = (hint.unauthenticated_key_id(), hint.unauthenticated_issuer());
        Some(match &self.owner {
            Some(owner) => self.set.clone().with_owner(owner),
            None => self.set.clone(),
        })
    }

    async fn find(&self, _: &KeyHint) -> Result<Option<Keys>, KeysUnavailable> {
        Err(KeysUnavailable)
    }
}
