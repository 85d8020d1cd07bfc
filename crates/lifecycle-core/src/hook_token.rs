//! `HookToken`: the secret last segment of a URL that only the platform knows.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::secret::{Secret, SecretError};

/// The unguessable last segment of a hook's URL, where the platform signs nothing.
///
/// Whoever knows the URL can forge a delivery, so it must not appear in a log or on a public page. The usual loggers of requests print
/// paths: let them name routes instead, as `docs/guide/access-logs.md` in the repository shows for each framework. Make it from 128 random bits or
/// more: 32 digits of hex, or 22 characters of base64url.
///
/// ```
/// use lifecycle_core::{HookToken, SecretError};
///
/// HookToken::new("b2f0c6f1d5e14f7c9a3b8d2e6f4a1c07")?; // `openssl rand -hex 16`
/// assert_eq!(HookToken::new("hook").unwrap_err(), SecretError::TokenTooShort);
/// # Ok::<(), SecretError>(())
/// ```
#[derive(Clone)]
pub struct HookToken {
    keyed: Hmac<Sha256>,
    expected: Zeroizing<[u8; 32]>,
}

impl HookToken {
    /// The fewest characters of a token: 22, which is what 128 random bits take in base64url.
    pub const MIN_LEN: usize = 22;

    /// # Errors
    /// [`SecretError::TokenTooShort`] and [`SecretError::TokenCharacters`]: only unreserved characters of RFC 3986 are
    /// never escaped in a path. Some clients write `~`, which is one, as `%7E`; that is not decoded here.
    pub fn new(token: &str) -> Result<Self, SecretError> {
        if token.len() < Self::MIN_LEN {
            return Err(SecretError::TokenTooShort);
        }
        if !token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
            return Err(SecretError::TokenCharacters);
        }
        let keyed = Secret::new(token)?.keyed();
        let expected = Zeroizing::new(keyed.clone().chain_update(token).finalize().into_bytes().into());
        Ok(Self { keyed, expected })
    }

    /// Whether this is the token. [`Verifier`](crate::Verifier) asks by itself; it is there for an app's other routes that only
    /// the platform may know, such as the one of a manifest, which names the hook's URL.
    ///
    /// It compares MACs of both, keyed by the token: so the time taken does not reveal where they differ.
    pub fn matches(&self, presented: &str) -> bool {
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

    #[test]
    fn a_hook_token_is_long_and_stands_for_itself_in_a_path() {
        let long = "0123456789abcdef-._ABC";
        assert!(HookToken::new(long).is_ok());
        assert_eq!(HookToken::new(&long[1..]).unwrap_err(), SecretError::TokenTooShort);
        for character in ["~", "/", "%41", "\n", "\"", " ", "é"] {
            let token = format!("{long}{character}");
            assert_eq!(HookToken::new(&token).unwrap_err(), SecretError::TokenCharacters, "{character:?}");
        }
    }

    #[test]
    fn a_hook_token_matches_only_itself() {
        let token = HookToken::new("0123456789abcdef012345").unwrap();
        assert!(token.matches("0123456789abcdef012345"));
        for other in
            ["", "0123456789abcdef012344", "0123456789abcdef0123450", "0123456789ABCDEF012345", "hook"]
        {
            assert!(!token.matches(other), "{other}");
        }
    }
}
