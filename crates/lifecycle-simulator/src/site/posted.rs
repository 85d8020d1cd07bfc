//! Posted: a form that one of the simulator's own pages sent.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::Site;
use super::filled::Fields;
use super::page::Refusal;
use crate::problem::Problem;

/// A form whose token was right: read, and its fields as they were sent.
#[derive(Debug)]
pub(super) struct Posted<T>(pub(super) T, pub(super) Fields);

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

impl<T: DeserializeOwned> FromRequest<Site> for Posted<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Refusal> {
        let body = Bytes::from_request(request, site).await;
        let fields = body.map_err(|_| Problem::malformed("the form is larger than 64 KiB, or broke off"));
        fields.and_then(|body| read(&body, &site.form_token)).map_err(|problem| Refusal::new(site, &problem))
    }
}

fn read<T: DeserializeOwned>(body: &[u8], expected: &str) -> Result<Posted<T>, Problem> {
    // The parser's own words could repeat a field, which may be a secret.
    let malformed = |_| Problem::malformed("the form lacks a field, or has one that cannot be read");
    let token: Token = serde_urlencoded::from_bytes(body).map_err(malformed)?;
    // Digests are compared, so the time taken tells nothing about the token.
    if Sha256::digest(token.token.as_bytes()) != Sha256::digest(expected.as_bytes()) {
        return Err(Problem::forbidden(
            "form-token",
            "the form is from before the simulator was started: reload the page and send it again",
        ));
    }
    let form = serde_urlencoded::from_bytes(body).map_err(malformed)?;
    Ok(Posted(form, serde_urlencoded::from_bytes(body).map_err(malformed)?))
}
