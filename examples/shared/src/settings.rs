//! Settings: what the environment says, and what is made up where it says nothing.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use lifecycle_core::{HookToken, SecretError, Secrets, seismic};

use lifecycle_keys::InvalidKeySetUrl;

use crate::platform_settings::{PlatformSettings, signing};

/// What the environment says.
///
/// Other users of a machine may read a process's environment (`/proc/PID/environ`), and it is handed on to what the process
/// starts. So secrets, including the database's URL, can be in a file, which a variable with `_FILE` behind its name
/// names; one line break at the end of the file is not part of it.
pub struct Settings {
    /// `PORT`: where to listen on the loopback address; 0 means any free port. 3000 by default.
    pub port: u16,
    /// `SEISMIC_SIGNING_SECRET` and, while it is being replaced, `SEISMIC_PREVIOUS_SIGNING_SECRET`; each also with `_FILE`.
    pub secrets: Secrets,
    /// `SEISMIC_APP_ID`: refuse callbacks about another app.
    pub app_id: Option<String>,
    /// `SEISMIC_MAX_AGE_SECONDS`: refuse callbacks that were sent longer ago.
    pub max_age: Option<Duration>,
    /// `SECURITYSCORECARD_HOOK_TOKEN`, also with `_FILE`: the unguessable end of the URLs of the hook and of the manifest.
    pub token: HookToken,
    /// `SECURITYSCORECARD_INSTALLATION_URL`: where the installation page posts to, instead of the platform.
    pub installation_url: Option<String>,
    /// `DATABASE_URL`, also with `_FILE`: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/NAME`. By default an SQLite file in
    /// the working directory.
    pub database_url: Option<String>,
    /// `PUBLIC_URL`: how the world reaches this app, for the manifest. By default the address listened on.
    pub public_url: Option<String>,
    /// `WORKER_LEASE_SECONDS`: after how long another process takes over what a dead one had begun. 30 s by default.
    pub worker_lease: Option<Duration>,
    /// Those of the platforms that need nothing but an endpoint.
    pub(crate) platforms: Vec<PlatformSettings>,
    pub(crate) token_text: String,
    /// What was generated, to be shown to the user who tries out the app.
    pub(crate) made_up: MadeUp,
}

/// What was generated for this run. What was set is never shown.
pub(crate) struct MadeUp {
    pub(crate) secret: Option<String>,
    pub(crate) token: bool,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("port", &self.port).finish_non_exhaustive()
    }
}

/// A setting that cannot be used. It names the variable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Both a variable and the one for its file are set.
    #[error("{0} and {0}_FILE are both set; choose one")]
    Both(String),
    /// The file that a variable names cannot be read.
    #[error("{0}_FILE names a file that cannot be read: {1}")]
    File(String, io::Error),
    /// Not a URL from which keys are fetched.
    #[error("{0}: {1}")]
    KeySetUrl(String, InvalidKeySetUrl),
    /// Neither a number of the expected range nor unset.
    #[error("{0} has to be a whole number in range")]
    Number(String),
    /// Not an Ed25519 public key in hex.
    #[error("{0} has to be the 64 hex digits of an Ed25519 public key")]
    PublicKey(String),
    /// Not an RSA public key as PEM.
    #[error("{0} has to be an RSA public key as PEM, of 2048 to 8192 bits")]
    RsaKey(String),
    /// Not usable as a secret.
    #[error("{0}: {1}")]
    Secret(String, SecretError),
    /// Not text.
    #[error("{0} is not UTF-8")]
    Text(String),
}

impl Settings {
    /// Reads the environment. A secret or token that is not set is made up; one that is set and empty is an error.
    ///
    /// # Errors
    /// [`SettingsError`] names the variable.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(&Environment(&|variable| env::var_os(variable)))
    }

    fn read(environment: &Environment<'_>) -> Result<Self, SettingsError> {
        let given = environment.secret("SEISMIC_SIGNING_SECRET")?;
        let secret = given.is_none().then(random);
        let current = given.or_else(|| secret.clone()).unwrap_or_default();
        let mut secrets = Secrets::from(signing(
            &|text| seismic::SCHEME.secret(text),
            "SEISMIC_SIGNING_SECRET",
            "current",
            &current,
        )?);
        if let Some(previous) = environment.secret("SEISMIC_PREVIOUS_SIGNING_SECRET")? {
            secrets = secrets.or(signing(
                &|text| seismic::SCHEME.secret(text),
                "SEISMIC_PREVIOUS_SIGNING_SECRET",
                "previous",
                &previous,
            )?);
        }
        let given = environment.secret("SECURITYSCORECARD_HOOK_TOKEN")?;
        let made_up = MadeUp { secret, token: given.is_none() };
        let token_text = given.unwrap_or_else(random);
        let token = HookToken::new(&token_text)
            .map_err(|error| SettingsError::Secret("SECURITYSCORECARD_HOOK_TOKEN".to_owned(), error))?;
        Ok(Self {
            port: environment.number("PORT")?.unwrap_or(3000),
            secrets,
            app_id: environment.text("SEISMIC_APP_ID")?,
            max_age: environment.number("SEISMIC_MAX_AGE_SECONDS")?.map(Duration::from_secs),
            token,
            installation_url: environment.text("SECURITYSCORECARD_INSTALLATION_URL")?,
            database_url: environment.secret("DATABASE_URL")?,
            public_url: environment.text("PUBLIC_URL")?,
            worker_lease: environment.number("WORKER_LEASE_SECONDS")?.map(Duration::from_secs),
            platforms: PlatformSettings::read_all(environment)?,
            token_text,
            made_up,
        })
    }
}

