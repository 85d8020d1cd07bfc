//! Published keys: what verifies a platform whose keys are fetched while the app runs.

use std::collections::BTreeMap;

use lifecycle_core::{ConfigError, ExpectedApp, Platform, Verifier};
use lifecycle_keys::{KeySetClient, KeySetUrl, RemoteKeys, TenantKeys};
use lifecycle_testing::{KeysFrom, Sender, variable};

use crate::settings::{Environment, SettingsError};

/// The keys at one URL, or those of one tenant. A real app would know the tenants that have registered.
#[derive(Clone)]
pub(crate) enum PublishedKeys {
    Platform(RemoteKeys),
    Tenant(TenantKeys, String),
}

impl PublishedKeys {
    /// The variable that names the URL: `NAME_JWKS_URL`, or `NAME_API_URL` where each tenant has keys of its own. `None` for a platform
    /// whose keys are settings themselves.
    pub(crate) fn variable(platform: &Platform) -> Option<String> {
        match Sender::of(platform)?.keys_from() {
            KeysFrom::Tenant { .. } => Some(variable(platform, "API_URL")),
            KeysFrom::Url => Some(variable(platform, "JWKS_URL")),
            _ => None,
        }
    }

    /// `None` where the variable is not set.
    pub(crate) fn read(
        platform: &'static Platform,
        name: &str,
        environment: &Environment<'_>,
    ) -> Result<Option<Self>, SettingsError> {
        let Some(url) = environment.text(name)? else { return Ok(None) };
        let invalid = |error| SettingsError::KeySetUrl(name.to_owned(), error);
        let client = KeySetClient::new();
        if let Some(KeysFrom::Tenant { header }) = Sender::of(platform).map(Sender::keys_from) {
            // A shop that had registered itself would be `KeySetUrl::well_known`; this one is a setting, and may be on this machine.
            let origin = url.split('/').take(3).collect::<Vec<_>>().join("/");
            let published = KeySetUrl::parse_or_loopback(&format!("{origin}/.well-known/jwks.json"));
            let published = published.map_err(invalid)?;
            let shops = BTreeMap::from([(url.clone(), published)]);
            return Ok(Some(Self::Tenant(TenantKeys::new(platform, header, shops, client), url)));
        }
        let published = KeySetUrl::parse_or_loopback(&url).map_err(invalid)?;
        Ok(Some(Self::Platform(match owner(platform, &url, environment)? {
            Some(owner) => RemoteKeys::owned(platform, published, client, &owner),
            None => RemoteKeys::new(platform, published, client),
        })))
    }

    pub(crate) fn verifier(
        &self,
        platform: &'static Platform,
        app: ExpectedApp,
    ) -> Result<Verifier, ConfigError> {
        match self {
            Self::Platform(keys) => Verifier::with_source(platform, keys.clone(), app),
            Self::Tenant(keys, _) => Verifier::with_source(platform, keys.clone(), app),
        }
    }

    /// Fetches them now. Where that fails, the log says so, and callbacks are answered 503 until it succeeds.
    pub(crate) async fn warm_up(&self) {
        let _ = match self {
            Self::Platform(keys) => keys.warm_up().await.map_err(Some),
            Self::Tenant(keys, tenant) => keys.warm_up(tenant).await,
        };
    }
}

/// Whose the keys are, where they have to be somebody's: what `NAME_TENANT` says, or the first part of the URL's path, where Entra has
/// the tenant. On this machine nobody but a test publishes keys, and its samples are of one tenant.
fn owner(
    platform: &Platform,
    url: &str,
    environment: &Environment<'_>,
) -> Result<Option<String>, SettingsError> {
    let Some((_, of_samples)) = Sender::of(platform).and_then(Sender::key_owner) else { return Ok(None) };
    if let Some(tenant) = environment.text(&variable(platform, "TENANT"))? {
        return Ok(Some(tenant));
    }
    let is_secure = url.starts_with("https://");
    let in_path = url.split('/').nth(3).unwrap_or_default();
    Ok(Some(if is_secure { in_path.to_owned() } else { of_samples.to_owned() }))
}
