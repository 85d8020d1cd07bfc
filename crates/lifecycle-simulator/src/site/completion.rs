//! Completion: where an app's installation page posts to, in the two forms that the platform takes.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap};
use axum::response::{IntoResponse, Response};

use super::Site;
use super::page::{Refusal, go, problem_json};
use crate::marketplace::Submission;
use crate::problem::Problem;

/// `POST /apps/installation-data`: a form from the user's browser, which is sent on to the page of the installation;
/// or JSON from the app's server, which is told the address of that page.
pub(super) async fn complete(
    State(site): State<Site>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let json =
        media_type(&headers).is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json"));
    match store(&site, &headers, body, json).await {
        Ok(id) if json => {
            let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
            axum::Json(serde_json::json!({"next_url": format!("http://{host}/installations/{id}")}))
                .into_response()
        }
        Ok(id) => go(&format!("/installations/{id}")),
        Err(problem) if json => problem_json(&problem),
        Err(problem) => Refusal::new(&site, &problem).into(),
    }
}

async fn store(
    site: &Site,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    json: bool,
) -> Result<i64, Problem> {
    let body = body.map_err(|_| Problem {
        status: 413,
        code: "body-too-large",
        title: "Cannot be read",
        detail: "the body is larger than 64 KiB, or broke off".to_owned(),
        fields: Vec::new(),
    })?;
    let submission = if json {
        authorized(headers)?;
        Submission::from_json(&body)?
    } else {
        let form = "application/x-www-form-urlencoded";
        if !media_type(headers).is_some_and(|media_type| media_type.eq_ignore_ascii_case(form)) {
            let detail = format!("the body must be {form} or application/json");
            return Err(Problem {
                status: 415,
                code: "media-type",
                title: "Cannot be read",
                detail,
                fields: Vec::new(),
            });
        }
        Submission::from_form(&body)?
    };
    Ok(site.marketplace.complete(submission).await?.id)
}

/// The platform takes JSON from a server with an API token; which one does not matter here.
fn authorized(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token =
        value.and_then(|value| value.strip_prefix("Token ")).is_some_and(|token| !token.trim().is_empty());
    if token {
        return Ok(());
    }
    let detail = "send your API token as `Authorization: Token ...`; here any will do".to_owned();
    Err(Problem { status: 401, code: "missing-token", title: "Not authorized", detail, fields: Vec::new() })
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next().map(str::trim)
}
