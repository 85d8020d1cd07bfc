//! Registration: a developer adds, changes and removes apps.

use std::collections::BTreeMap;

use lifecycle_core::{SecretError, securityscorecard};
use lifecycle_securityscorecard::Manifest;
use lifecycle_testing::{SigningKeyError, SigningKeys};
use zeroize::Zeroizing;

use super::{Marketplace, checked_name};
use crate::address;
use crate::app::{App, Callbacks, Details, Registration, ScorecardApp};
use crate::bidi;
use crate::platform::{Credential, Platform};
use crate::problem::{FieldProblem, Problem};
use crate::tenant::{Tenant, alike};
use crate::version::Version;

/// The largest manifest that is read.
const MANIFEST_CAP: usize = 256 * 1024;
/// The longest id of an app, and the longest secret, in bytes.
const MAX_ID: usize = 128;
const MAX_SECRET: usize = 1024;

/// An app as a developer describes it. What is `None` or empty is made up.
#[derive(Default)]
pub(crate) struct AppInput {
    pub(crate) name: String,
    pub(crate) app_id: Option<String>,
    /// One URL for all events.
    pub(crate) url: Option<String>,
    /// A URL for one event, by its name.
    pub(crate) urls: BTreeMap<String, String>,
    pub(crate) version: Option<String>,
    /// The signing secret, or the private key.
    pub(crate) secret: Option<Zeroizing<String>>,
}

/// A registered app, and the secret that was made for it: the one time it is told.
pub(crate) struct Registered {
    pub(crate) app: App,
    pub(crate) generated: Option<Zeroizing<String>>,
}

impl Marketplace {
    /// Registers an app that is called at URLs.
    pub(crate) async fn register(&self, platform: Platform, input: AppInput) -> Result<Registered, Problem> {
        if platform.registers_by_manifest() {
            let detail = format!("an app of {} is registered by its manifest", platform.title());
            return Err(Problem::invalid("platform", detail));
        }
        let (name, callbacks, mut problems) = described(platform, &input);
        let app_id = present(input.app_id).unwrap_or_else(|| alike(&platform.vendor().app));
        if app_id.len() > MAX_ID || app_id.chars().any(|c| c.is_control() || bidi::is_control(c)) {
            let text = "the app id must be at most 128 bytes, without control characters";
            problems.push(FieldProblem::new("app_id", text));
        }
        let given = input.secret.filter(|secret| !secret.is_empty());
        let is_made = given.is_none() && platform.credential() == Credential::Secret;
        let generated = is_made.then(Platform::new_secret);
        let secret = given.or_else(|| generated.clone());
        if let Some(Err(reason)) = secret.as_ref().map(|secret| checked_secret(platform, secret)) {
            problems.push(FieldProblem::new("signing_secret", reason));
        }
        if !problems.is_empty() {
            return Err(Problem::of_fields(problems));
        }
        let registration = Registration { platform, details: Details::Callbacks(callbacks) };
        let add = move |store: &crate::store::Store| {
            let secret = secret.as_ref().map(|secret| secret.as_bytes());
            store.add_app(&name, &app_id, &registration, secret)
        };
        let id = self.run(add).await?;
        self.first_tenants(platform).await?;
        Ok(Registered { app: self.app(id).await?, generated })
    }

    /// Changes the name, the URLs and the version; what is `None` in the input is taken from the app.
    pub(crate) async fn change(&self, id: i64, mut input: AppInput) -> Result<App, Problem> {
        let app = self.app(id).await?;
        let callbacks = app.callbacks().ok_or_else(|| Problem::not_found("app with callback URLs"))?;
        if input.name.is_empty() {
            input.name.clone_from(&app.name);
        }
        input.version = input.version.or_else(|| Some(callbacks.version.clone()));
        if input.url.is_none() {
            for (name, url) in &callbacks.urls {
                input.urls.entry(name.clone()).or_insert_with(|| url.clone());
            }
        }
        let platform = app.platform();
        let (name, callbacks, problems) = described(platform, &input);
        if !problems.is_empty() {
            return Err(Problem::of_fields(problems));
        }
        let registration = Registration { platform, details: Details::Callbacks(callbacks) };
        self.run(move |store| store.change_app(id, &name, &registration)).await?;
        self.app(id).await
    }

    /// Registers an app of SecurityScorecard by its manifest.
    pub(crate) async fn register_manifest(&self, manifest_url: &str) -> Result<App, Problem> {
        let app = self.fetch_manifest(manifest_url).await?;
        let name = app.manifest.name.clone();
        let app_id = uuid::Uuid::new_v4().to_string();
        let registration = by_manifest(app);
        let id = self.run(move |store| store.add_app(&name, &app_id, &registration, None)).await?;
        self.first_tenants(Platform::of(&securityscorecard::PLATFORM)).await?;
        self.app(id).await
    }

