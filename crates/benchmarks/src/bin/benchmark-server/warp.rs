//! warp's servers.

use std::future::ready;
use std::net::TcpListener;

use bytes::Bytes;
use lifecycle_core::Delivery;
use lifecycle_warp::{endpoint, recover, verified, verify};
use warp::http::{HeaderValue, StatusCode};
use warp::{Filter, Rejection, Reply, body, header, path, post, serve as listen};

use crate::expert::{Callback, Expert, LIMIT, Refused, SIGNATURE};
use crate::{AcceptAll, Failure, Route, asynchronous, runtime, verifier};

pub(crate) fn serve(route: Route, listener: TcpListener) -> Result<(), Failure> {
    let seismic = path!("seismic");
    let bare = post().and(body::bytes()).map(|_body| StatusCode::ACCEPTED);
    match route {
        Route::Bare => run(seismic.and(bare), listener),
        Route::Expert => {
            let callback = post().and(authentic(Expert::new()?));
            let route = callback.map(|_callback| StatusCode::ACCEPTED).recover(refuse);
            run(seismic.and(route), listener)
        }
        Route::Extractor => {
            let route = verified(verifier()?).map(|_delivery: Delivery| StatusCode::ACCEPTED);
            run(seismic.and(route.recover(recover)), listener)
        }
        Route::Middleware => run(seismic.and(verify(verifier()?, bare)), listener),
        Route::Endpoint => run(seismic.and(endpoint(verifier()?, AcceptAll)), listener),
    }
}

fn run<F>(routes: F, listener: TcpListener) -> Result<(), Failure>
where
    F: Filter<Extract: Reply, Error = Rejection> + Clone + Send + Sync + 'static,
{
    runtime()?.block_on(async {
        listen(routes).incoming(asynchronous(listener)?).run().await;
        Ok(())
    })
}

fn authentic(expert: Expert) -> impl Filter<Extract = (Callback,), Error = Rejection> + Clone {
    header::value(SIGNATURE).and(body::content_length_limit(LIMIT as u64)).and(body::bytes()).and_then(
        move |signature: HeaderValue, body: Bytes| {
            ready(expert.open(signature.as_bytes(), &body).map_err(warp::reject::custom))
        },
    )
}

impl warp::reject::Reject for Refused {}

async fn refuse(rejection: Rejection) -> Result<StatusCode, Rejection> {
    match rejection.find::<Refused>() {
        Some(refused) => {
            Ok(StatusCode::from_u16(*refused as u16).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        }
        None => Err(rejection),
    }
}
