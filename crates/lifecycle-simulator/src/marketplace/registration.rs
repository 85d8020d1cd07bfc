//! Registration: a developer adds, changes and removes apps.

use lifecycle_core::{EventKind, Secret};
use lifecycle_securityscorecard::Manifest;
use zeroize::Zeroizing;

use super::{Marketplace, checked_name};
use crate::address;
use crate::app::{App, CallbackUrls, Registration, ScorecardApp, SeismicApp};
use crate::problem::Problem;
use crate::tenant::random_id;
use crate::version::Version;

/// The largest manifest that is read.
const MANIFEST_CAP: usize = 256 * 1024;
/// The longest id of an app, and the longest secret, in bytes.
const MAX_ID: usize = 128;
const MAX_SECRET: usize = 1024;

/// An app of Seismic as a developer describes it. What is `None` or empty is made up.
#[derive(Default)]
pub(crate) struct SeismicInput {
    pub(crate) name: String,
    pub(crate) app_id: Option<String>,
    /// One URL for all events.
    pub(crate) url: Option<String>,
    /// A URL for one event, in the order of [`EventKind::KNOWN`].
    pub(crate) urls: [Option<String>; 5],
    pub(crate) version: Option<String>,
    pub(crate) secret: Option<Zeroizing<String>>,
}

/// A registered app, and the secret that was made for it: the one time it is told.
pub(crate) struct Registered {
    pub(crate) app: App,
    pub(crate) generated: Option<Zeroizing<String>>,
}

impl Marketplace {
    pub(crate) async fn register_seismic(&self, input: SeismicInput) -> Result<Registered, Problem> {
        let (name, registration) = described(&input)?;
        let app_id = present(input.app_id).unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        if app_id.len() > MAX_ID || app_id.chars().any(char::is_control) {
            return Err(Problem::invalid(
                "app_id",
                "the app id must be at most 128 bytes, without control characters",
            ));
        }
        let given = input.secret.filter(|secret| !secret.is_empty());
        let generated = given.is_none().then(generated_secret);
        let secret = given.or_else(|| generated.clone()).unwrap_or_default();
        checked_secret(&secret).map_err(|reason| Problem::invalid("secret", reason))?;
        let add = move |store: &crate::store::Store| {
            store.add_app(&name, &app_id, &registration, Some(secret.as_bytes()))
        };
        let id = self.run(add).await?;
        Ok(Registered { app: self.app(id).await?, generated })
    }

    /// Changes the name, the URLs and the version; what is `None` in the input is taken from the app.
    pub(crate) async fn change_seismic(&self, id: i64, mut input: SeismicInput) -> Result<App, Problem> {
        let app = self.app(id).await?;
        let registered = app.seismic().ok_or_else(|| Problem::not_found("app of Seismic"))?;
        if input.name.trim().is_empty() {
            input.name.clone_from(&app.name);
        }
        input.version = input.version.or_else(|| Some(registered.version.clone()));
        if input.url.is_none() {
            for (url, kind) in input.urls.iter_mut().zip(EventKind::KNOWN) {
                *url = url.take().or_else(|| registered.urls.of(&kind).map(str::to_owned));
            }
        }
        let (name, registration) = described(&input)?;
        self.run(move |store| store.change_app(id, &name, &registration)).await?;
        self.app(id).await
    }

    /// Registers an app of SecurityScorecard by its manifest.
    pub(crate) async fn register_manifest(&self, manifest_url: &str) -> Result<App, Problem> {
        let registration = self.fetch_manifest(manifest_url).await?;
        let name = registration.manifest.name.clone();
        let app_id = uuid::Uuid::new_v4().to_string();
        let registration = Registration::Manifest(Box::new(registration));
        let id = self.run(move |store| store.add_app(&name, &app_id, &registration, None)).await?;
        self.app(id).await
    }

