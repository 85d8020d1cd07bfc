//! axum's servers.

use std::net::TcpListener;
use std::time::SystemTime;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Router, serve as listen};
use lifecycle_core::{Secret, Secrets, seismic};
use lifecycle_tower::axum::Verified;
use lifecycle_tower::{LifecycleEndpoint, LifecycleLayer};

use crate::expert::{Callback, Expert, LIMIT, Refused, SIGNATURE};
use crate::{AcceptAll, Failure, Route, asynchronous, runtime, secret, verifier};

pub(crate) fn serve(route: Route, listener: TcpListener) -> Result<(), Failure> {
    let routes = match route {
        Route::Bare => Router::new().route("/seismic", post(bare)),
        Route::Expert => Router::new().route("/seismic", post(expert)).with_state(Expert::new()?),
        Route::Extractor => Router::new().route("/seismic", post(extracted)).with_state(verifier()?),
        Route::Middleware => {
            Router::new().route("/seismic", post(bare).layer(LifecycleLayer::new(verifier()?)))
        }
        Route::Endpoint => endpoint(LifecycleEndpoint::new(verifier()?, AcceptAll)),
    };
    run(routes, listener)
}

/// Verified by ours, and not decoded.
pub(crate) fn serve_signed(listener: TcpListener) -> Result<(), Failure> {
    let secrets = Secrets::from(Secret::new(secret()?)?);
    run(Router::new().route("/seismic", post(signed)).with_state(secrets), listener)
}

pub(crate) fn endpoint(endpoint: LifecycleEndpoint) -> Router {
    Router::new().route_service("/seismic", endpoint)
}

pub(crate) fn run(routes: Router, listener: TcpListener) -> Result<(), Failure> {
    Ok(runtime()?.block_on(async { listen(asynchronous(listener)?, routes).await })?)
}

async fn bare(_body: Bytes) -> StatusCode {
    StatusCode::ACCEPTED
}

async fn signed(State(secrets): State<Secrets>, request: Request) -> StatusCode {
    let (head, body) = request.into_parts();
    let Some(signature) = head.headers.get(SIGNATURE) else { return StatusCode::UNAUTHORIZED };
    let Ok(body) = to_bytes(body, LIMIT).await else { return StatusCode::PAYLOAD_TOO_LARGE };
    let headers = [(SIGNATURE, signature.as_bytes())];
    match seismic::SCHEME.verify(&secrets, &headers, &body, SystemTime::now()) {
        Ok(_) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::UNAUTHORIZED,
    }
}

async fn extracted(_delivery: Verified) -> StatusCode {
    StatusCode::ACCEPTED
}

async fn expert(_callback: VerifiedRequest) -> StatusCode {
    StatusCode::ACCEPTED
}

struct VerifiedRequest(#[expect(dead_code, reason = "the route does nothing with it")] Callback);

impl FromRequest<Expert> for VerifiedRequest {
    type Rejection = StatusCode;

    async fn from_request(request: Request, expert: &Expert) -> Result<Self, StatusCode> {
        let (head, body) = request.into_parts();
        let signature = head.headers.get(SIGNATURE).ok_or(StatusCode::UNAUTHORIZED)?;
        let body = to_bytes(body, LIMIT).await.map_err(|_| status(Refused::TooLarge))?;
        expert.open(signature.as_bytes(), &body).map(Self).map_err(status)
    }
}

fn status(refused: Refused) -> StatusCode {
    StatusCode::from_u16(refused as u16).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
