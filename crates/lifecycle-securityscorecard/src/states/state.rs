//! A state: the random value that stands for an installation while the browser is elsewhere.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use lifecycle_core::Reply;

/// A value of 256 random bits, good once. `Debug` does not show it.
#[derive(Clone)]
pub struct InstallState(Zeroizing<String>);

impl InstallState {
    /// The length of a state's text, in characters.
    pub(super) const LEN: usize = 43;

    pub(super) fn random() -> Result<Self, StateError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|_| StateError::NoRandomness)?;
        Ok(Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes))))
    }

    /// The value, of letters, digits, `-` and `_`: it stands for itself in a query, a path and a cookie.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for InstallState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstallState(redacted)")
    }
}

/// A state together with the value that ties it to one browser.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BoundState {
    /// Goes into the address that the browser is sent to.
    pub state: InstallState,
    /// Stays in the browser, as a cookie or in the app's session.
    pub browser: InstallState,
}

/// Why a state is not issued or not accepted. It never repeats a state.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// It was issued too long ago.
    #[error("the installation took too long; start it again from the app's page in the marketplace")]
    Expired,
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
    /// It was never issued, was used already, made room for newer ones, or belongs to another browser.
    #[error("the installation is not known here; start it again from the app's page in the marketplace")]
    Unknown,
}

impl StateError {
    /// The stable code: `invalid-state`, or `unavailable` without randomness.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Expired | Self::Unknown => "invalid-state",
            Self::NoRandomness => "unavailable",
        }
    }

    /// The answer: 400 problem details, or 503 without randomness.
    pub fn reply(&self) -> Reply {
        let reply = match self {
            Self::Expired | Self::Unknown => Reply::problem(
                400,
                self.code(),
                "The installation has to be started again",
                Some(&self.to_string()),
            ),
            Self::NoRandomness => Reply::problem(503, self.code(), "The installation cannot go on now", None),
        };
        reply.header("cache-control", "no-store")
    }
}

impl From<StateError> for Reply {
    fn from(error: StateError) -> Self {
        error.reply()
    }
}
