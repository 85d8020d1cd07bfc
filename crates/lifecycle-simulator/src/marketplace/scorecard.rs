//! SecurityScorecard's installations: the hook, the way to the app's page, and the end.

use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};

use lifecycle_core::Status;
use lifecycle_core::securityscorecard::APP_INSTALLED;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::sending::{Click, Outgoing, Started};
use super::{Claim, Marketplace, Mode, Perform};
use crate::app::{App, ScorecardApp};
use crate::delivery::{Delivery, Header, Request, Role};
use crate::problem::Problem;
use crate::tenant::{Tenant, random_id};

impl Marketplace {
    pub(super) async fn act_on_scorecard(
        &self,
        app: App,
        registered: &ScorecardApp,
        tenant: Tenant,
        perform: &Perform,
        claim: Claim,
    ) -> Result<Started, Problem> {
        match perform.action.as_str() {
            "install" => self.install(app, registered, tenant, perform.delivery, claim).await,
            "reopen" => self.reopen(&app, registered, &tenant).await,
            "uninstall" => self.uninstall(&app, &tenant).await,
            _ => Err(Problem::invalid("action", "on SecurityScorecard a user can install and uninstall")),
        }
    }

    /// Installs, or installs again: tells the hook, and sends the browser to the app's installation page.
    async fn install(
        &self,
        app: App,
        registered: &ScorecardApp,
        tenant: Tenant,
        mode: Mode,
        claim: Claim,
    ) -> Result<Started, Problem> {
        let token = Zeroizing::new(random_id("ins_"));
        let (app_id, tenant_id, hash) = (app.id, tenant.id, token_hash(&token));
        let roles = match mode {
            Mode::Held => return Err(Problem::invalid("delivery", "the hook cannot be held")),
            Mode::Once => vec![Role::Action],
            Mode::Twice => vec![Role::Action, Role::Duplicate],
        };
        let installation = self.run(move |store| store.begin_installation(app_id, tenant_id, hash)).await?;
        let redirect = registered.manifest.install_url.as_deref().and_then(|url| page(url, &token));
        self.opened().insert(installation, token);
        let started = match &registered.manifest.hook_url {
            Some(url) => {
                let outgoing = Outgoing::new(hook(&app, &tenant, url)?);
                self.deliver(app, Click { tenant, repeats: None, roles }, outgoing, None, Some(claim)).await?
            }
            None => Started::silent(),
        };
        Ok(started.leading_to(redirect))
    }

    /// Sends the browser to the app's installation page once more, with the id that it had.
    async fn reopen(
        &self,
        app: &App,
        registered: &ScorecardApp,
        tenant: &Tenant,
    ) -> Result<Started, Problem> {
        let (app_id, tenant_id) = (app.id, tenant.id);
        let current = self.run(move |store| store.installation_of(app_id, tenant_id)).await?;
        let token = current.and_then(|installation| self.opened().get(&installation.id).cloned());
        let url = registered.manifest.install_url.as_deref();
        let redirect = token.zip(url).and_then(|(token, url)| page(url, &token)).ok_or_else(|| {
            Problem::conflict("not-allowed", "its id is not known any more: install it again")
        })?;
        Ok(Started::silent().leading_to(Some(redirect)))
    }

    /// Whether the installation page can be opened once more.
    pub(crate) fn can_reopen(&self, installation: i64) -> bool {
        self.opened().contains_key(&installation)
    }

    fn opened(&self) -> MutexGuard<'_, HashMap<i64, Zeroizing<String>>> {
        self.0.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The platform tells the app nothing: the secrets are deleted, and actions are no longer sent.
    async fn uninstall(&self, app: &App, tenant: &Tenant) -> Result<Started, Problem> {
        let (app_id, tenant_id) = (app.id, tenant.id);
        let current = self.run(move |store| store.installation_of(app_id, tenant_id)).await?;
        let Some(installation) = current.filter(|installation| installation.status != Status::Uninstalled)
        else {
            let detail = format!("the app is not installed for {}", tenant.name);
            return Err(Problem::conflict("not-allowed", detail));
        };
        self.opened().remove(&installation.id);
        self.run(move |store| store.end_installation(installation.id)).await?;
        Ok(Started::silent())
    }

    /// What has to go with a repeated delivery and is not stored with it: the secrets of an action.
    pub(super) async fn hidden(
        &self,
        app: &App,
        delivery: &Delivery,
    ) -> Result<(Vec<Header>, Vec<Zeroizing<String>>), Problem> {
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
    let sample = app.platform().sender().sample(APP_INSTALLED);
    let sample = sample.ok_or_else(|| Problem::not_found("event"))?.app(&app.app_id).tenant(&tenant.name);
    let sample = sample.set("event.payload.user.organizationDomain", tenant.domain.as_str());
    let headers = sample.headers().into_iter().map(|(name, value)| Header::new(name, value));
    Ok(Request {
        event: sample.event().to_owned(),
        method: "POST".to_owned(),
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
