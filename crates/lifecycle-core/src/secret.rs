//! Secret, and Secrets (rotation): never empty, never shown, wiped from memory when dropped.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::hook_token::HookToken;

/// A value that only the sender and the verifier know. It cannot be empty, is never printed, and is wiped when dropped.
///
/// A platform's signing secret is used as text, exactly as the platform shows it: not decoded, not trimmed. A line break or
/// a blank at an end, or quotes around it, come from a file, a shell or a copy; every signature would be refused because of
/// them, so such a text is refused at once. Bytes that are not text, such as a decoded key, may begin and end with anything.
///
/// ```
/// use lifecycle_core::{Secret, SecretError};
///
/// let secret = Secret::new("from the platform's registration page")?;
/// assert_eq!(format!("{secret:?}"), "Secret(redacted)");
/// assert_eq!(Secret::new("\n").unwrap_err(), SecretError::Blank);
/// assert_eq!(Secret::new("read from a file\n").unwrap_err(), SecretError::WhiteSpaceAround);
/// # Ok::<(), SecretError>(())
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// # Errors
    /// [`SecretError::Blank`] when there is nothing in it but white space, as in an unset variable or an empty file;
    /// [`SecretError::WhiteSpaceAround`] and [`SecretError::Quoted`] for a text that has more around it than the platform
    /// shows.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, SecretError> {
        let bytes = Zeroizing::new(bytes.into());
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(SecretError::Blank);
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) if !text.chars().any(is_binary) => check_ends(text)?,
            _ => {} // a key as bytes, not as text
        }
        Ok(Self(bytes))
    }

    /// The key that this text is in base64 (standard alphabet, padded), of this many bytes at least.
    ///
    /// ```
    /// use lifecycle_core::{Secret, SecretError};
    ///
    /// assert!(Secret::from_base64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 24).is_ok());
    /// assert_eq!(Secret::from_base64("c2VjcmV0", 24).unwrap_err(), SecretError::TooShort);
    /// ```
    ///
    /// # Errors
    /// [`SecretError::NotBase64`], [`SecretError::TooShort`]; [`SecretError::Blank`] when there is nothing at all.
    pub fn from_base64(text: &str, at_least: usize) -> Result<Self, SecretError> {
        let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| SecretError::NotBase64)?);
        if bytes.is_empty() {
            return Err(SecretError::Blank);
        }
        if bytes.len() < at_least {
            return Err(SecretError::TooShort);
        }
        Ok(Self(bytes))
    }

    /// The MAC state with this secret as its key, ready to be cloned for each message.
    pub(crate) fn keyed(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(&self.0).expect("HMAC takes keys of any length")
    }

    /// Whether the other party presented this very value. Compares MACs, so the time taken does not reveal where
    /// they differ.
    pub fn matches(&self, presented: &[u8]) -> bool {
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
    /// A key that a platform shows in base64 is not in base64.
    #[error(
        "the secret is not in base64 after its prefix; is it pasted whole, and is it the signing secret?"
    )]
    NotBase64,
    /// A text is in quotes: look for an `.env` file whose reader keeps them, or for quotes within quotes.
    #[error("the secret stands in quotes, in which no platform shows one; take them off where it is set")]
    Quoted,
    /// A hook token holds a character that is escaped in a URL path.
    #[error(
        "a hook token may hold only ASCII letters, digits, '-', '.' and '_'; \
         look for a line break at its end or for quotes around it"
    )]
    TokenCharacters,
    /// A hook token is too short to be unguessable.
    #[error("a hook token needs at least {} characters", HookToken::MIN_LEN)]
    TokenTooShort,
    /// A key has fewer bytes than the platform's keys have.
    #[error("the secret is shorter than the platform's keys are; is it pasted whole?")]
    TooShort,
    /// A text begins or ends with a line break, a blank or a byte order mark: look for a file that was written by `echo` or
    /// an editor.
    #[error(
        "the secret begins or ends with a line break or a blank, with which no platform shows one; \
         take it off where it is set (`printf %s` writes a file without one)"
    )]
    WhiteSpaceAround,
}

