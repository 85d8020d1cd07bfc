//! Signing keys: the platform's side of the keys that an app verifies with.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use lifecycle_core::{
    Algorithm, AttemptTime, HookToken, Keys, Platform, Proof, PublicKey, Scheme, Secret, SecretError,
    Secrets, SigningSecret, TokenScheme,
};
use ring::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use crate::rsa_signing_key::RsaSigningKey;
use crate::sender::Sender;

const SECRET: &str = "a signing secret for tests";
const TOKEN: &str = "b2f0c6f1d5e14f7c9a3b8d2e6f4a1c07";

/// An RSA private key that everybody knows: for tests only.
pub const RSA_TEST_KEY: &str = include_str!("rsa_test_key.pem");

/// Another one, for what a receiver of the first has to refuse.
pub const RSA_OTHER_TEST_KEY: &str = include_str!("rsa_other_test_key.pem");

/// The private key of RFC 8032, section 7.1, test 1.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

/// What a platform signs with: a secret, a private key, or the token of an unguessable URL; two secrets while one is being
/// replaced. `Debug` shows of which sort they are.
///
/// ```
/// use lifecycle_core::{EventKind, Verifier, stripe};
/// use lifecycle_testing::{SigningKeys, sample};
/// use std::time::SystemTime;
///
/// let keys = SigningKeys::parse(&stripe::PLATFORM, "whsec_demo_new_2b7d")?;
/// let verifier = Verifier::new(&stripe::PLATFORM, keys.verifying(), "app_Demo0001")?;
/// let request = sample(&stripe::PLATFORM, &EventKind::Install).sign(&keys);
/// let delivery = request.verify(&verifier, SystemTime::now())?.delivery().expect("no handshake");
/// assert_eq!(delivery.event().kind(), &EventKind::Install);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SigningKeys {
    current: SigningKey,
    previous: Option<SigningKey>,
    owner: Option<&'static str>,
}

#[derive(Clone)]
enum SigningKey {
    Private(Arc<Ed25519KeyPair>, PublicKey),
    Rsa(Arc<RsaSigningKey>),
    Secret(Secret),
    Token(Zeroizing<String>, HookToken),
}

/// A text is no key for a platform's proof.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// It is no secret, or no token.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It is no RSA private key.
    #[error("an RSA private key is a PEM that begins with BEGIN PRIVATE KEY, of 2048 to 4096 bits")]
    Rsa,
    /// It is no private key.
    #[error("the seed of an Ed25519 key is 64 hex digits")]
    Seed,
}

