//! Actions: an administrator installs, enables, upgrades, disables or uninstalls, and the app's answer decides.

use std::time::SystemTime;

use lifecycle_core::EventKind;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::sending::{Click, Outgoing, Stake, Started};
use super::{Claim, Marketplace};
use crate::app::{App, Callbacks, Details};
use crate::bidi::isolated;
use crate::delivery::{Cause, Delivery, Effect, Role, State};
use crate::installation;
use crate::occurrence::Occurrence;
use crate::problem::Problem;
use crate::store::NewDelivery;
use crate::tenant::Tenant;
use crate::version::Version;

/// What an administrator clicks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Perform {
    pub(crate) action: String,
    /// For an upgrade the version to move to; for an install it may name another than the app's.
    #[serde(default)]
    pub(crate) version: Option<String>,
    #[serde(default)]
    pub(crate) delivery: Mode,
}

/// How the request of an action travels.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Kept back: to the administrator it times out. It can be sent later, out of order.
    Held,
    #[default]
    Once,
    /// Two copies at the same time.
    Twice,
}

impl Marketplace {
    /// Does what an administrator clicked, and does not wait for the app. The app's own state changes when the app has
    /// acknowledged it, or at once where the platform does not wait.
    pub(crate) async fn perform(&self, app: i64, tenant: i64, perform: Perform) -> Result<Started, Problem> {
        let (app, tenant) = self.both(app, tenant).await?;
        let claim = self.claim(app.id, tenant.id)?;
        match app.registration.details.clone() {
            Details::Callbacks(callbacks) => self.act(app, &callbacks, tenant, &perform, claim).await,
            Details::Manifest(registered) => {
                self.act_on_scorecard(app, &registered, tenant, &perform, claim).await
            }
        }
    }

    /// An app and a tenant of the same platform.
    pub(super) async fn both(&self, app: i64, tenant: i64) -> Result<(App, Tenant), Problem> {
        let app = self.app(app).await?;
        let tenant = self.tenant(tenant).await?;
        if tenant.platform == app.platform() {
            return Ok((app, tenant));
        }
        Err(Problem::invalid("tenant", "the tenant is on another platform than the app"))
    }

    async fn act(
        &self,
        app: App,
        callbacks: &Callbacks,
        tenant: Tenant,
        perform: &Perform,
        claim: Claim,
    ) -> Result<Started, Problem> {
        let platform = app.platform();
        let kind = platform.kind(&perform.action).ok_or_else(|| {
            let events = platform.events().join(", ");
            Problem::invalid("action", format!("{} has no such action, but {events}", platform.title()))
        })?;
        let (app_id, tenant_id) = (app.id, tenant.id);
        let current = self.run(move |store| store.installation_of(app_id, tenant_id)).await?;
        let status = current.as_ref().map(|installation| installation.status);
        if !platform.allows(status, &kind) {
            let detail = format!(
                "{} is not possible for {}: the app is {} there",
                perform.action,
                isolated(&tenant.name),
                installation::words(status)
            );
            return Err(Problem::conflict("not-allowed", detail));
        }
        let installed = current.and_then(|installation| installation.version);
        let version = if platform.vendor().has_versions {
            Some(version(&kind, perform, callbacks, installed.as_deref())?)
        } else {
            None
        };
        let prior = installed.filter(|_| kind == EventKind::Upgrade);
        let stake = Stake { kind, status, version };
        if platform.sample(&perform.action).is_none() {
            // The platform tells the app nothing of it.
            let (status, version) = (stake.status_after(), stake.version);
            self.run(move |store| store.finish(&[], Some((app_id, tenant_id, status, version.as_deref()))))
                .await?;
            return Ok(Started::silent());
        }
        let occurrence = Occurrence::new(&app, &tenant, self.tenant_id(&tenant), &perform.action)
            .with_versions(stake.version.as_deref(), prior.as_deref());
        let outgoing = self.written(&app, occurrence, SystemTime::now()).await?;
        let roles = match perform.delivery {
            Mode::Held => return self.hold(&app, &tenant, outgoing).await.map(Started::at_rest),
            Mode::Once => vec![Role::Action],
            Mode::Twice => vec![Role::Action, Role::Duplicate],
        };
        self.deliver(app, Click { tenant, repeats: None, roles }, outgoing, Some(stake), Some(claim)).await
    }

    async fn hold(&self, app: &App, tenant: &Tenant, outgoing: Outgoing) -> Result<Delivery, Problem> {
        let new = NewDelivery {
            app: app.id,
            tenant: tenant.id,
            request: outgoing.request,
            occurrence: outgoing.occurrence,
            forgery: None,
            batch: None,
            repeats: None,
            role: Role::Action,
            state: State::Held,
            effect: Effect::Blocked,
            cause: Some(Cause::new("held", "held back: the request did not arrive in time")),
        };
        let id = self.run(move |store| store.add_delivery(&new)).await?;
        self.delivery(id).await
    }

    /// The signing secrets that count, to hide them should the app repeat them.
    pub(super) async fn signing_secrets(&self, app: &App) -> Result<Vec<Zeroizing<String>>, Problem> {
        let Some(signing) = &app.signing else { return Ok(Vec::new()) };
        let numbers = [Some(signing.current), signing.previous.as_ref().map(|previous| previous.number)];
        let mut secrets = Vec::new();
        for number in numbers.into_iter().flatten() {
            let id = app.id;
            if let Some(secret) = self.run(move |store| store.signing_secret(id, number)).await? {
                secrets.push(Zeroizing::new(String::from_utf8_lossy(&secret).into_owned()));
            }
        }
        Ok(secrets)
    }
}

/// The version after the action.
fn version(
    kind: &EventKind,
    perform: &Perform,
    callbacks: &Callbacks,
    installed: Option<&str>,
) -> Result<String, Problem> {
    let asked = perform.version.as_deref().map(str::trim).filter(|version| !version.is_empty());
    let parse = |text: &str| {
        let invalid = || Problem::invalid("version", "the version must be three numbers such as 1.2.0");
        Version::parse(text).ok_or_else(invalid)
    };
    match kind {
        EventKind::Install => match asked {
            Some(asked) => Ok(parse(asked)?.to_string()),
            None => Ok(callbacks.version.clone()),
        },
        EventKind::Upgrade => {
            let target = parse(asked.unwrap_or_default())?;
            if installed.and_then(Version::parse).is_some_and(|installed| target <= installed) {
                let detail =
                    format!("an upgrade goes to a newer version than {}", installed.unwrap_or_default());
                return Err(Problem::invalid("version", detail));
            }
            Ok(target.to_string())
        }
        _ => Ok(installed.unwrap_or(&callbacks.version).to_owned()),
    }
}
