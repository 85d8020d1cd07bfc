//! actix-web's servers.

use std::future::Future;
use std::net::TcpListener;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::rt::System;
use actix_web::web::{Bytes, ServiceConfig, post, resource};
use actix_web::{App, FromRequest, HttpRequest, HttpResponse, HttpServer, error};
use lifecycle_actix::{Verified, endpoint, verify};

use crate::expert::{Callback, Expert, Refused, SIGNATURE};
use crate::{AcceptAll, Failure, Route, verifier};

pub(crate) fn serve(route: Route, listener: TcpListener) -> Result<(), Failure> {
    let (verifier, expert_state) = (verifier()?, Expert::new()?);
    let routes = move |app: &mut ServiceConfig| {
        let verifier = verifier.clone();
        match route {
            Route::Bare => app.route("/seismic", post().to(bare)),
            Route::Expert => app.app_data(expert_state.clone()).route("/seismic", post().to(expert)),
            Route::Extractor => app.app_data(verifier).route("/seismic", post().to(extracted)),
            Route::Middleware => {
                app.service(resource("/seismic").wrap(verify(verifier)).route(post().to(bare)))
            }
            Route::Endpoint => app.route("/seismic", endpoint(verifier, AcceptAll)),
        };
    };
    let server = HttpServer::new(move || App::new().configure(routes.clone())).workers(1).disable_signals();
    let server = server.listen(listener)?;
    Ok(System::new().block_on(async { server.run().await })?)
}

async fn bare(_body: Bytes) -> HttpResponse {
    HttpResponse::Accepted().finish()
}

async fn extracted(_delivery: Verified) -> HttpResponse {
    HttpResponse::Accepted().finish()
}

async fn expert(_callback: VerifiedRequest) -> HttpResponse {
    HttpResponse::Accepted().finish()
}

struct VerifiedRequest(#[expect(dead_code, reason = "the route does nothing with it")] Callback);

impl FromRequest for VerifiedRequest {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Bytes::from_request(request, payload); // its limit is 256 KiB
        let request = request.clone();
        Box::pin(async move {
            let expert = request.app_data::<Expert>().ok_or_else(|| error::ErrorInternalServerError(""))?;
            let signature = request.headers().get(SIGNATURE).ok_or_else(|| refuse(Refused::Unauthorized))?;
            expert.open(signature.as_bytes(), &body.await?).map(Self).map_err(refuse)
        })
    }
}

fn refuse(refused: Refused) -> actix_web::Error {
    let status = StatusCode::from_u16(refused as u16).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    error::InternalError::new("refused", status).into()
}
