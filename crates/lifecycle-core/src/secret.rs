//! Secret, Secrets (rotation) and `HookToken`: never empty, never shown, wiped from memory when dropped.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A value that only the sender and the receiver know. It cannot be empty, is never printed, and is wiped when dropped.
///
/// A platform's signing secret is used as text, exactly as the platform shows it: not decoded, not trimmed.
///
/// ```
/// use lifecycle_core::{Secret, SecretError};
///
/// let secret = Secret::new("from the platform's registration page")?;
/// assert_eq!(format!("{secret:?}"), "Secret(redacted)");
/// assert_eq!(Secret::new("\n").unwrap_err(), SecretError::Blank);
/// # Ok::<(), SecretError>(())
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// # Errors
    /// [`SecretError::Blank`] when there is nothing in it but white space, as in an unset variable or an empty file.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, SecretError> {
        let bytes = Zeroizing::new(bytes.into());
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(SecretError::Blank);
        }
        Ok(Self(bytes))
    }

    /// The MAC state with this secret as its key, ready to be cloned for each message.
    pub(crate) fn keyed(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(&self.0).expect("HMAC takes keys of any length")
    }

    /// Whether the other party presented this very value. Compares MACs, so the time taken tells nothing about where
    /// they differ.
    pub(crate) fn matches(&self, presented: &[u8]) -> bool {
        let expected = self.keyed().chain_update(&*self.0).finalize().into_bytes();
        self.keyed().chain_update(presented).verify(&expected).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Why a value cannot serve as a secret. The value itself is never repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Nothing but white space: look for an unset variable or an empty file.
    #[error("the secret is empty; is its variable or file set?")]
    Blank,
    /// A hook token holds a character that does not stand for itself in a URL path.
    #[error("a hook token may hold only ASCII letters, digits, '-', '.', '_' and '~'")]
    TokenCharacters,
    /// A hook token is too short to be unguessable.
    #[error("a hook token needs at least {} characters", HookToken::MIN_LEN)]
    TokenTooShort,
}

/// The name of a signing secret: what logs and [`Trust`](crate::Trust) show in its place.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SecretId(Arc<str>);

impl SecretId {
    /// A name such as `2026-q4`. It will be logged: never derive it from the secret.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A signing secret with its name and, if rotation is planned ahead, the time in which it counts.
#[derive(Clone)]
pub struct SigningSecret {
    id: SecretId,
    keyed: Hmac<Sha256>,
    not_before: Option<SystemTime>,
    not_after: Option<SystemTime>,
}

impl SigningSecret {
    /// A secret that counts at any time.
    pub fn new(name: &str, secret: &Secret) -> Self {
        Self { id: SecretId::new(name), keyed: secret.keyed(), not_before: None, not_after: None }
    }

    /// The first instant at which the secret counts.
    #[must_use]
    pub fn not_before(mut self, time: SystemTime) -> Self {
        self.not_before = Some(time);
        self
    }

    /// The last instant at which the secret counts.
    #[must_use]
    pub fn not_after(mut self, time: SystemTime) -> Self {
        self.not_after = Some(time);
        self
    }

    pub(crate) fn id(&self) -> &SecretId {
        &self.id
    }

    pub(crate) fn keyed(&self) -> &Hmac<Sha256> {
        &self.keyed
    }

