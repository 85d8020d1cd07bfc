//! The installation id: the opaque value by which the platform knows one installation in progress.

use std::fmt;

use zeroize::Zeroizing;

use lifecycle_core::Reply;

/// The id of one user's installation. Whoever holds it can hand in that installation's secrets, so it is never shown,
/// belongs in no log, and goes back to nobody but the platform.
///
/// ```
/// use lifecycle_securityscorecard::{InstallationId, InstallationIdError};
///
/// let id = InstallationId::new("ins_7Yk2")?;
/// assert_eq!(format!("{id:?}"), "InstallationId(redacted)");
/// assert_eq!(InstallationId::new("").unwrap_err(), InstallationIdError::Missing);
/// # Ok::<(), InstallationIdError>(())
/// ```
#[derive(Clone)]
pub struct InstallationId(Zeroizing<String>);

impl InstallationId {
    /// The longest id that is accepted, in bytes: 4 KiB. The platform names no limit, and a JSON Web Token, which its ids may
    /// be one day, has 600 to 1,500.
    pub const MAX_LEN: usize = 4 * 1024;

    /// # Errors
    /// The value is empty, longer than [`MAX_LEN`](Self::MAX_LEN), or holds a control or replacement character.
    pub fn new(id: impl Into<String>) -> Result<Self, InstallationIdError> {
        let id = Zeroizing::new(id.into());
        if id.is_empty() {
            return Err(InstallationIdError::Missing);
        }
        if id.len() > Self::MAX_LEN {
            return Err(InstallationIdError::TooLong);
        }
        // A replacement character is what is left of bytes that were not UTF-8: the id could not be given back.
        if id.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
            return Err(InstallationIdError::Characters);
        }
        Ok(Self(id))
    }

    /// The value itself, to be given back to the platform and to nobody else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstallationId(redacted)")
    }
}

/// Why a request names no installation. The value itself is never repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InstallationIdError {
    /// It holds a control character, or was not UTF-8.
    #[error("the installation id holds characters that it cannot have")]
    Characters,
    /// The query gives it more than once, with different values.
    #[error("the installation id is given twice, differently")]
    Conflicting,
    /// There is none, or an empty one.
    #[error("the request names no installation; start it from the app's page in the marketplace")]
    Missing,
    /// It, or the query that holds it, is too long.
    #[error("the installation id is too long")]
    TooLong,
}

impl InstallationIdError {
    /// The stable code: `missing-installation` or `invalid-installation`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing-installation",
            Self::Characters | Self::Conflicting | Self::TooLong => "invalid-installation",
        }
    }

    /// The answer: 400 problem details.
    pub fn reply(&self) -> Reply {
        let title = match self {
            Self::Missing => "No installation is named",
            Self::Characters | Self::Conflicting | Self::TooLong => "The installation id cannot be used",
        };
        Reply::problem(400, self.code(), title, Some(&self.to_string())).header("cache-control", "no-store")
    }
}

impl From<InstallationIdError> for Reply {
    fn from(error: InstallationIdError) -> Self {
        error.reply()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_opaque_text_without_control_characters() {
        use InstallationIdError::{Characters, Missing, TooLong};
        let (longest, too_long) = ("a".repeat(4096), "a".repeat(4097));
        let cases = [
            ("ins_7Yk2", Ok(())),
            ("a b+c/d=é☃", Ok(())),
            (longest.as_str(), Ok(())),
            (too_long.as_str(), Err(TooLong)),
            ("", Err(Missing)),
            ("a\0", Err(Characters)),
            ("a\r\nset-cookie: x", Err(Characters)),
            ("\u{7f}", Err(Characters)),
            ("\u{85}", Err(Characters)),
            ("\u{fffd}", Err(Characters)),
        ];
        for (id, expected) in cases {
            assert_eq!(InstallationId::new(id).map(|_| ()), expected, "{id:?}");
        }
    }
}
