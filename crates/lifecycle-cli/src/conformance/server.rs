//! Server: which one is tested, where it takes callbacks, and what is shared with it.

use std::collections::BTreeMap;

use clap::Args;
use lifecycle_conformance::{Credentials, Exactness, KeyServer, Route, RouteKind, Target};
use lifecycle_core::Platform;
use lifecycle_testing::{KeysFrom, Sender};
use reqwest::Url;

use crate::client;
use crate::failure::Failure;
use crate::platform::{self, PlatformArgs, signs};
use crate::secret::{Key, PreviousSecretArgs, SigningSecretArgs};

/// The platform whose hook `--hook-url` is.
const HOOK_PLATFORM: &str = "securityscorecard";

#[derive(Args, Debug)]
pub(super) struct ServerArgs {
    /// Where the server takes the platform's callbacks; http only, since each byte is chosen
    #[arg(long, value_name = "URL", required_unless_present_any = ["list", "hook_url"])]
    url: Option<String>,
    #[command(flatten)]
    platform: PlatformArgs,
    /// Where it takes SecurityScorecard's hook, too; its last part is the token
    #[arg(long, value_name = "URL")]
    hook_url: Option<String>,
    /// The id of the app that the receiver expects, if it expects one [default: that of the platform's samples]
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    /// The tenant, where each has keys of its own, by the URL of its API [default: where --publish-keys publishes them]
    #[arg(long, value_name = "URL")]
    tenant: Option<String>,
    /// Publish the platform's public keys (JWKS) at this address during the run, where the receiver fetches them
    #[arg(long, value_name = "HOST:PORT")]
    publish_keys: Option<String>,
    /// Compare every byte of each answer, as this library gives it
    #[arg(long)]
    pub(super) exact: bool,
    #[command(flatten)]
    secret: SigningSecretArgs,
    #[command(flatten)]
    previous: PreviousSecretArgs,
}

impl ServerArgs {
    /// The server; its keys are published from now on, where that was asked for.
    pub(super) fn target(&self) -> Result<Target, Failure> {
        let mut target = Target {
            name: "server".into(),
            address: String::new(),
            routes: Vec::new(),
            credentials: BTreeMap::new(),
            exactness: if self.exact { Exactness::Bytes } else { Exactness::Verdict },
        };
        let own = self.url.as_deref().map(|url| (self.platform.platform, url));
        let hook = self.hook_url.as_deref().zip(platform::named(HOOK_PLATFORM));
        for (sender, url) in own.into_iter().chain(hook.map(|(url, sender)| (sender, url))) {
            let mut url = plain(url)?;
            let address = address(&url);
            if !target.address.is_empty() && target.address != address {
                return Err(Failure::new(
                    "--url and --hook-url name different servers",
                    "test them one after the other",
                ));
            }
            let name = sender.platform().name().to_owned();
            let credentials =
                if signs(sender.platform()) { self.signing(sender)? } else { self.hook(sender, &mut url) };
            target.address = address;
            target.routes.push(route(sender, &url));
            target.credentials.insert(name, credentials);
        }
        Ok(target)
    }

    /// What is shared about a platform that proves its callbacks.
    fn signing(&self, sender: &'static Sender) -> Result<Credentials, Failure> {
        let platform = sender.platform();
        let key = self.secret.read(platform)?;
        let previous = self.previous.read(platform)?.map(|secret| secret.text().to_owned());
        let mut credentials = self.credentials(sender, key.text());
        credentials.previous = previous;
        credentials.tenant.clone_from(&self.tenant);
        if let Some(address) = &self.publish_keys {
            let origin = publish(platform, &key, address)?;
            if matches!(sender.keys_from(), KeysFrom::Tenant { .. }) {
                credentials.tenant.get_or_insert(format!("{origin}/graphql/"));
            }
        }
        if matches!(sender.keys_from(), KeysFrom::Tenant { .. }) && credentials.tenant.is_none() {
            return Err(Failure::new(
                format!("each tenant of {} has keys of its own", platform.name()),
                "give --publish-keys HOST:PORT, or --tenant URL if they are published already",
            ));
        }
        Ok(credentials)
    }

    /// What is shared about one that is proven by its URL, whose last part is the token.
    fn hook(&self, sender: &'static Sender, url: &mut Url) -> Credentials {
        let token =
            url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default().to_owned();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop();
        }
        self.credentials(sender, &token)
    }

    fn credentials(&self, sender: &'static Sender, current: &str) -> Credentials {
        let app = self.app.clone().unwrap_or_else(|| app_of(sender));
        Credentials { app, current: current.to_owned(), previous: None, tenant: None }
    }
}

/// The app of the platform's samples, which is empty where its events name none.
fn app_of(sender: &'static Sender) -> String {
    let first = sender.events().next().and_then(|(_, event)| sender.sample(event));
    first.map(|sample| sample.delivery().event().app().to_owned()).unwrap_or_default()
}

fn publish(platform: &Platform, key: &Key, address: &str) -> Result<String, Failure> {
    let key_set = key.signing().key_set().ok_or_else(|| {
        Failure::new(format!("{} publishes no keys", platform.name()), "leave --publish-keys out")
    })?;
    let server = KeyServer::bind(address, &key_set).map_err(|error| {
        Failure::new(
            format!("cannot publish keys at {address}: {error}"),
            "give a free port, as 127.0.0.1:4010",
        )
    })?;
    Ok(server.origin())
}

/// The route of a platform: one for each event, where its path tells which.
fn route(sender: &'static Sender, url: &Url) -> Route {
    let first = sender.events().next().and_then(|(kind, event)| Some((kind, sender.sample(event)?)));
    let event = first.filter(|(_, sample)| !sample.path().is_empty()).map(|(kind, _)| kind.to_owned());
    let (kind, path) = match &event {
        _ if !signs(sender.platform()) => {
            (RouteKind::Hook, format!("{}/{{token}}", url.path().trim_end_matches('/')))
        }
        Some(_) => (RouteKind::EndpointOne, target_of(url)),
        None => (RouteKind::Endpoint, target_of(url)),
    };
    let platform = sender.platform().name().to_owned();
    Route { name: kind.name().to_owned(), path, platform, kind, event }
}

fn plain(text: &str) -> Result<Url, Failure> {
    let url = client::parse_url(text)?;
    if url.scheme() != "http" {
        return Err(Failure::new(
            "the suite chooses each byte that is sent, so it cannot use https",
            "give the app's own address, in front of which TLS ends",
        ));
    }
    Ok(url)
}

fn address(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80))
}

fn target_of(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lifecycle_testing::registry;

    #[test]
    fn every_platform_has_a_route_of_the_kind_that_its_fixtures_are_for() {
        let url: Url = "http://127.0.0.1:3000/path?x=1".parse().unwrap();
        for sender in registry() {
            let route = route(sender, &url);
            let expected = match sender.platform().name() {
                "securityscorecard" => ("hook", "/path/{token}"),
                "bigcommerce" => ("endpoint-one", "/path?x=1"),
                _ => ("endpoint", "/path?x=1"),
            };
            assert_eq!((route.kind.name(), route.path.as_str()), expected, "{sender:?}");
        }
    }
}