    pub(crate) fn counts_at(&self, now: SystemTime) -> bool {
        self.not_before.is_none_or(|start| start <= now) && self.not_after.is_none_or(|end| now <= end)
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningSecret")
            .field("id", &self.id)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// The signing secrets that a receiver accepts: one in quiet times, two or more while one is being replaced.
///
/// There is always at least one, so a receiver without a secret cannot exist.
///
/// ```
/// use lifecycle_core::{Secret, Secrets, SigningSecret};
/// use std::time::{Duration, SystemTime};
///
/// let (new, old) = (Secret::new("the one shown today")?, Secret::new("the one shown last year")?);
/// let overlap = SystemTime::now() + Duration::from_secs(30 * 60);
/// let secrets = Secrets::from(SigningSecret::new("2026", &new))
///     .and(SigningSecret::new("2025", &old).not_after(overlap));
/// assert_eq!(secrets.len(), 2);
/// # Ok::<(), lifecycle_core::SecretError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Secrets(Vec<SigningSecret>);

impl Secrets {
    /// Adds a secret that is accepted too.
    #[must_use]
    pub fn and(mut self, secret: SigningSecret) -> Self {
        self.0.push(secret);
        self
    }

    /// How many there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn counting_at(&self, now: SystemTime) -> impl Iterator<Item = &SigningSecret> {
        self.0.iter().filter(move |secret| secret.counts_at(now))
    }
}

impl From<Secret> for Secrets {
    /// One secret, named `current`.
    fn from(secret: Secret) -> Self {
        SigningSecret::new("current", &secret).into()
    }
}

impl From<SigningSecret> for Secrets {
    fn from(secret: SigningSecret) -> Self {
        Self(vec![secret])
    }
}

/// The unguessable last segment of a hook's URL, where the platform signs nothing.
///
/// Whoever knows the URL can forge a delivery, so it belongs in no log and no public page. Make it from at least
/// 128 random bits.
#[derive(Clone)]
pub struct HookToken {
    keyed: Hmac<Sha256>,
    expected: Zeroizing<[u8; 32]>,
}

impl HookToken {
    /// The fewest characters of a token: 16, enough for 64 random bits in hex.
    pub const MIN_LEN: usize = 16;

    /// # Errors
    /// [`SecretError::TokenTooShort`] and [`SecretError::TokenCharacters`] (only unreserved characters of RFC 3986
    /// stand for themselves in a path).
    pub fn new(token: &str) -> Result<Self, SecretError> {
        if token.len() < Self::MIN_LEN {
            return Err(SecretError::TokenTooShort);
        }
        if !token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)) {
            return Err(SecretError::TokenCharacters);
        }
        let keyed = Secret::new(token)?.keyed();
        let expected = Zeroizing::new(keyed.clone().chain_update(token).finalize().into_bytes().into());
        Ok(Self { keyed, expected })
    }

    /// Compares MACs of both, keyed by the token: the time taken tells nothing about where they differ.
    pub(crate) fn matches(&self, presented: &str) -> bool {
        self.keyed.clone().chain_update(presented).verify_slice(&*self.expected).is_ok()
    }
}

impl fmt::Debug for HookToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookToken(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_blank_secret_cannot_exist() {
        for blank in ["", " ", "\r\n", "\t "] {
            assert_eq!(Secret::new(blank).unwrap_err(), SecretError::Blank);
        }
    }

    #[test]
    fn a_secret_matches_only_itself() {
        let long = "x".repeat(100);
        for secret in ["token", "a", "token\0", long.as_str()] {
            let own = Secret::new(secret).unwrap();
            assert!(own.matches(secret.as_bytes()));
            for other in ["", "toke", "tokens", "TOKEN", "token\0\0", "b", &long[1..]] {
                assert!(!own.matches(other.as_bytes()), "{secret:?} {other:?}");
            }
        }
    }

    #[test]
    fn nothing_shows_a_secret() {
        let secret = Secret::new("hunter2-hunter2").unwrap();
        let signing = SigningSecret::new("2026", &secret);
        let token = HookToken::new("hunter2-hunter2-x").unwrap();
        let shown = format!("{secret:?} {signing:?} {:?} {token:?}", Secrets::from(secret.clone()));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(!shown.contains("104, 117"), "bytes as numbers: {shown}");
    }

    #[test]
    fn a_secret_counts_from_its_first_instant_to_its_last() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let secret = SigningSecret::new("s", &Secret::new("x").unwrap()).not_before(at(10)).not_after(at(20));
        let counting: Vec<u64> = (8..=22).filter(|s| secret.counts_at(at(*s))).collect();
        assert_eq!(counting, (10..=20).collect::<Vec<_>>());
    }

    #[test]
    fn a_hook_token_is_long_and_stands_for_itself_in_a_path() {
        assert_eq!(HookToken::new("short").unwrap_err(), SecretError::TokenTooShort);
        assert_eq!(HookToken::new("0123456789abcde/").unwrap_err(), SecretError::TokenCharacters);
        assert_eq!(HookToken::new("0123456789abcde%41").unwrap_err(), SecretError::TokenCharacters);
    }

    #[test]
    fn a_hook_token_matches_only_itself() {
        let token = HookToken::new("0123456789abcdef").unwrap();
        assert!(token.matches("0123456789abcdef"));
        for other in ["", "0123456789abcdee", "0123456789abcdef0", "0123456789ABCDEF", "hook"] {
            assert!(!token.matches(other), "{other}");
        }
    }
}