    /// Reads the manifest again: secrets that it now requires may make a re-install necessary.
    pub(crate) async fn refresh_manifest(&self, id: i64) -> Result<App, Problem> {
        let app = self.app(id).await?;
        let registered = app.scorecard().ok_or_else(|| Problem::not_found("app with a manifest"))?;
        let registration = self.fetch_manifest(&registered.manifest_url).await?;
        let name = registration.manifest.name.clone();
        let registration = Registration::Manifest(Box::new(registration));
        self.run(move |store| store.change_app(id, &name, &registration)).await?;
        self.app(id).await
    }

    pub(crate) async fn remove(&self, id: i64) -> Result<(), Problem> {
        let removed = self.run(move |store| store.remove_app(id)).await?;
        if removed { Ok(()) } else { Err(Problem::not_found("app")) }
    }

    async fn fetch_manifest(&self, manifest_url: &str) -> Result<ScorecardApp, Problem> {
        let url = address::parse(manifest_url)
            .map_err(|reason| Problem::invalid("manifest-url", format!("the manifest's URL {reason}")))?;
        let deadline = std::time::Duration::from_secs(10);
        let document = self.0.courier.fetch(url.as_str(), MANIFEST_CAP, deadline).await;
        let document = document
            .map_err(|reason| Problem::invalid("manifest-unreachable", format!("the manifest: {reason}")))?;
        let manifest: Manifest = serde_json::from_slice(&document).map_err(|error| {
            Problem::invalid("manifest-syntax", format!("the manifest is not readable: {error}"))
        })?;
        let mut problems: Vec<String> = Vec::new();
        let checks = [manifest.validate().err(), manifest.resolve(url.as_str()).err()];
        for problem in checks.iter().flatten().flatten().map(ToString::to_string) {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        if !problems.is_empty() {
            return Err(Problem::invalid("manifest", problems.join("\n")));
        }
        let manifest =
            manifest.resolve(url.as_str()).map_err(|all| Problem::invalid("manifest", all.to_string()))?;
        Ok(ScorecardApp { manifest_url: url.into(), manifest })
    }
}

/// What is to be stored, or everything that is wrong with it, one problem a line.
fn described(input: &SeismicInput) -> Result<(String, Registration), Problem> {
    let mut problems = Vec::new();
    let name = checked_name(&input.name).unwrap_or_else(|reason| {
        problems.push(format!("the app's name {reason}"));
        String::new()
    });
    let version = input.version.as_deref().filter(|version| !version.trim().is_empty()).unwrap_or("1.0.0");
    let version = Version::parse(version).map(|version| version.to_string());
    if version.is_none() {
        problems.push("the version must be three numbers such as 1.2.0".to_owned());
    }
    let shared = input.url.as_deref().filter(|url| !url.trim().is_empty());
    let mut urls = EventKind::KNOWN.iter().zip(&input.urls).map(|(kind, own)| {
        let own = own.as_deref().filter(|url| !url.trim().is_empty());
        match own.or(shared).map(address::parse) {
            Some(Ok(url)) => url.to_string(),
            Some(Err(reason)) => {
                problems.push(format!("the {kind} URL {reason}"));
                String::new()
            }
            None => {
                problems.push(format!("the {kind} URL is missing"));
                String::new()
            }
        }
    });
    let mut next = || urls.next().unwrap_or_default();
    let urls =
        CallbackUrls { install: next(), enable: next(), upgrade: next(), disable: next(), uninstall: next() };
    if problems.is_empty() {
        Ok((name, Registration::Callbacks(SeismicApp { urls, version: version.unwrap_or_default() })))
    } else {
        Err(Problem::invalid("registration", problems.join("\n")))
    }
}

/// 256 random bits as text.
pub(super) fn generated_secret() -> Zeroizing<String> {
    Zeroizing::new(format!("{}{}", random_id(""), random_id("")))
}

pub(super) fn checked_secret(secret: &str) -> Result<(), String> {
    if secret.trim().is_empty() {
        return Err("the signing secret is blank".into());
    }
    if secret.len() > MAX_SECRET {
        return Err("the signing secret is longer than 1024 bytes".into());
    }
    Secret::new(secret).map(drop).map_err(|error| error.to_string())
}

fn present(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
