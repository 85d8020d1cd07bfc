//! Callback: the event that is posted, and the headers that sign it.

use std::time::SystemTime;

use lifecycle_core::{EventKind, Secret};
use lifecycle_testing::SigningKeys;

use super::Marketplace;
use crate::app::{App, CallbackUrls};
use crate::delivery::{Header, Request};
use crate::problem::Problem;
use crate::store::EngineError;
use crate::tenant::Tenant;

impl Marketplace {
    /// The request of one event, signed by the secrets that count now.
    pub(super) async fn callback(
        &self,
        app: &App,
        urls: &CallbackUrls,
        tenant: &Tenant,
        kind: &EventKind,
        (version, prior_version): (&str, Option<&str>),
    ) -> Result<Request, Problem> {
        let url = urls.of(kind).ok_or_else(|| Problem::not_found("callback"))?;
        let sample = app.registration.platform().sender().sample(kind.name());
        let sample = sample.ok_or_else(|| Problem::not_found("event"))?;
        let sample = sample
            .app(&app.app_id)
            .tenant(&tenant.tenant_id)
            .actor(&tenant.user_id)
            .version(version)
            // What only these callbacks tell.
            .set("appName", app.name.as_str())
            .set("tenant", tenant.name.as_str())
            .set("userEmail", tenant.user_email.as_str());
        let body = match prior_version {
            Some(prior) => sample.prior_version(prior).body(),
            None => sample.without("priorVersion").body(),
        };
        let headers = self.signed_headers(app, &body).await?;
        Ok(Request { event: kind.name().to_owned(), url: url.to_owned(), headers, body })
    }

    /// The headers of a callback: one signature, two while a rotation lasts.
    pub(super) async fn signed_headers(&self, app: &App, body: &str) -> Result<Vec<Header>, Problem> {
        let signing = app.signing.as_ref().ok_or(EngineError::Damaged)?;
        let mut keys = self.signing_keys(app.id, signing.current).await?;
        let mut notes = vec![format!("signed by secret {}", signing.current)];
        if let Some(previous) = &signing.previous {
            keys = keys.with_previous(self.signing_keys(app.id, previous.number).await?);
            notes = vec![
                format!("signed by secret {}, the new one", signing.current),
                format!("signed by secret {}, the previous one", previous.number),
            ];
        }
        let platform = app.registration.platform().sender().platform();
        let signatures = keys.signatures(platform, &[], body.as_bytes(), SystemTime::now());
        let signed = signatures.into_iter().zip(notes);
        let signed =
            signed.map(|((name, value), note)| Header { note: Some(note), ..Header::new(name, value) });
        Ok([Header::new("content-type", "application/json")].into_iter().chain(signed).collect())
    }

    async fn signing_keys(&self, app: i64, number: i64) -> Result<SigningKeys, Problem> {
        let secret = self.run(move |store| store.signing_secret(app, number)).await?;
        let secret = secret.and_then(|secret| Secret::new(&**secret).ok()).ok_or(EngineError::Damaged)?;
        Ok(secret.into())
    }
}