    /// Reads the manifest again: secrets that it now requires may make a re-install necessary.
    pub(crate) async fn refresh_manifest(&self, id: i64) -> Result<App, Problem> {
        let app = self.app(id).await?;
        let registered = app.scorecard().ok_or_else(|| Problem::not_found("app with a manifest"))?;
        let app = self.fetch_manifest(&registered.manifest_url).await?;
        let name = app.manifest.name.clone();
        let registration = by_manifest(app);
        self.run(move |store| store.change_app(id, &name, &registration)).await?;
        self.app(id).await
    }

    /// Gives a platform its first tenants, unless it has some.
    async fn first_tenants(&self, platform: Platform) -> Result<(), Problem> {
        if self.tenants(Some(platform)).await?.is_empty() {
            for tenant in Tenant::first(platform) {
                self.run(move |store| store.add_tenant(&tenant)).await?;
            }
        }
        Ok(())
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
            .map_err(|reason| Problem::invalid(Problem::UNREACHABLE, format!("the manifest: {reason}")))?;
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

fn by_manifest(app: ScorecardApp) -> Registration {
    let platform = Platform::of(&securityscorecard::PLATFORM);
    Registration { platform, details: Details::Manifest(Box::new(app)) }
}

/// What is to be stored, and everything that is wrong with it.
fn described(platform: Platform, input: &AppInput) -> (String, Callbacks, Vec<FieldProblem>) {
    let mut problems = Vec::new();
    let name = checked_name(&input.name).unwrap_or_else(|reason| {
        problems.push(FieldProblem::new("name", format!("the app's name {reason}")));
        String::new()
    });
    let urls = urls(platform, input, &mut problems);
    let version = present(input.version.clone()).unwrap_or_else(|| "1.0.0".to_owned());
    let parsed = Version::parse(&version).map(|version| version.to_string());
    if parsed.is_none() {
        problems.push(FieldProblem::new("version", "the version must be three numbers such as 1.2.0"));
    }
    (name, Callbacks { urls, version: parsed.unwrap_or_default() }, problems)
}

/// A URL for each event: its own, or else the one for all with the event's own path behind it.
fn urls(platform: Platform, input: &AppInput, problems: &mut Vec<FieldProblem>) -> BTreeMap<String, String> {
    let events = platform.events();
    for name in input.urls.keys().filter(|name| !events.contains(&name.as_str())) {
        problems.push(FieldProblem::new("url", format!("{} sends no {name}", platform.title())));
    }
    let shared = present(input.url.clone());
    let own = |name: &str| input.urls.get(name).map(|url| url.trim()).filter(|url| !url.is_empty());
    let needs_shared = events.iter().any(|name| own(name).is_none());
    match shared.as_deref().map(address::parse) {
        Some(Err(reason)) if needs_shared => {
            problems.push(FieldProblem::new("url", format!("the callback URL {reason}")));
        }
        None if needs_shared => problems.push(FieldProblem::new("url", "the callback URL is missing")),
        _ => {}
    }
    let mut urls = BTreeMap::new();
    for name in events {
        let path = platform.sample(name).map_or("", |sample| sample.path());
        let given = own(name).map(str::to_owned);
        let behind = || {
            shared
                .as_deref()
                .map(|url| format!("{}{path}", if path.is_empty() { url } else { url.trim_end_matches('/') }))
        };
        match given.as_deref().map(address::parse) {
            Some(Err(reason)) => {
                problems.push(FieldProblem::new(&format!("url:{name}"), format!("the {name} URL {reason}")));
            }
            Some(Ok(url)) => drop(urls.insert(name.to_owned(), url.into())),
            None => {
                let url = behind().and_then(|url| address::parse(&url).ok());
                urls.extend(url.map(|url| (name.to_owned(), url.into())));
            }
        }
    }
    urls
}

pub(super) fn checked_secret(platform: Platform, secret: &str) -> Result<(), String> {
    if secret.trim().is_empty() {
        return Err("the signing secret is blank".into());
    }
    if secret.len() > MAX_SECRET {
        return Err("the signing secret is longer than 1024 bytes".into());
    }
    SigningKeys::parse(platform.core(), secret).map(drop).map_err(|error| match error {
        SigningKeyError::Secret(SecretError::Blank) => "the signing secret is blank".to_owned(),
        error => error.to_string(),
    })
}

fn present(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
