//! Actions: an administrator installs, enables, upgrades, disables or uninstalls, and the app's answer decides.

use lifecycle_core::{EventKind, Status};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::sending::{Click, Outgoing, Stake};
use super::{Marketplace, lifecycle_event};
use crate::app::{App, Registration, SeismicApp};
use crate::delivery::{Cause, Delivery, Effect, Request, Role, State};
use crate::installation::{self, allows};
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

/// What came of a click.
#[derive(Debug)]
pub(crate) struct Performed {
    pub(crate) deliveries: Vec<Delivery>,
    /// Where the browser goes next, if the app has an installation page.
    pub(crate) redirect: Option<String>,
}

impl Marketplace {
    /// Does what an administrator clicked. The app's own state changes only if the app acknowledged it.
    pub(crate) async fn perform(
        &self,
        app: i64,
        tenant: i64,
        perform: Perform,
    ) -> Result<Performed, Problem> {
        let app = self.app(app).await?;
        let tenant = self.tenant(tenant).await?;
        if tenant.platform != app.registration.platform() {
            return Err(Problem::invalid("tenant", "the tenant is on another platform than the app"));
        }
        let claim = self.claim(app.id, tenant.id)?;
        let marketplace = self.clone();
        self.to_the_end(async move {
            let performed = match &app.registration {
                Registration::Callbacks(registered) => {
                    marketplace.act(&app, registered, &tenant, &perform).await
                }
                Registration::Manifest(registered) => {
                    marketplace.act_on_scorecard(&app, registered, &tenant, &perform).await
                }
            };
            drop(claim);
            performed
        })
        .await
    }

    async fn act(
        &self,
        app: &App,
        registered: &SeismicApp,
        tenant: &Tenant,
        perform: &Perform,
    ) -> Result<Performed, Problem> {
        let kind = lifecycle_event(&perform.action)?;
        let (app_id, tenant_id) = (app.id, tenant.id);
        let current = self.run(move |store| store.installation_of(app_id, tenant_id)).await?;
        let status = current.as_ref().map(|installation| installation.status);
        if !allows(status, &kind) {
            let detail = format!(
                "{kind} is not possible for {}: the app is {} there",
                tenant.name,
                installation::words(status)
            );
            return Err(Problem::conflict("not-allowed", detail));
        }
        let installed = current.and_then(|installation| installation.version);
        let version = version(&kind, perform, registered, installed.as_deref())?;
        let prior = installed.as_deref().filter(|_| kind == EventKind::Upgrade);
        let request = self.callback(app, &registered.urls, tenant, &kind, (&version, prior)).await?;
        let deliveries = match perform.delivery {
            Mode::Held => vec![self.hold(app, tenant, request).await?],
            Mode::Once => {
                self.try_out(app, tenant, &request, &[Role::Action], (&kind, status, &version)).await?
            }
            Mode::Twice => {
                let roles = [Role::Action, Role::Duplicate];
                self.try_out(app, tenant, &request, &roles, (&kind, status, &version)).await?
            }
        };
        Ok(Performed { deliveries, redirect: None })
    }

    async fn try_out(
        &self,
        app: &App,
        tenant: &Tenant,
        request: &Request,
        roles: &[Role],
        (kind, status, version): (&EventKind, Option<Status>, &str),
    ) -> Result<Vec<Delivery>, Problem> {
        let hidden_values = self.signing_secrets(app).await?;
        let outgoing = Outgoing { request, hidden_headers: Vec::new(), hidden_values };
        let click = Click { tenant: tenant.id, repeats: None, roles: roles.to_vec() };
        self.deliver(app, &click, &outgoing, Some(Stake { kind, status, version })).await
    }

    async fn hold(&self, app: &App, tenant: &Tenant, request: Request) -> Result<Delivery, Problem> {
        let new = NewDelivery {
            app: app.id,
            tenant: tenant.id,
            request,
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
    registered: &SeismicApp,
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
            None => Ok(registered.version.clone()),
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
        _ => Ok(installed.unwrap_or(&registered.version).to_owned()),
    }
}
