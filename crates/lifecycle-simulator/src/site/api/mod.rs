//! API: the page's actions for scripts, in JSON. Problems are RFC 9457 problem details.

mod apps;
mod deliveries;
mod installations;

use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Site, page};
use crate::platform::Platform;
use crate::problem::Problem;
use crate::tenant::Tenant;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/apps", get(apps::list).post(apps::register))
        .route("/apps/{app}", get(apps::show).merge(delete(apps::remove)).patch(apps::change))
        .route("/apps/{app}/actions", post(apps::perform))
        .route("/apps/{app}/forgeries", post(apps::forge))
        .route("/apps/{app}/handshake", post(apps::handshake))
        .route("/apps/{app}/installations", get(apps::installations))
        .route("/apps/{app}/manifest", post(apps::refresh_manifest))
        .route("/apps/{app}/rotation", post(apps::rotate).delete(apps::end_rotation))
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/{delivery}", get(deliveries::show))
        .route("/deliveries/{delivery}/repeat", post(deliveries::repeat))
        .route("/deliveries/{delivery}/send", post(deliveries::release))
        .route("/installations/{installation}", get(installations::show))
        .route("/installations/{installation}/actions", post(installations::invoke))
        .route("/tenants", get(tenants).post(add_tenant))
        .route("/tenants/{tenant}", delete(remove_tenant))
        .method_not_allowed_fallback(method_not_allowed)
}

/// What a route answers: a value, or a problem.
type Answer<T> = Result<Json<T>, Problem>;
/// The same, where the value is new.
type Creation<T> = Result<(StatusCode, Json<T>), Problem>;

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        page::problem_json(&self)
    }
}

/// A body of JSON. An empty one counts as `{}`.
struct Input<T>(T);

impl<T: DeserializeOwned> FromRequest<Site> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, site).await;
        let body = body.map_err(|_| Problem::malformed("the body is larger than 64 KiB, or broke off"))?;
        let body = if body.is_empty() { &b"{}"[..] } else { &body };
        parse(body).map(Self)
    }
}

/// Says where the JSON is wrong, and which member is unknown or missing; never repeats a value.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        let place = format!("line {}, column {}", error.line(), error.column());
        let names_a_member = ["missing field", "unknown field", "duplicate field"];
        match names_a_member.iter().find(|words| text.starts_with(*words)) {
            Some(_) => Problem::malformed(format!("the body: {text}")),
            None if error.is_data() => {
                Problem::malformed(format!("the body has a value of the wrong kind: {place}"))
            }
            None => Problem::malformed(format!("the body is not JSON: {place}")),
        }
    })
}

/// The id in a path; what is no number names nothing.
fn number(text: &str) -> i64 {
    super::apps::number(text)
}

async fn tenants(State(site): State<Site>) -> Answer<Vec<Tenant>> {
    Ok(Json(site.marketplace.tenants(None).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    platform: Platform,
    name: String,
}

async fn add_tenant(State(site): State<Site>, Input(new): Input<NewTenant>) -> Creation<Tenant> {
    Ok((StatusCode::CREATED, Json(site.marketplace.add_tenant(new.platform, &new.name).await?)))
}

async fn remove_tenant(State(site): State<Site>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    site.marketplace.remove_tenant(number(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn method_not_allowed() -> Problem {
    let detail = "this address does not take the request's method".to_owned();
    Problem { status: 405, code: "method-not-allowed", title: "Refused", detail, fields: Vec::new() }
}
