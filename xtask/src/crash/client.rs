//! Client: sends a signed callback as the marketplace does, and reads the app's pages.

use std::time::Duration;

use lifecycle_core::Secret;
use lifecycle_testing::{Sample, SigningKeys};
use serde_json::Value;

use crate::Failure;

/// What the callbacks are signed with.
pub(crate) const SECRET: &str = "crash-signing-secret";

/// Keeps connections open between requests.
pub(crate) struct Client {
    agent: ureq::Agent,
    keys: SigningKeys,
}

impl Client {
    pub(crate) fn new() -> Result<Self, Failure> {
        let settings = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(10)));
        Ok(Self { agent: settings.build().into(), keys: Secret::new(SECRET)?.into() })
    }

    /// The status of the answer. An error leaves it in doubt whether the callback was received.
    pub(crate) fn deliver(&self, root: &str, sample: &Sample) -> Result<u16, ureq::Error> {
        let signed = sample.sign(&self.keys);
        let request = self.agent.post(format!("{root}{}", signed.target));
        let request =
            signed.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let mut answer = request.send(signed.body)?;
        answer.body_mut().read_to_vec()?; // or the connection would not be used again
        Ok(answer.status().as_u16())
    }

    /// The status of a page.
    pub(crate) fn status(
        &self,
        root: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<u16, ureq::Error> {
        let page = self.agent.get(format!("{root}{path}"));
        let page = headers.iter().fold(page, |page, (name, value)| page.header(*name, *value));
        let mut answer = page.call()?;
        answer.body_mut().read_to_vec()?;
        Ok(answer.status().as_u16())
    }

    /// A page of the app, which is JSON.
    pub(crate) fn page(&self, root: &str, path: &str) -> Result<Value, Failure> {
        let mut answer = self.agent.get(format!("{root}{path}")).call()?;
        let body = answer.body_mut().with_config().limit(64 * 1024 * 1024).read_to_vec()?;
        match answer.status().as_u16() {
            200 => Ok(serde_json::from_slice(&body)?),
            status => Err(format!("GET {path}: status {status}").into()),
        }
    }
}
