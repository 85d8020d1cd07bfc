//! The tokens and detached signatures in `fixtures/vectors/tokens`, through the public API and with a fixed clock.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lifecycle_core::{
    Ack, Algorithm, Delivery, EventFields, EventKind, ExpectedApp, Field, Head, Inbound, KeySet, Keys,
    Method, Platform, Proof, PublicKey, PublicScheme, Rejection, Secret, TokenPlace, TokenScheme,
    Undecodable, VerifiedRequest, Verifier, registry,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    why: String,
    source: String,
    url: String,
    /// A platform of this crate; without one it is any that sends the token in a header.
    platform: Option<String>,
    algorithm: String,
    /// It is a signature, whose payload is the body.
    #[serde(default)]
    detached: bool,
    secret: Option<String>,
    secret_base64url: Option<String>,
    public_key: Option<String>,
    jwks: Option<serde_json::Value>,
    /// Whose keys they are, where that is the tenant.
    owner: Option<String>,
    /// The app that is expected; any without it.
    app: Option<String>,
    /// Seconds since the Unix epoch.
    time: u64,
    token: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    body: String,
    verifies: bool,
    /// The code of the rejection.
    rejection: Option<String>,
    expects: Option<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    kind: String,
    app: String,
    tenant: String,
    unproven: Vec<String>,
}

const VECTORS: &str = "../../fixtures/vectors/tokens";

const HEADER: TokenPlace = TokenPlace::Header { name: "authorization", words: &["Bearer"] };

static HS256: Platform =
    Platform::new("hs256", Proof::Token(TokenScheme::new(Algorithm::Hs256, HEADER)), Ack::new(200), any);
static RS256: Platform =
    Platform::new("rs256", Proof::Token(TokenScheme::new(Algorithm::Rs256, HEADER)), Ack::new(200), any);
static DETACHED: Platform =
    Platform::new("detached", Proof::PublicKey(PublicScheme::detached_jws("signature")), Ack::new(200), any);

#[expect(clippy::unnecessary_wraps, reason = "it is a platform's decoder")]
fn any<'a>(_: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    Ok(EventFields::new(EventKind::Other("vector".into())))
}

#[test]
fn each_vector_is_verified_or_rejected_as_it_says() {
    let vectors = vectors();
    assert!(vectors.len() >= 20, "{} vectors", vectors.len());
    for (name, vector) in vectors {
        assert!(!vector.why.is_empty() && !vector.source.is_empty(), "{name}");
        assert!(vector.url.starts_with("https://"), "{name}");
        let received = vector.receive();
        match (&received, vector.verifies) {
            (Ok(delivery), true) => {
                if let Some(expected) = &vector.expects {
                    expected.check(&name, delivery);
                }
            }
            (Err(rejection), false) => {
                assert_eq!(Some(rejection.code()), vector.rejection.as_deref(), "{name}");
            }
            _ => panic!("{name}: {}: {received:?}", vector.why),
        }
    }
}

/// It judges signatures alone: whatever we take is signed, and of what we refuse, those that are told by a wrong signature are not.
#[test]
fn python_and_openssl_judge_each_signature_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new("python3");
    let Ok(told) = python.arg(folder.join("tests/token_vectors.py")).arg(folder.join(VECTORS)).output()
    else {
        let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        assert!(!is_ci, "python3 is missing");
        eprintln!("skipped: python3 is missing");
        return;
    };
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: BTreeMap<String, bool> = serde_json::from_slice(&told.stdout).unwrap();
    let unsigned = ["hs256-without-a-signature", "rs256-signed-with-the-public-key", "saleor-reserialized"];
    for (name, vector) in vectors() {
        assert_eq!(told[&name], !unsigned.contains(&&*name), "{name}");
        assert!(told[&name] || !vector.verifies, "{name}");
    }
}

