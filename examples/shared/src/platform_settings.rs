//! Platform settings: what verifies a platform that needs nothing of an app but an endpoint.

use lifecycle_core::{
    Algorithm, Audience, ConfigError, ExpectedApp, Keys, Platform, Proof, PublicKey, Secret, SecretError,
    Secrets, SigningSecret, Verifier, azure, bigcommerce, discord, forge, github, linear, monday, saleor,
    shopify, slack, standard_webhooks, stripe, wix, zoom,
};
use lifecycle_testing::{SigningKeys, variable};

use crate::published_keys::PublishedKeys;
use crate::settings::{Environment, SettingsError, random};

/// These platforms, each with an endpoint at `/NAME`, or with one for each of these callbacks below it.
const PLATFORMS: [(&Platform, &[&str]); 14] = [
    (&azure::PLATFORM, &[]),
    (&bigcommerce::PLATFORM, &["load", "uninstall", "remove_user"]),
    (&discord::PLATFORM, &[]),
    (&forge::PLATFORM, &[]),
    (&github::PLATFORM, &[]),
    (&linear::PLATFORM, &[]),
    (&monday::PLATFORM, &[]),
    (&saleor::PLATFORM, &[]),
    (&shopify::PLATFORM, &[]),
    (&slack::PLATFORM, &[]),
    (&standard_webhooks::PLATFORM, &[]),
    (&stripe::PLATFORM, &[]),
    (&wix::PLATFORM, &[]),
    (&zoom::PLATFORM, &[]),
];

/// What the environment says of one of them.
pub(crate) struct PlatformSettings {
    pub(crate) platform: &'static Platform,
    /// The callbacks that have a path of their own.
    pub(crate) callbacks: &'static [&'static str],
    /// `NAME_SIGNING_SECRET` and, while it is being replaced, `NAME_PREVIOUS_SIGNING_SECRET`, each also with `_FILE`; or
    /// `NAME_PUBLIC_KEY`, also with `_FILE`, in hex or as PEM; or where they are published.
    keys: PlatformKeys,
    /// `NAME_APP_ID`: refuse events about another app; also `NAME_AUDIENCE`.
    pub(crate) app: ExpectedApp,
    /// What was generated, as a variable for whoever plays the platform.
    pub(crate) made_up: Option<String>,
}

#[derive(Clone)]
enum PlatformKeys {
    Fixed(Keys),
    Published(PublishedKeys),
}

impl PlatformSettings {
    pub(crate) fn read_all(environment: &Environment<'_>) -> Result<Vec<Self>, SettingsError> {
        let read = |(platform, callbacks)| Self::read(platform, callbacks, environment).transpose();
        PLATFORMS.into_iter().filter_map(read).collect()
    }

    /// `None` for a platform that cannot be received from without a setting which is not there.
    fn read(
        platform: &'static Platform,
        callbacks: &'static [&'static str],
        environment: &Environment<'_>,
    ) -> Result<Option<Self>, SettingsError> {
        let variable = |setting: &str| variable(platform, setting);
        let unset = |variable: &str| println!("{} is not received: {variable} is not set", platform.name());
        let audience = environment.text(&variable("AUDIENCE"))?;
        let app =
            audience.map_or_else(|| environment.text(&variable("APP_ID")), |audience| Ok(Some(audience)))?;
        let needs_app =
            matches!(platform.proof(), Proof::Token(scheme) if scheme.audience() == Audience::OneApp);
        if needs_app && app.is_none() {
            unset(&variable("APP_ID"));
            return Ok(None);
        }
        let app = app.map_or(ExpectedApp::Any, ExpectedApp::from);
        if let Some(name) = PublishedKeys::variable(platform) {
            let keys = PublishedKeys::read(platform, &name, environment)?;
            if keys.is_none() {
                unset(&name);
            }
            let keys = keys.map(PlatformKeys::Published);
            return Ok(keys.map(|keys| Self { platform, callbacks, keys, app, made_up: None }));
        }
        let (keys, made_up) = match platform.proof() {
            Proof::Hmac(scheme) => signing_secrets(&|text| scheme.secret(text), environment, &variable)?,
            Proof::Token(scheme) if scheme.algorithm() == Algorithm::Hs256 => {
                signing_secrets(&|text| Secret::new(text), environment, &variable)?
            }
            Proof::Token(_) => {
                let Some(key) = rsa_key(environment, &variable("PUBLIC_KEY"))? else {
                    unset(&format!("{}_FILE", variable("PUBLIC_KEY")));
                    return Ok(None);
                };
                (key.into(), None)
            }
            _ => public_key(platform, environment, &variable)?,
        };
        Ok(Some(Self { platform, callbacks, keys: PlatformKeys::Fixed(keys), app, made_up }))
    }

    /// Receives it. Keys that are published are fetched now, so that no callback has to wait for them.
    pub(crate) async fn verifier(&self) -> Result<Verifier, ConfigError> {
        match &self.keys {
            PlatformKeys::Fixed(keys) => Verifier::new(self.platform, keys.clone(), self.app.clone()),
            PlatformKeys::Published(keys) => {
                keys.warm_up().await;
                keys.verifier(self.platform, self.app.clone())
            }
        }
    }

    /// Where it is received: the path, and the only callback that comes there, if the platform has several paths.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (String, Option<&'static str>)> {
        let name = self.platform.name();
        let whole = self.callbacks.is_empty().then(|| (format!("/{name}"), None));
        let each =
            self.callbacks.iter().map(move |callback| (format!("/{name}/{callback}"), Some(*callback)));
        whole.into_iter().chain(each)
    }
}

/// The secret that a text is.
type ReadSecret<'r> = &'r dyn Fn(&str) -> Result<Secret, SecretError>;

fn signing_secrets(
    read: ReadSecret<'_>,
    environment: &Environment<'_>,
    variable: &dyn Fn(&str) -> String,
) -> Result<(Keys, Option<String>), SettingsError> {
    let (name, previous) = (variable("SIGNING_SECRET"), variable("PREVIOUS_SIGNING_SECRET"));
    let given = environment.secret(&name)?;
    let made_up = given.is_none().then(random);
    let current = given.or_else(|| made_up.clone()).unwrap_or_default();
    let mut secrets = Secrets::from(signing(read, &name, "current", &current)?);
    if let Some(text) = environment.secret(&previous)? {
        secrets = secrets.or(signing(read, &previous, "previous", &text)?);
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

fn rsa_key(environment: &Environment<'_>, name: &str) -> Result<Option<PublicKey>, SettingsError> {
    let pem = environment.secret(name)?;
    let key = |pem: String| PublicKey::rsa_pem("current", &pem);
    pem.map(key).transpose().map_err(|_| SettingsError::RsaKey(name.to_owned()))
}

/// The secret that a text is on a platform: some write it in base64.
pub(crate) fn signing(
    read: ReadSecret<'_>,
    variable: &str,
    name: &str,
    text: &str,
) -> Result<SigningSecret, SettingsError> {
    let secret = read(text).map_err(|error| SettingsError::Secret(variable.to_owned(), error))?;
    Ok(SigningSecret::new(name, &secret))
}