impl SigningKeys {
    /// The key that a text is on this platform: a signing secret as the platform shows it, the 64 hex digits of an Ed25519 seed, the
    /// PEM of an RSA private key, or the token of an unguessable URL.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub fn parse(platform: &Platform, text: &str) -> Result<Self, SigningKeyError> {
        let current = match platform.proof() {
            proof if proof.uses_rsa() => SigningKey::Rsa(Arc::new(RsaSigningKey::from_pem(text)?)),
            Proof::Token(_) => SigningKey::Secret(Secret::new(text)?),
            Proof::Hmac(scheme) => SigningKey::Secret(scheme.secret(text)?),
            Proof::PublicKey(_) => {
                let seed = const_hex::decode(text).map(Zeroizing::new).map_err(|_| SigningKeyError::Seed)?;
                let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| SigningKeyError::Seed)?;
                let public = PublicKey::ed25519("current", &hex(&pair)).map_err(|_| SigningKeyError::Seed)?;
                SigningKey::Private(Arc::new(pair), public)
            }
            _ => SigningKey::Token(Zeroizing::new(text.to_owned()), HookToken::new(text)?),
        };
        let owner = Sender::of(platform).and_then(Sender::key_owner).map(|(_, owner)| owner);
        Ok(Self { current, previous: None, owner })
    }

    /// Keys that everybody knows: for tests only. A secret that is being replaced is not among them.
    ///
    /// # Panics
    /// Never: each of them is one of a platform's keys.
    pub fn for_tests(platform: &Platform) -> Self {
        known(platform).expect("they are keys")
    }

    /// Signs with the one before too, as a platform does while a secret is being replaced and where its signatures have room
    /// for two: in a header of its own, as Seismic, or as another element of the same header, as Stripe.
    #[must_use]
    pub fn with_previous(mut self, previous: Self) -> Self {
        self.previous = Some(previous.current);
        self
    }

    /// The app's side: what a [`Verifier`](lifecycle_core::Verifier) verifies these signatures with. Its secrets are named
    /// `current` and `previous`. Keys that have to have an owner have that of the platform's samples.
    pub fn verifying(&self) -> Keys {
        let keys = self.unowned();
        match self.owner {
            Some(owner) => keys.with_owner(owner),
            None => keys,
        }
    }

    fn unowned(&self) -> Keys {
        match (&self.current, &self.previous) {
            (SigningKey::Private(_, public), _) => public.clone().into(),
            (SigningKey::Rsa(key), _) => key.public().clone().into(),
            (SigningKey::Secret(current), Some(SigningKey::Secret(previous))) => {
                Secrets::from(current.clone()).or(SigningSecret::new("previous", previous)).into()
            }
            (SigningKey::Secret(current), _) => current.clone().into(),
            (SigningKey::Token(_, token), _) => token.clone().into(),
        }
    }

    /// The public key as a platform's developer portal shows it: 64 hex digits of Ed25519, a PEM of RSA; `None` where there is none.
    pub fn public_key(&self) -> Option<String> {
        match &self.current {
            SigningKey::Private(pair, _) => Some(hex(pair)),
            SigningKey::Rsa(key) => Some(key.public_pem()),
            SigningKey::Secret(_) | SigningKey::Token(..) => None,
        }
    }

    /// The id by which signatures name an RSA key, which is its thumbprint (RFC 7638); `None` for keys of other sorts.
    pub fn key_id(&self) -> Option<&str> {
        match &self.current {
            SigningKey::Rsa(key) => Some(key.id()),
            SigningKey::Private(..) | SigningKey::Secret(_) | SigningKey::Token(..) => None,
        }
    }

    /// The JSON Web Key Set (RFC 7517) in which a platform publishes an RSA key; `None` for keys of other sorts.
    pub fn key_set(&self) -> Option<String> {
        match &self.current {
            SigningKey::Rsa(key) => Some(key.key_set()),
            SigningKey::Private(..) | SigningKey::Secret(_) | SigningKey::Token(..) => None,
        }
    }

    /// The headers that prove these bytes, with their values, for an attempt that is sent at this time. A header that the
    /// platform signs is taken from `headers` (names in lower case); the one that tells the time of the attempt need not be there.
    ///
    /// # Panics
    /// When they are keys of another sort than the platform's proof takes.
    pub fn signatures(
        &self,
        platform: &Platform,
        headers: &[(&str, &[u8])],
        body: &[u8],
        sent: SystemTime,
    ) -> Vec<(&'static str, String)> {
        let seconds = unix_seconds(sent).to_string();
        let mut known = headers.to_vec();
        if let AttemptTime::Header(name) | AttemptTime::Field(name) = platform.attempt_time() {
            known.push((name, seconds.as_bytes()));
        }
        match (platform.proof(), &self.current) {
            (Proof::Hmac(scheme), SigningKey::Secret(secret)) => {
                let current = scheme.sign(secret, &known, body);
                match &self.previous {
                    Some(SigningKey::Secret(previous)) => {
                        rotating(scheme, current, scheme.sign(previous, &known, body))
                    }
                    _ => vec![(scheme.headers()[0], current)],
                }
            }
            (Proof::PublicKey(public), SigningKey::Private(pair, _)) => {
                let sign = |message: &[u8]| pair.sign(message).as_ref().to_vec();
                vec![(public.headers()[0], public.sign_with(None, &known, body, sign))]
            }
            (Proof::PublicKey(public), SigningKey::Rsa(key)) => {
                let sign = |message: &[u8]| key.sign(message);
                vec![(public.headers()[0], public.sign_with(Some(key.id()), &known, body, sign))]
            }
            (Proof::UnguessableUrl, SigningKey::Token(..)) => Vec::new(),
            _ => panic!("{} is proven by keys of another sort", platform.name()),
        }
    }

    /// The token with these claims (JSON) by which the platform proves itself.
    ///
    /// # Panics
    /// When they are keys of another sort than the platform's proof takes, or that is no token.
    pub fn sign_claims(&self, platform: &Platform, claims: &str) -> String {
        match (platform.proof(), &self.current) {
            (Proof::Token(scheme), SigningKey::Secret(secret)) if scheme.algorithm() == Algorithm::Hs256 => {
                scheme.sign(secret, claims)
            }
            (Proof::Token(scheme), SigningKey::Rsa(key)) => {
                scheme.sign_with(Some(key.id()), claims, |message| key.sign(message))
            }
            _ => panic!("{} is proven by keys of another sort", platform.name()),
        }
    }

    /// A token with any header and claims (JSON), signed as these keys sign: for what has to be refused.
    ///
    /// # Panics
    /// When they sign no tokens.
    pub fn sign_token(&self, header: &str, claims: &str) -> String {
        TokenScheme::sign_with_header(header, claims, |message| match &self.current {
            SigningKey::Secret(secret) => {
                const HEX: Scheme = Scheme::new(&["mac"]);
                const_hex::decode(HEX.sign(secret, &[], message)).expect("it is hex")
            }
            SigningKey::Rsa(key) => key.sign(message),
            SigningKey::Private(..) | SigningKey::Token(..) => panic!("these keys sign no tokens"),
        })
    }

    /// The hex of a text's HMAC-SHA256 under the current secret, as Zoom wants to see it when it tries out a URL; `None` where
    /// there is no secret.
    pub fn mac(&self, text: &str) -> Option<String> {
        const HEX: Scheme = Scheme::new(&["mac"]);
        match &self.current {
            SigningKey::Secret(secret) => Some(HEX.sign(secret, &[], text.as_bytes())),
            SigningKey::Private(..) | SigningKey::Rsa(_) | SigningKey::Token(..) => None,
        }
    }

    /// The token of an unguessable URL, where that is the proof.
    pub(crate) fn hook_token(&self) -> Option<&str> {
        match &self.current {
            SigningKey::Token(token, _) => Some(token),
            SigningKey::Private(..) | SigningKey::Rsa(_) | SigningKey::Secret(_) => None,
        }
    }
}

