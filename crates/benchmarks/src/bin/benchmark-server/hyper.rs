//! hyper's servers: a loop that accepts, and a service without a router.

use std::convert::Infallible;
use std::error::Error;
use std::net::TcpListener;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use lifecycle_core::{RequestOutcome, Verifier};
use lifecycle_tower::{BytesOr, LifecycleEndpoint, LifecycleLayer, ResponseBody, receive, response};
use tower::{Service, ServiceBuilder, service_fn};

use crate::expert::{Callback, Expert, LIMIT, Refused, SIGNATURE};
use crate::{AcceptAll, Failure, Route, asynchronous, runtime, verifier};

pub(crate) fn serve(route: Route, listener: TcpListener) -> Result<(), Failure> {
    match route {
        Route::Bare => run(listener, &service_fn(bare)),
        Route::Expert => {
            let state = Expert::new()?;
            run(listener, &service_fn(move |request| expert(state.clone(), request)))
        }
        Route::Extractor => {
            let verifier = verifier()?;
            run(listener, &service_fn(move |request| extracted(verifier.clone(), request)))
        }
        Route::Middleware => {
            let verified = ServiceBuilder::new()
                .map_request(|request: Request<Incoming>| request.map(BytesOr::new))
                .layer(LifecycleLayer::new(verifier()?))
                .service_fn(bare);
            run(listener, &verified)
        }
        Route::Endpoint => run(listener, &LifecycleEndpoint::new(verifier()?, AcceptAll)),
    }
}

fn run<S, B>(listener: TcpListener, service: &S) -> Result<(), Failure>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<Failure>, Future: Send>,
    S: Clone + Send + 'static,
    B: Body<Data: Send, Error: Into<Failure>> + Send + 'static,
{
    runtime()?.block_on(async {
        let listener = asynchronous(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    })
}

async fn bare<B>(request: Request<B>) -> Result<Response<Empty<Bytes>>, Infallible>
where
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let read = request.into_body().collect().await;
    Ok(answer(if read.is_ok() { StatusCode::ACCEPTED } else { StatusCode::BAD_REQUEST }))
}

async fn expert(expert: Expert, request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    Ok(answer(match authentic(&expert, request).await {
        Ok(_callback) => StatusCode::ACCEPTED,
        Err(refused) => StatusCode::from_u16(refused as u16).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    }))
}

async fn authentic(expert: &Expert, request: Request<Incoming>) -> Result<Callback, Refused> {
    let (head, body) = request.into_parts();
    let signature = head.headers.get(SIGNATURE).ok_or(Refused::Unauthorized)?;
    let body = Limited::new(body, LIMIT).collect().await.map_err(|_| Refused::TooLarge)?;
    expert.open(signature.as_bytes(), &body.to_bytes())
}

async fn extracted(
    verifier: Verifier,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Infallible> {
    let started = Instant::now();
    let received = receive(&verifier, request).await;
    let outcome = RequestOutcome::of(received.as_ref().map(|(_head, delivery)| delivery));
    verifier.record(outcome, started.elapsed(), SystemTime::now());
    Ok(response(outcome.reply()))
}

fn answer(status: StatusCode) -> Response<Empty<Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}
