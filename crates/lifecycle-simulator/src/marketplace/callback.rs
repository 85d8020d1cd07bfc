//! Callback: the request that tells of an occurrence, and what proves it.

use std::time::SystemTime;

use lifecycle_testing::{SignedRequest, SigningKeys};
use zeroize::Zeroizing;

use super::Marketplace;
use super::sending::Outgoing;
use crate::app::App;
use crate::delivery::{Header, Request};
use crate::occurrence::Occurrence;
use crate::problem::Problem;
use crate::store::EngineError;
use crate::tenant::Tenant;

impl Marketplace {
    /// The request that tells of an occurrence, sent at this time and signed by the keys that count now.
    pub(super) async fn written(
        &self,
        app: &App,
        occurrence: Occurrence,
        sent: SystemTime,
    ) -> Result<Outgoing, Problem> {
        let (keys, notes) = self.keys(app).await?;
        let request = request(app, &occurrence, sent, &keys, &notes)?;
        let hidden_values = self.signing_secrets(app).await?;
        Ok(Outgoing {
            occurrence: Some(occurrence),
            hidden_values,
            keys: Some(keys),
            ..Outgoing::new(request)
        })
    }

    /// The platform's id of a tenant; where each publishes keys of its own, it is a URL of the simulator's.
    pub(crate) fn tenant_id(&self, tenant: &Tenant) -> String {
        if tenant.platform.tenants_are_urls() {
            return format!("http://{}{}", self.address(), tenant.tenant_id);
        }
        tenant.tenant_id.clone()
    }

    /// The keys whose public half verifies what is sent.
    pub(crate) async fn verifying(&self, app: &App) -> Result<SigningKeys, Problem> {
        Ok(self.keys(app).await?.0)
    }

    /// The keys that sign now, and what to know of each header that they make.
    pub(super) async fn keys(&self, app: &App) -> Result<(SigningKeys, Vec<String>), Problem> {
        let platform = app.platform();
        let Some(signing) = &app.signing else {
            return Ok((SigningKeys::for_tests(platform.core()), vec!["signed by the test key".to_owned()]));
        };
        let keys = self.signing_keys(app, signing.current).await?;
        let Some(previous) = signing.previous.as_ref().filter(|_| platform.signs_twice()) else {
            return Ok((keys, vec![format!("signed by secret {}", signing.current)]));
        };
        let keys = keys.with_previous(self.signing_keys(app, previous.number).await?);
        let (current, previous) = (signing.current, previous.number);
        let notes = if platform.core().proof_headers().len() > 1 {
            vec![
                format!("signed by secret {current}, the new one"),
                format!("signed by secret {previous}, the previous one"),
            ]
        } else {
            vec![format!(
                "signed by secret {previous}, the previous one, and by secret {current}, the new one"
            )]
        };
        Ok((keys, notes))
    }

    async fn signing_keys(&self, app: &App, number: i64) -> Result<SigningKeys, Problem> {
        let id = app.id;
        let secret = self.run(move |store| store.signing_secret(id, number)).await?;
        let secret =
            secret.and_then(|secret| Some(Zeroizing::new(std::str::from_utf8(&secret).ok()?.to_owned())));
        let keys = secret.and_then(|secret| SigningKeys::parse(app.platform().core(), &secret).ok());
        Ok(keys.ok_or(EngineError::Damaged)?)
    }
}

/// What these keys sign.
pub(super) fn request(
    app: &App,
    occurrence: &Occurrence,
    sent: SystemTime,
    keys: &SigningKeys,
    notes: &[String],
) -> Result<Request, Problem> {
    let platform = app.platform();
    let callbacks = app.callbacks().ok_or_else(|| Problem::not_found("callback"))?;
    let url = callbacks.urls.get(&occurrence.event).or_else(|| callbacks.urls.values().next());
    let url = url.ok_or_else(|| Problem::not_found("callback"))?;
    let sample = occurrence.sample(platform).ok_or_else(|| Problem::not_found("event"))?;
    let SignedRequest { method, target, headers, body, .. } = sample.sent(sent).sign(keys);
    let url = match target.split_once('?') {
        Some((_, token)) if url.contains('?') => format!("{url}&{token}"),
        Some((_, token)) => format!("{url}?{token}"),
        None => url.clone(),
    };
    let proof = platform.core().proof_headers();
    let mut notes = notes.iter();
    let headers = headers.into_iter().map(|(name, value)| {
        let note = if proof.contains(&name.as_str()) { notes.next().cloned() } else { None };
        Header { note, ..Header::new(name, value) }
    });
    Ok(Request {
        event: occurrence.event.clone(),
        method: method.to_owned(),
        url,
        headers: headers.collect(),
        body: String::from_utf8(body).map_err(|_| EngineError::Damaged)?,
    })
}