/// The environment variable with a setting of a platform, by which programs agree on it.
///
/// ```
/// use lifecycle_core::standard_webhooks;
///
/// let name = lifecycle_testing::variable(&standard_webhooks::PLATFORM, "SIGNING_SECRET");
/// assert_eq!(name, "STANDARD_WEBHOOKS_SIGNING_SECRET");
/// ```
pub fn variable(platform: &Platform, setting: &str) -> String {
    format!("{}_{setting}", platform.name().to_uppercase().replace('-', "_"))
}

fn known(platform: &Platform) -> Result<SigningKeys, SigningKeyError> {
    match platform.proof() {
        proof if proof.uses_rsa() => SigningKeys::parse(platform, RSA_TEST_KEY),
        Proof::Hmac(_) | Proof::Token(_) => Ok(Secret::new(SECRET)?.into()),
        Proof::PublicKey(_) => SigningKeys::parse(platform, SEED),
        _ => SigningKeys::parse(platform, TOKEN),
    }
}

/// Where two signatures stand: the older one second, in a header of its own, or first, as an element of the same header. Where
/// there is room for one, the platform signs with one secret.
fn rotating(scheme: &Scheme, current: String, previous: String) -> Vec<(&'static str, String)> {
    match (scheme.headers(), scheme.separator()) {
        ([first, second, ..], _) => vec![(first, current), (second, previous)],
        ([first, ..], Some(separator)) => {
            let separator = char::from(separator);
            let element = current.rsplit(separator).next().unwrap_or_default(); // fields stand in front
            vec![(first, format!("{previous}{separator}{element}"))]
        }
        (headers, None) => headers.iter().map(|name| (*name, current.clone())).collect(),
        ([], Some(_)) => Vec::new(),
    }
}

/// One secret.
impl From<Secret> for SigningKeys {
    fn from(secret: Secret) -> Self {
        Self { current: SigningKey::Secret(secret), previous: None, owner: None }
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sort = match self.current {
            SigningKey::Private(..) | SigningKey::Rsa(_) => "private key",
            SigningKey::Secret(_) => "signing secret",
            SigningKey::Token(..) => "hook token",
        };
        write!(f, "SigningKeys({sort})")
    }
}

fn hex(pair: &Ed25519KeyPair) -> String {
    const_hex::encode(pair.public_key().as_ref())
}

pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