/// Where a variable's value is found.
pub(crate) struct Environment<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl Environment<'_> {
    pub(crate) fn text(&self, variable: &str) -> Result<Option<String>, SettingsError> {
        let value = (self.0)(variable).map(OsString::into_string).transpose();
        value.map_err(|_| SettingsError::Text(variable.to_owned()))
    }

    fn number<N: FromStr>(&self, variable: &str) -> Result<Option<N>, SettingsError> {
        let digits = self.text(variable)?;
        digits
            .map(|digits| digits.parse().map_err(|_| SettingsError::Number(variable.to_owned())))
            .transpose()
    }

    /// The variable's value, or what the file holds that the variable with `_FILE` behind its name names.
    pub(crate) fn secret(&self, variable: &str) -> Result<Option<String>, SettingsError> {
        let (value, file) = (self.text(variable)?, (self.0)(&format!("{variable}_FILE")));
        let file = match (value, file) {
            (Some(_), Some(_)) => return Err(SettingsError::Both(variable.to_owned())),
            (value, None) => return Ok(value),
            (None, Some(file)) => file,
        };
        let text =
            fs::read_to_string(file).map_err(|error| SettingsError::File(variable.to_owned(), error))?;
        // Editors and `echo` end a line.
        let line = text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        Ok(Some(line.unwrap_or(&text).to_owned()))
    }
}

/// 128 random bits as text.
pub(crate) fn random() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    const_hex::const_encode::<16, false>(&bytes).as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let found = |variable: &str| {
            let (_, value) = variables.iter().find(|(name, _)| *name == variable)?;
            Some(OsString::from(value))
        };
        Settings::read(&Environment(&found)).map_err(|error| error.to_string())
    }

    fn file(folder: &Path, content: &str) -> String {
        let path = folder.join(format!("{:x}", content.len()));
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn what_is_secret_may_stand_in_a_file_without_the_line_break_at_its_end() {
        let folder = tempfile::tempdir().unwrap();
        for (content, expected) in [
            ("sqlite:a", "sqlite:a"),
            ("sqlite:a\n", "sqlite:a"),
            ("sqlite:a\r\n", "sqlite:a"),
            ("sqlite:a\n\n", "sqlite:a\n"),
            ("", ""),
        ] {
            let settings = read(&[("DATABASE_URL_FILE", &file(folder.path(), content))]).unwrap();
            assert_eq!(settings.database_url.as_deref(), Some(expected), "{content:?}");
        }
        for variable in ["SEISMIC_SIGNING_SECRET_FILE", "SECURITYSCORECARD_HOOK_TOKEN_FILE"] {
            let content = "a-secret-of-more-than-22-characters\n";
            assert!(read(&[(variable, &file(folder.path(), content))]).is_ok(), "{variable}");
        }
    }

    #[test]
    fn a_setting_that_cannot_be_used_names_its_variable_in_one_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let blank = file(folder.path(), "\n");
        for (variables, sentence) in [
            (
                vec![("DATABASE_URL", "a"), ("DATABASE_URL_FILE", "b")],
                "DATABASE_URL and DATABASE_URL_FILE are both set; choose one",
            ),
            (
                vec![("SEISMIC_SIGNING_SECRET_FILE", "/no/such/file")],
                "SEISMIC_SIGNING_SECRET_FILE names a file that cannot be read: ",
            ),
            (vec![("SEISMIC_SIGNING_SECRET_FILE", &blank)], "SEISMIC_SIGNING_SECRET: "),
            (vec![("SEISMIC_SIGNING_SECRET", "secret\n")], "SEISMIC_SIGNING_SECRET: "),
            (vec![("SEISMIC_PREVIOUS_SIGNING_SECRET", "\"secret\"")], "SEISMIC_PREVIOUS_SIGNING_SECRET: "),
            (vec![("SECURITYSCORECARD_HOOK_TOKEN", "short")], "SECURITYSCORECARD_HOOK_TOKEN: "),
            (vec![("SLACK_SIGNING_SECRET", "secret\n")], "SLACK_SIGNING_SECRET: "),
            (vec![("DISCORD_PUBLIC_KEY", "d75a")], "DISCORD_PUBLIC_KEY has to be the 64 hex digits"),
            (vec![("WIX_PUBLIC_KEY", "-----BEGIN")], "WIX_PUBLIC_KEY has to be an RSA public key as PEM"),
            (
                vec![("SALEOR_API_URL", "http://shop.example/")],
                "SALEOR_API_URL: a key set is fetched by https",
            ),
            (vec![("PORT", "many")], "PORT has to be a whole number in range"),
        ] {
            let error = read(&variables).err().unwrap_or_else(|| panic!("{variables:?} can be used"));
            assert!(error.starts_with(sentence), "{error}");
            assert!(!error.contains('\n') && !error.contains("\"secret"), "{error}");
        }
    }
}