/// Text has no such character.
fn is_binary(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

fn check_ends(text: &str) -> Result<(), SecretError> {
    if text.starts_with(is_around) || text.ends_with(is_around) {
        return Err(SecretError::WhiteSpaceAround);
    }
    let quoted = |quote: char| text.strip_prefix(quote).is_some_and(|rest| rest.ends_with(quote));
    if ['"', '\'', '`'].into_iter().any(quoted) {
        return Err(SecretError::Quoted);
    }
    Ok(())
}

fn is_around(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// The name of a signing secret or of a public key: what logs and [`Trust`](crate::Trust) show in its place.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct KeyName(Arc<str>);

impl KeyName {
    /// A name such as `2026-q4`. It will be logged: never derive it from the secret.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A signing secret with its name and, if rotation is planned ahead, the time in which it is valid.
#[derive(Clone)]
pub struct SigningSecret {
    name: KeyName,
    keyed: Hmac<Sha256>,
    not_before: Option<SystemTime>,
    not_after: Option<SystemTime>,
}

impl SigningSecret {
    /// A secret that is valid at any time.
    pub fn new(name: &str, secret: &Secret) -> Self {
        Self { name: KeyName::new(name), keyed: secret.keyed(), not_before: None, not_after: None }
    }

    /// The first instant at which the secret is valid.
    #[must_use]
    pub fn not_before(mut self, time: SystemTime) -> Self {
        self.not_before = Some(time);
        self
    }

    /// The last instant at which the secret is valid.
    #[must_use]
    pub fn not_after(mut self, time: SystemTime) -> Self {
        self.not_after = Some(time);
        self
    }

    pub(crate) fn name(&self) -> &KeyName {
        &self.name
    }

    pub(crate) fn keyed(&self) -> &Hmac<Sha256> {
        &self.keyed
    }

    pub(crate) fn is_valid_at(&self, now: SystemTime) -> bool {
        self.not_before.is_none_or(|start| start <= now) && self.not_after.is_none_or(|end| now <= end)
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningSecret")
            .field("name", &self.name)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// The signing secrets that a verifier accepts: normally one; two or more during rotation.
///
/// There is always at least one, so a verifier without a secret cannot exist.
///
/// ```
/// use lifecycle_core::{Secret, Secrets, SigningSecret};
/// use std::time::{Duration, SystemTime};
///
/// let (new, old) = (Secret::new("the one shown today")?, Secret::new("the one shown last year")?);
/// let overlap = SystemTime::now() + Duration::from_secs(30 * 60);
/// let secrets = Secrets::from(SigningSecret::new("2026", &new))
///     .or(SigningSecret::new("2025", &old).not_after(overlap));
/// assert_eq!(secrets.len(), 2);
/// # Ok::<(), lifecycle_core::SecretError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Secrets(Vec<SigningSecret>);

impl Secrets {
    /// Adds a secret that is accepted too.
    #[must_use]
    pub fn or(mut self, secret: SigningSecret) -> Self {
        self.0.push(secret);
        self
    }

    /// How many there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn valid_at(&self, now: SystemTime) -> impl Iterator<Item = &SigningSecret> {
        self.0.iter().filter(move |secret| secret.is_valid_at(now))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A key is kept as two states of SHA-256, of which `hmac` wipes nothing: `sha2` does, with its feature `zeroize`. `Hmac` does
    /// not implement the trait, so the test asks what it is made of.
    #[test]
    fn a_key_is_wiped_when_it_is_dropped() {
        fn is_wiped<T: zeroize::ZeroizeOnDrop>() {}
        is_wiped::<Sha256>();
    }

    #[test]
    fn a_blank_secret_cannot_exist() {
        for blank in ["", " ", "\r\n", "\t "] {
            assert_eq!(Secret::new(blank).unwrap_err(), SecretError::Blank);
        }
    }

    #[test]
    fn a_text_with_more_around_it_than_a_platform_shows_is_refused() {
        for around in
            ["s3cr3t\n", "s3cr3t\r\n", "\ns3cr3t", " s3cr3t", "s3cr3t\t", "\u{feff}s3cr3t", "s3cr3t\u{a0}"]
        {
            assert_eq!(Secret::new(around).unwrap_err(), SecretError::WhiteSpaceAround, "{around:?}");
        }
        for quoted in ["\"s3cr3t\"", "'s3cr3t'", "`s3cr3t`", "\"\""] {
            assert_eq!(Secret::new(quoted).unwrap_err(), SecretError::Quoted, "{quoted}");
        }
        for own in [
            "s 3\tc\nr3t",
            "\"s3cr3t",
            "s3cr3t'",
            "\"s3cr3t'",
            "\"",
            "s\"3cr3t\"",
            "whsec_c2VjcmV0",
            "pässwörd",
        ] {
            assert!(Secret::new(own).is_ok(), "{own}");
        }
        for binary in [b"\x01\n".as_slice(), &[0xff, b' '], &[0x0b; 20], b"\"\x02\"", &[0, b'\n']] {
            assert!(Secret::new(binary).is_ok(), "{binary:?} is a key as bytes");
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
        let token = HookToken::new("hunter2-hunter2-hunter2").unwrap();
        let shown = format!("{secret:?} {signing:?} {:?} {token:?}", Secrets::from(secret.clone()));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(!shown.contains("104, 117"), "bytes as numbers: {shown}");
    }

    #[test]
    fn a_secret_is_valid_from_its_first_instant_to_its_last() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let secret = SigningSecret::new("s", &Secret::new("x").unwrap()).not_before(at(10)).not_after(at(20));
        let valid: Vec<u64> = (8..=22).filter(|s| secret.is_valid_at(at(*s))).collect();
        assert_eq!(valid, (10..=20).collect::<Vec<_>>());
    }
}
