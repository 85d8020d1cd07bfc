//! Callback: the body that Seismic posts, and the headers that sign it.

use lifecycle_core::{EventKind, Secret, seismic};
use serde::Serialize;

use super::Marketplace;
use crate::app::{App, CallbackUrls};
use crate::delivery::{Header, Request};
use crate::moment::Moment;
use crate::problem::Problem;
use crate::store::EngineError;
use crate::tenant::Tenant;

/// In the order of Seismic's samples.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    app_id: &'a str,
    app_name: &'a str,
    tenant_id: &'a str,
    tenant: &'a str,
    user_id: &'a str,
    user_email: &'a str,
    request_id: String,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    prior_version: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
}

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
        let body = Body {
            app_id: &app.app_id,
            app_name: &app.name,
            tenant_id: &tenant.tenant_id,
            tenant: &tenant.name,
            user_id: &tenant.user_id,
            user_email: &tenant.user_email,
            request_id: uuid::Uuid::new_v4().to_string(),
            version,
            prior_version,
            kind: kind.name(),
            timestamp: Moment::now().in_seconds(),
        };
        let body = serde_json::to_string(&body).expect("a struct of texts serializes");
        let headers = self.signed_headers(app, &body).await?;
        Ok(Request { event: kind.name().to_owned(), url: url.to_owned(), headers, body })
    }

    /// The headers of a callback: one signature, two while a rotation lasts.
    pub(super) async fn signed_headers(&self, app: &App, body: &str) -> Result<Vec<Header>, Problem> {
        let signing = app.signing.as_ref().ok_or(EngineError::Damaged)?;
        let mut headers = vec![Header::new("content-type", "application/json")];
        let current = self.signature(app.id, signing.current, body).await?;
        let note = match signing.previous {
            Some(_) => format!("signed by secret {}, the new one", signing.current),
            None => format!("signed by secret {}", signing.current),
        };
        headers.push(Header { note: Some(note), ..Header::new(seismic::SIGNATURE, current) });
        if let Some(previous) = &signing.previous {
            let value = self.signature(app.id, previous.number, body).await?;
            let note = format!("signed by secret {}, the previous one", previous.number);
            headers.push(Header { note: Some(note), ..Header::new(seismic::SIGNATURE_OLD, value) });
        }
        Ok(headers)
    }

    async fn signature(&self, app: i64, number: i64, body: &str) -> Result<String, Problem> {
        let secret = self.run(move |store| store.signing_secret(app, number)).await?;
        let secret = secret.and_then(|secret| Secret::new(&**secret).ok()).ok_or(EngineError::Damaged)?;
        Ok(seismic::SCHEME.sign(&secret, &[], body.as_bytes()))
    }
}
