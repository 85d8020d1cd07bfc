//! Platform settings: what verifies a platform that needs nothing of an app but an endpoint.

use lifecycle_core::{
    ExpectedApp, Keys, Platform, Proof, PublicKey, Scheme, Secrets, SigningSecret, discord, github, linear,
    shopify, slack, standard_webhooks, stripe, zoom,
};
use lifecycle_testing::{SigningKeys, variable};

use crate::settings::{Environment, SettingsError, random};

/// These platforms, each with an endpoint at `/NAME`.
const PLATFORMS: [&Platform; 8] = [
    &discord::PLATFORM,
    &github::PLATFORM,
    &linear::PLATFORM,
    &shopify::PLATFORM,
    &slack::PLATFORM,
    &standard_webhooks::PLATFORM,
    &stripe::PLATFORM,
    &zoom::PLATFORM,
];

/// What the environment says of one of them.
pub(crate) struct PlatformSettings {
    pub(crate) platform: &'static Platform,
    /// `NAME_SIGNING_SECRET` and, while it is being replaced, `NAME_PREVIOUS_SIGNING_SECRET`, each also with `_FILE`; or
    /// `NAME_PUBLIC_KEY`, in hex.
    pub(crate) keys: Keys,
    /// `NAME_APP_ID`: refuse events about another app.
    pub(crate) app: ExpectedApp,
    /// What was generated, as a variable for whoever plays the platform.
    pub(crate) made_up: Option<String>,
}

impl PlatformSettings {
    pub(crate) fn read_all(environment: &Environment<'_>) -> Result<Vec<Self>, SettingsError> {
        PLATFORMS.into_iter().map(|platform| Self::read(platform, environment)).collect()
    }

    fn read(platform: &'static Platform, environment: &Environment<'_>) -> Result<Self, SettingsError> {
        let variable = |setting: &str| variable(platform, setting);
        let (keys, made_up) = match platform.proof() {
            Proof::Hmac(scheme) => signing_secrets(scheme, environment, &variable)?,
            _ => public_key(platform, environment, &variable)?,
        };
        let app = environment.text(&variable("APP_ID"))?.map_or(ExpectedApp::Any, ExpectedApp::from);
        Ok(Self { platform, keys, app, made_up })
    }
}

fn signing_secrets(
    scheme: &Scheme,
    environment: &Environment<'_>,
    variable: &dyn Fn(&str) -> String,
) -> Result<(Keys, Option<String>), SettingsError> {
    let (name, previous) = (variable("SIGNING_SECRET"), variable("PREVIOUS_SIGNING_SECRET"));
    let given = environment.secret(&name)?;
    let made_up = given.is_none().then(random);
    let current = given.or_else(|| made_up.clone()).unwrap_or_default();
    let mut secrets = Secrets::from(signing(scheme, &name, "current", &current)?);
    if let Some(text) = environment.secret(&previous)? {
        secrets = secrets.or(signing(scheme, &previous, "previous", &text)?);
    }
    Ok((secrets.into(), made_up.map(|secret| format!("{name}={secret}"))))
}

fn public_key(
    platform: &Platform,
    environment: &Environment<'_>,
    variable: &dyn Fn(&str) -> String,
) -> Result<(Keys, Option<String>), SettingsError> {
    let name = variable("PUBLIC_KEY");
    let invalid = || SettingsError::PublicKey(name.clone());
    if let Some(hex) = environment.text(&name)? {
        let key = PublicKey::ed25519("current", &hex).map_err(|_| invalid())?;
        return Ok((key.into(), None));
    }
    let seed = [random(), random()].concat();
    let keys = SigningKeys::parse(platform, &seed).map_err(|_| invalid())?;
    Ok((keys.verifying(), Some(format!("{}={seed}", variable("PRIVATE_KEY")))))
}

/// The secret that a text is on a platform: some write it in base64.
pub(crate) fn signing(
    scheme: &Scheme,
    variable: &str,
    name: &str,
    text: &str,
) -> Result<SigningSecret, SettingsError> {
    let secret = scheme.secret(text).map_err(|error| SettingsError::Secret(variable.to_owned(), error))?;
    Ok(SigningSecret::new(name, &secret))
}