#[test]
fn another_key_verifies_none_of_them() {
    for (name, vector) in vectors().into_iter().filter(|(_, vector)| vector.verifies) {
        let keys: Keys = if vector.algorithm == "HS256" {
            Secret::new("another secret").unwrap().into()
        } else {
            let jwk = |id: &str| {
                let modulus = URL_SAFE_NO_PAD.encode([0xff; 256]);
                serde_json::json!({"kty": "RSA", "kid": id, "n": modulus, "e": "AQAB"})
            };
            let id =
                vector.jwks.as_ref().and_then(|set| set["keys"][0]["kid"].as_str()).unwrap_or("wix-test");
            let set = serde_json::json!({"keys": [jwk(id)]});
            KeySet::from_jwks(set.to_string().as_bytes()).unwrap().into()
        };
        let rejection = vector.receive_with(keys).unwrap_err();
        let expected = if vector.detached { "signature-mismatch" } else { "invalid-token" };
        assert_eq!(rejection.code(), expected, "{name}");
    }
}

impl Vector {
    fn receive(&self) -> Result<Delivery, Rejection> {
        let keys: Keys = match (&self.secret, &self.secret_base64url, &self.public_key, &self.jwks) {
            (Some(text), ..) => Secret::new(text.as_str()).unwrap().into(),
            (_, Some(text), ..) => Secret::new(URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap().into(),
            (_, _, Some(pem), _) => PublicKey::rsa_pem("current", pem).unwrap().into(),
            (.., Some(set)) => KeySet::from_jwks(set.to_string().as_bytes()).unwrap().into(),
            _ => panic!("a vector has a key"),
        };
        self.receive_with(keys)
    }

    fn receive_with(&self, keys: Keys) -> Result<Delivery, Rejection> {
        let keys = self.owner.as_deref().map_or(keys.clone(), |owner| keys.with_owner(owner));
        let app = self.app.as_deref().map_or(ExpectedApp::Any, ExpectedApp::from);
        let platform = match (&self.platform, self.detached, self.algorithm.as_str()) {
            (Some(name), ..) => registry().iter().copied().find(|own| own.name() == name).unwrap(),
            (None, true, "RS256") => &DETACHED,
            (None, false, "RS256") => &RS256,
            (None, false, "HS256") => &HS256,
            (_, _, other) => panic!("no algorithm {other}"),
        };
        let verifier = Verifier::new(platform, keys, app).unwrap();
        let (mut target, mut lines, mut body) = (self.path.clone(), Vec::new(), self.body.clone());
        let bearer = format!("Bearer {}", self.token);
        match platform.proof() {
            Proof::Token(scheme) => match scheme.place() {
                TokenPlace::Body => body.clone_from(&self.token),
                TokenPlace::Header { name, .. } => lines.push((name, bearer.as_bytes())),
                TokenPlace::Query(name) => target = format!("{target}?{name}={}", self.token),
                other => panic!("{other:?}"),
            },
            Proof::PublicKey(scheme) => lines.push((scheme.headers()[0], self.token.as_bytes())),
            _ => panic!("{} has no token", platform.name()),
        }
        let method = if platform.method() == Method::Get { "GET" } else { "POST" };
        let mut verification = verifier.begin(Head::new(method, &target, lines))?;
        verification.push(body.into())?;
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(self.time);
        let Inbound::Delivery(delivery) = verification.finish(now)? else { panic!("no handshake") };
        Ok(delivery)
    }
}

impl Expected {
    fn check(&self, name: &str, delivery: &Delivery) {
        let event = delivery.event();
        assert_eq!((event.kind().name(), event.app()), (&*self.kind, &*self.app), "{name}");
        assert_eq!(event.tenant(), self.tenant, "{name}");
        let unproven = Field::ALL.into_iter().filter(|field| !delivery.proves(*field));
        assert_eq!(unproven.map(Field::name).collect::<Vec<_>>(), self.unproven, "{name}");
    }
}

fn vectors() -> Vec<(String, Vector)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(VECTORS);
    let mut vectors = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let vector =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        vectors.push((path.file_stem().unwrap().to_string_lossy().into_owned(), vector));
    }
    vectors
}
