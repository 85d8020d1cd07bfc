//! Marketplace: one platform, which sends to the apps, and what the apps are told of it.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use fastrand::Rng;
use lifecycle_conformance::KeyServer;
use lifecycle_core::{EventKind, ExpectedApp, IdempotencyKey, Proof, Verifier};
use lifecycle_testing::{
    KeysFrom, RSA_OTHER_TEST_KEY, RSA_TEST_KEY, Sample, Sender, SignedRequest, SigningKeys, registry,
    variable,
};

use crate::Failure;

/// Secrets in a form that every platform takes: text, base64 and a token at the same time.
pub(crate) const SECRET: &str = "c29hayBzZWNyZXQgb2YgdGhlIG1hcmtldHBsYWNl";
const OTHER_SECRET: &str = "YW5vdGhlciBzZWNyZXQgdGhhdCBub2JvZHkgaGFz";

const SEED: &str = "5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed";
const OTHER_SEED: &str = "0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad0bad";

/// A platform that sends.
pub(crate) struct Marketplace {
    sender: &'static Sender,
    /// Which app its events are about.
    app: String,
    keys: SigningKeys,
    /// Of somebody who does not know them.
    forgers: SigningKeys,
    verifier: Verifier,
    /// Where keys belong to a tenant, there is only this one.
    tenant: Option<String>,
}

/// An event, and by what the app's list of handled events names it.
#[derive(Clone)]
pub(crate) struct Callback {
    pub(crate) sample: Sample,
    pub(crate) key: IdempotencyKey,
}

/// Environment variables for an app.
pub(crate) type Settings = Vec<(String, String)>;

impl Marketplace {
    /// All platforms, and how the apps are told of them. Files go into the folder.
    pub(crate) fn all(folder: &Path) -> Result<(Vec<Self>, Settings), Failure> {
        let mut settings = Settings::new();
        let all = registry().iter().map(|sender| Self::new(sender, folder, &mut settings));
        Ok((all.collect::<Result<_, _>>()?, settings))
    }

    fn new(sender: &'static Sender, folder: &Path, settings: &mut Settings) -> Result<Self, Failure> {
        let platform = sender.platform();
        let (own, others) = match platform.proof() {
            proof if proof.uses_rsa() => (RSA_TEST_KEY, RSA_OTHER_TEST_KEY),
            Proof::PublicKey(_) => (SEED, OTHER_SEED),
            _ => (SECRET, OTHER_SECRET),
        };
        let (keys, forgers) = (SigningKeys::parse(platform, own)?, SigningKeys::parse(platform, others)?);
        let app = first(sender)?.delivery().event().app().to_owned();
        let mut set = |setting, value: String| settings.push((variable(platform, setting), value));
        let mut tenant = None;
        match sender.keys_from() {
            KeysFrom::App => match platform.proof() {
                Proof::Hmac(_) | Proof::Token(_) if !platform.proof().uses_rsa() => {
                    set("SIGNING_SECRET", own.to_owned());
                }
                Proof::PublicKey(_) => set("PUBLIC_KEY", keys.public_key().unwrap_or_default()),
                Proof::Token(_) => {
                    let file = folder.join(format!("{}.pem", platform.name()));
                    fs::write(&file, keys.public_key().unwrap_or_default())?;
                    set("PUBLIC_KEY_FILE", file.display().to_string());
                }
                _ => set("HOOK_TOKEN", own.to_owned()),
            },
            from => {
                let published = KeyServer::bind("127.0.0.1:0", &keys.key_set().unwrap_or_default())?.origin();
                if let KeysFrom::Tenant { .. } = from {
                    let api = tenant.insert(format!("{published}/graphql/"));
                    set("API_URL", api.clone());
                } else {
                    set("JWKS_URL", format!("{published}/jwks.json"));
                    set("APP_ID", app.clone());
                }
            }
        }
        let known = match &tenant {
            Some(tenant) => keys.verifying().with_owner(tenant),
            None => keys.verifying(),
        };
        let verifier = Verifier::new(platform, known, ExpectedApp::from(&*app))?;
        Ok(Self { sender, app, keys, forgers, verifier, tenant })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.sender.platform().name()
    }

    /// Whether there is more than one tenant.
    pub(crate) fn has_tenants(&self) -> bool {
        self.tenant.is_none()
    }

    /// The status by which the platform knows that a callback was received.
    pub(crate) fn acknowledgement(&self) -> u16 {
        self.sender.platform().ack().status()
    }

    /// Whether it has given up by then.
    pub(crate) fn is_late(&self, took: Duration) -> bool {
        self.sender.platform().ack().deadline().is_some_and(|deadline| took > deadline)
    }

    /// An event of the tenant with this number, which happens now.
    pub(crate) fn callback(&self, tenant: u32, rng: &mut Rng) -> Result<Callback, Failure> {
        let is_known = |(kind, _): &(&str, &str)| EventKind::from_name(kind).is_known();
        let events: Vec<&str> = self.sender.events().filter(is_known).map(|(_, event)| event).collect();
        let event = rng.choice(events).ok_or("a platform without events")?;
        let sample = self.sender.sample(event).ok_or("a platform without its own event")?;
        let sample = sample.app(&*self.app).tenant(self.tenant.clone().unwrap_or_else(|| tenant.to_string()));
        let request = sample.sign(&self.keys);
        let inbound = request.verify(&self.verifier, SystemTime::now())?;
        let delivery = inbound.delivery().map_err(|_| "an event that is a handshake")?;
        Ok(Callback { sample, key: delivery.idempotency_key() })
    }

    /// The request of an attempt that is made now.
    pub(crate) fn attempt(&self, callback: &Callback) -> SignedRequest {
        to_app(callback.sample.clone().sent(SystemTime::now()).sign(&self.keys))
    }

    /// The same by somebody who does not know the keys.
    pub(crate) fn forgery(&self, callback: &Callback) -> SignedRequest {
        to_app(callback.sample.sign(&self.forgers))
    }

    /// The genuine request without its last character.
    pub(crate) fn broken(&self, callback: &Callback) -> SignedRequest {
        let mut request = self.attempt(callback);
        if request.body.pop().is_none() {
            request.target.pop();
        }
        request
    }

    /// What the platform sends to try out a URL, and the sample that judges the answer.
    pub(crate) fn handshake(&self) -> Option<(Sample, SignedRequest)> {
        let sample = self.sender.handshake()?.app(&*self.app).judged_by(&self.keys);
        let request = to_app(sample.sign(&self.keys));
        Some((sample, request))
    }
}

fn first(sender: &'static Sender) -> Result<Sample, Failure> {
    let (_, event) = sender.events().next().ok_or("a platform without events")?;
    Ok(sender.sample(event).ok_or("a platform without its own event")?)
}

/// Where the example apps receive it.
fn to_app(mut request: SignedRequest) -> SignedRequest {
    if request.target.starts_with("/hook/") {
        request.target.insert_str(0, "/securityscorecard");
    }
    request
}
