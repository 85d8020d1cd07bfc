//! Settings: what the environment says, and what is made up where it says nothing.

use std::env::{self, VarError};
use std::fmt;
use std::time::Duration;

use lifecycle_core::{HookToken, Secret, SecretError, Secrets, SigningSecret};

/// What the environment says.
pub struct Settings {
    /// `PORT`: where to listen on the loopback address; 0 means any free port. 3000 by default.
    pub port: u16,
    /// `SEISMIC_SIGNING_SECRET` and, while it is being replaced, `SEISMIC_PREVIOUS_SIGNING_SECRET`.
    pub secrets: Secrets,
    /// `SEISMIC_APP_ID`: refuse callbacks about another app.
    pub app_id: Option<String>,
    /// `SEISMIC_MAX_AGE_SECONDS`: refuse callbacks that were sent longer ago.
    pub max_age: Option<Duration>,
    /// `SECURITYSCORECARD_HOOK_TOKEN`: the unguessable end of the hook's URL.
    pub token: HookToken,
    /// `SECURITYSCORECARD_INSTALLATION_URL`: where the installation page posts to, instead of the platform.
    pub installation_url: Option<String>,
    /// `DATABASE_URL`: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/NAME`. By default an SQLite file in the working
    /// directory.
    pub database_url: Option<String>,
    /// `PUBLIC_URL`: how the world reaches this app, for the manifest. By default the address listened on.
    pub public_url: Option<String>,
    /// `WORKER_LEASE_SECONDS`: after how long another process takes over what a dead one had begun. 30 s by default.
    pub worker_lease: Option<Duration>,
    pub(crate) token_text: String,
    /// A made-up signing secret, to be shown to whoever tries the app out.
    pub(crate) made_up: Option<String>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("port", &self.port).finish_non_exhaustive()
    }
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Neither a number of the expected range nor unset.
    #[error("{0} has to be a whole number in range")]
    Number(&'static str),
    /// Not usable as a secret.
    #[error("{0}: {1}")]
    Secret(&'static str, #[source] SecretError),
    /// Not text.
    #[error("{0} is not UTF-8")]
    Text(&'static str),
}

impl Settings {
    /// Reads the environment. A secret or token that is not set is made up; one that is set and empty is an error.
    ///
    /// # Errors
    /// [`SettingsError`] names the variable.
    pub fn from_env() -> Result<Self, SettingsError> {
        let given = text("SEISMIC_SIGNING_SECRET")?;
        let made_up = given.is_none().then(random);
        let current = given.or_else(|| made_up.clone()).unwrap_or_default();
        let mut secrets = Secrets::from(signing("SEISMIC_SIGNING_SECRET", "current", current)?);
        if let Some(previous) = text("SEISMIC_PREVIOUS_SIGNING_SECRET")? {
            secrets = secrets.and(signing("SEISMIC_PREVIOUS_SIGNING_SECRET", "previous", previous)?);
        }
        let token_text = text("SECURITYSCORECARD_HOOK_TOKEN")?.unwrap_or_else(random);
        let token = HookToken::new(&token_text)
            .map_err(|error| SettingsError::Secret("SECURITYSCORECARD_HOOK_TOKEN", error))?;
        Ok(Self {
            port: number("PORT")?.unwrap_or(3000),
            secrets,
            app_id: text("SEISMIC_APP_ID")?,
            max_age: number("SEISMIC_MAX_AGE_SECONDS")?.map(Duration::from_secs),
            token,
            installation_url: text("SECURITYSCORECARD_INSTALLATION_URL")?,
            database_url: text("DATABASE_URL")?,
            public_url: text("PUBLIC_URL")?,
            worker_lease: number("WORKER_LEASE_SECONDS")?.map(Duration::from_secs),
            token_text,
            made_up,
        })
    }
}

fn signing(variable: &'static str, name: &str, text: String) -> Result<SigningSecret, SettingsError> {
    let secret = Secret::new(text).map_err(|error| SettingsError::Secret(variable, error))?;
    Ok(SigningSecret::new(name, &secret))
}

fn number<N: std::str::FromStr>(variable: &'static str) -> Result<Option<N>, SettingsError> {
    text(variable)?.map(|digits| digits.parse().map_err(|_| SettingsError::Number(variable))).transpose()
}

fn text(variable: &'static str) -> Result<Option<String>, SettingsError> {
    match env::var(variable) {
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(SettingsError::Text(variable)),
    }
}

/// 128 random bits as text.
pub(crate) fn random() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    const_hex::const_encode::<16, false>(&bytes).as_str().to_owned()
}
