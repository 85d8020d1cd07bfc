//! Keys: what a verifier proves requests with, fixed or looked up for each request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;

use crate::head::Headers;
use crate::hook_token::HookToken;
use crate::jws::Jws;
#[cfg(feature = "public-key")]
use crate::key_set::KeySet;
use crate::platform::{Platform, Proof};
#[cfg(feature = "public-key")]
use crate::public_key::{KeySort, PublicKey};
use crate::secret::{Secret, Secrets, SigningSecret};
use crate::token_scheme::Algorithm;

/// What a verifier proves requests with: signing secrets, public keys, or the token of an unguessable URL.
///
/// It is made by [`From`]. `Debug` shows of which sort they are.
#[derive(Clone)]
pub struct Keys {
    pub(crate) material: Material,
    owner: Option<Arc<str>>,
}

#[derive(Clone)]
pub(crate) enum Material {
    #[cfg(feature = "public-key")]
    Public(KeySet),
    Secrets(Secrets),
    Token(HookToken),
}

impl Keys {
    /// Says whose keys they are, where a [`KeySource`] has keys of many. What they prove is theirs: a decoder reads it with
    /// [`VerifiedRequest::key_owner`](crate::VerifiedRequest::key_owner).
    #[must_use]
    pub fn with_owner(mut self, owner: &str) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Whose keys they are, if that was said.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// Whether these are keys for this platform's proof.
    pub(crate) fn check(&self, platform: &'static Platform) -> Result<(), ConfigError> {
        let fit = match (&self.material, platform.proof()) {
            #[cfg(feature = "public-key")]
            (Material::Public(keys), Proof::PublicKey(scheme)) => keys.is_of(scheme.key_sort()),
            #[cfg(feature = "public-key")]
            (Material::Public(keys), Proof::Token(scheme)) => {
                scheme.algorithm() == Algorithm::Rs256 && keys.is_of(KeySort::Rsa)
            }
            (Material::Secrets(_), Proof::Token(scheme)) => scheme.algorithm() == Algorithm::Hs256,
            (Material::Secrets(_), Proof::Hmac(_)) | (Material::Token(_), Proof::UnguessableUrl) => true,
            _ => false,
        };
        let wrong =
            || ConfigError::WrongKeys { platform: platform.name(), expected: platform.proof().keys() };
        if fit { Ok(()) } else { Err(wrong()) }
    }

    fn of(material: Material) -> Self {
        Self { material, owner: None }
    }
}

impl From<Secrets> for Keys {
    fn from(secrets: Secrets) -> Self {
        Self::of(Material::Secrets(secrets))
    }
}

impl From<SigningSecret> for Keys {
    fn from(secret: SigningSecret) -> Self {
        Secrets::from(secret).into()
    }
}

/// One secret, named `current`.
impl From<Secret> for Keys {
    fn from(secret: Secret) -> Self {
        Secrets::from(secret).into()
    }
}

/// The token of an unguessable URL.
impl From<HookToken> for Keys {
    fn from(token: HookToken) -> Self {
        Self::of(Material::Token(token))
    }
}

#[cfg(feature = "public-key")]
impl From<KeySet> for Keys {
    fn from(keys: KeySet) -> Self {
        Self::of(Material::Public(keys))
    }
}

#[cfg(feature = "public-key")]
impl From<PublicKey> for Keys {
    fn from(key: PublicKey) -> Self {
        KeySet::from(key).into()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sort = match &self.material {
            #[cfg(feature = "public-key")]
            Material::Public(_) => "public keys",
            Material::Secrets(_) => "signing secrets",
            Material::Token(_) => "hook token",
        };
        write!(f, "Keys({sort})")
    }
}

/// Why a verifier cannot be made as asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Any app, on a platform whose keys prove the tokens of all apps: those that are meant for others would be taken.
    #[error("{platform} signs for all apps with one key, so the app has to be named")]
    AnyApp {
        /// The platform's name.
        platform: &'static str,
    },
    /// A maximum age, on a platform that does not say when it sent an attempt: every callback would be refused.
    #[error(
        "{platform} does not tell when it sent a callback, so there is nothing to hold a maximum age against"
    )]
    UntoldTime {
        /// The platform's name.
        platform: &'static str,
    },
    /// A time of the attempt that the platform does not sign: a replay could choose it.
    #[error("{platform} does not sign the time of an attempt that it names")]
    UnsignedTime {
        /// The platform's name.
        platform: &'static str,
    },
    /// Keys of another sort than the platform's proof takes.
    #[error("{platform} is verified with {expected}")]
    WrongKeys {
        /// The platform's name.
        platform: &'static str,
        /// What it is verified with.
        expected: &'static str,
    },
}

/// Finds the keys of a request, for platforms whose keys differ from tenant to tenant or are replaced while the app runs.
///
/// It chooses among keys that it trusts; it has no say in whether they prove the request. What it is asked with is unproven,
/// and strangers cause the asking: bound what it costs.
///
/// ```
/// use lifecycle_core::{KeyHint, KeySource, Keys, KeysUnavailable, Secret, async_trait};
/// use std::collections::HashMap;
///
/// struct Shops(HashMap<String, Secret>);
///
/// #[async_trait]
/// impl KeySource for Shops {
///     async fn find(&self, hint: &KeyHint) -> Result<Option<Keys>, KeysUnavailable> {
///         let Some(shop) = hint.unauthenticated_header("x-shop") else { return Ok(None) };
///         Ok(self.0.get(shop).map(|secret| Keys::from(secret.clone()).with_owner(shop)))
///     }
/// }
/// ```
#[async_trait]
pub trait KeySource: Send + Sync + 'static {
    /// The keys, if they are at hand: nothing is awaited then.
    fn cached(&self, hint: &KeyHint) -> Option<Keys> {
        let _ = hint;
        None
    }

    /// The keys to prove the request with; `None` when there are none for it, which is answered 401.
    ///
    /// # Errors
    /// [`KeysUnavailable`] when that is not known now: 503, as it is not the sender's fault.
    async fn find(&self, hint: &KeyHint) -> Result<Option<Keys>, KeysUnavailable>;
}

/// What a request says of the keys that prove it. Nothing of it is proven. `Debug` shows no value.
#[derive(Clone)]
pub struct KeyHint {
    headers: Headers,
    key_id: Option<Box<str>>,
    issuer: Option<Box<str>>,
}

impl KeyHint {
    pub(crate) fn new(headers: Headers, jws: Option<&Jws>) -> Self {
        let owned = |text: Option<&str>| text.map(Into::into);
        Self { headers, key_id: owned(jws.and_then(Jws::key_id)), issuer: owned(jws.and_then(Jws::issuer)) }
    }

    /// A header that the platform names, its name in lower case.
    pub fn unauthenticated_header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The id of the key, of a token or a JWS (`kid`). It may be any text: look it up among known ones, and make no address of it.
    pub fn unauthenticated_key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Who says to have signed, of a token or a JWS (`iss`).
    pub fn unauthenticated_issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }
}

impl fmt::Debug for KeyHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyHint").field("headers", &self.headers).finish_non_exhaustive()
    }
}

/// The keys could not be obtained: a server or a store did not answer, or not in time. The request is answered 503.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, thiserror::Error)]
#[error("the keys could not be had")]
pub struct KeysUnavailable;

/// The answer of a [`KeySource`], to be awaited and given to [`Verification::supply`](crate::Verification::supply).
pub type KeyLookup = Pin<Box<dyn Future<Output = Result<Option<Keys>, KeysUnavailable>> + Send>>;
