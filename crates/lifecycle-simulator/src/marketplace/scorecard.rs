//! SecurityScorecard's installations: the hook, the way to the app's page, and the end.

use lifecycle_core::Status;
use lifecycle_core::securityscorecard::APP_INSTALLED;
use sha2::{Digest, Sha256};

use super::sending::{Click, Outgoing};
use super::{Marketplace, Mode, Perform, Performed};
use crate::app::{App, ScorecardApp};
use crate::delivery::{Delivery, Header, Request, Role};
use crate::problem::Problem;
use crate::tenant::{Tenant, random_id};

impl Marketplace {
    pub(super) async fn act_on_scorecard(
        &self,
        app: &App,
        registered: &ScorecardApp,
        tenant: &Tenant,
        perform: &Perform,
    ) -> Result<Performed, Problem> {
        match perform.action.as_str() {
            "install" => self.install(app, registered, tenant, perform.delivery).await,
            "uninstall" => self.uninstall(app, tenant).await,
            _ => Err(Problem::invalid("action", "on SecurityScorecard a user can install and uninstall")),
        }
    }

    /// Installs, or installs again: tells the hook, and sends the browser to the app's installation page.
    async fn install(
        &self,
        app: &App,
        registered: &ScorecardApp,
        tenant: &Tenant,
        mode: Mode,
    ) -> Result<Performed, Problem> {
        let token = random_id("ins_");
        let (app_id, tenant_id, hash) = (app.id, tenant.id, token_hash(&token));
        let roles = match mode {
            Mode::Held => return Err(Problem::invalid("delivery", "the hook cannot be held")),
            Mode::Once => vec![Role::Action],
            Mode::Twice => vec![Role::Action, Role::Duplicate],
        };
        self.run(move |store| store.begin_installation(app_id, tenant_id, hash)).await?;
        let deliveries = match &registered.manifest.hook_url {
            Some(url) => {
                let request = hook(app, tenant, url)?;
                let outgoing =
                    Outgoing { request: &request, hidden_headers: Vec::new(), hidden_values: Vec::new() };
                self.deliver(app, &Click { tenant: tenant.id, repeats: None, roles }, &outgoing, None).await?
            }
            None => Vec::new(),
        };
        let redirect = registered.manifest.install_url.as_deref().and_then(|url| page(url, &token));
        Ok(Performed { deliveries, redirect })
    }

    /// The platform tells the app nothing: the secrets are deleted, and actions are no longer sent.
    async fn uninstall(&self, app: &App, tenant: &Tenant) -> Result<Performed, Problem> {
        let (app_id, tenant_id) = (app.id, tenant.id);
        let current = self.run(move |store| store.installation_of(app_id, tenant_id)).await?;
        let Some(installation) = current.filter(|installation| installation.status != Status::Uninstalled)
        else {
            let detail = format!("the app is not installed for {}", tenant.name);
            return Err(Problem::conflict("not-allowed", detail));
        };
        self.run(move |store| store.end_installation(installation.id)).await?;
        Ok(Performed { deliveries: Vec::new(), redirect: None })
    }

    /// What has to go with a repeated delivery and is not stored with it: the secrets of an action.
    pub(super) async fn hidden(
        &self,
        app: &App,
        delivery: &Delivery,
    ) -> Result<(Vec<Header>, Vec<zeroize::Zeroizing<String>>), Problem> {
        if delivery.request.event == APP_INSTALLED {
            return Ok((Vec::new(), Vec::new()));
        }
        let (app_id, tenant) = (app.id, delivery.tenant);
        let installation = self.run(move |store| store.installation_of(app_id, tenant)).await?;
        let installation = installation.ok_or_else(|| Problem::not_found("installation"))?;
        self.action_secrets(app, &installation).await
    }
}

/// What is stored of an installation's id, which is a secret of its user.
pub(super) fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn hook(app: &App, tenant: &Tenant, url: &str) -> Result<Request, Problem> {
    let sample = app.registration.platform().sender().sample(APP_INSTALLED);
    let sample = sample.ok_or_else(|| Problem::not_found("event"))?.app(&app.app_id).tenant(&tenant.name);
    let sample = sample.set("event.payload.user.organizationDomain", tenant.domain.as_str());
    let headers = sample.headers().into_iter().map(|(name, value)| Header::new(name, value));
    Ok(Request {
        event: sample.event().to_owned(),
        url: url.to_owned(),
        headers: headers.collect(),
        body: sample.body(),
    })
}

/// The app's installation page with the id in its query.
fn page(install_url: &str, token: &str) -> Option<String> {
    let mut url = reqwest::Url::parse(install_url).ok()?;
    url.query_pairs_mut().append_pair("installation", token);
    Some(url.into())
}
