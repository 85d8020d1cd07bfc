//! Client: sends what a marketplace signs, and reads an app's pages.

use std::time::Duration;

use lifecycle_testing::SignedRequest;
use serde_json::Value;

use crate::Failure;

/// Keeps connections open between requests.
pub(crate) struct Client(ureq::Agent);

/// What an app answered.
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new() -> Self {
        let settings = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(10)));
        Self(settings.build().into())
    }

    /// The answer to a request at its target. An error leaves it in doubt whether it was received.
    pub(crate) fn send(&self, root: &str, request: SignedRequest) -> Result<Received, ureq::Error> {
        let url = format!("{root}{}", request.target);
        let headers = request.headers.iter();
        let mut answer = if request.method == "GET" {
            let get = self.0.get(url);
            headers.fold(get, |get, (name, value)| get.header(name, value)).call()?
        } else {
            let post = self.0.post(url);
            headers.fold(post, |post, (name, value)| post.header(name, value)).send(request.body)?
        };
        let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
        let content_type = content_type.map(str::to_owned);
        let body = answer.body_mut().read_to_vec()?; // or the connection would not be used again
        Ok(Received { status: answer.status().as_u16(), content_type, body })
    }

    /// The status of a page.
    pub(crate) fn status(
        &self,
        root: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<u16, ureq::Error> {
        let page = self.0.get(format!("{root}{path}"));
        let page = headers.iter().fold(page, |page, (name, value)| page.header(*name, *value));
        let mut answer = page.call()?;
        answer.body_mut().read_to_vec()?;
        Ok(answer.status().as_u16())
    }

    /// A page of the app, which is JSON.
    pub(crate) fn page(&self, root: &str, path: &str) -> Result<Value, Failure> {
        let mut answer = self.0.get(format!("{root}{path}")).call()?;
        let body = answer.body_mut().with_config().limit(64 * 1024 * 1024).read_to_vec()?;
        match answer.status().as_u16() {
            200 => Ok(serde_json::from_slice(&body)?),
            status => Err(format!("GET {path}: status {status}").into()),
        }
    }
}
