//! The layer: what the service inside gets, and what it may do.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use lifecycle_core::{Delivery, Method, Rejection};
use lifecycle_tower::{Lifecycle, LifecycleLayer};
use tokio::time::{Instant, sleep};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::{Script, Step, callback, post, verifier};

#[tokio::test]
async fn the_request_goes_inside_as_it_came_with_its_delivery_beside_it() {
    let body = callback("t");
    let mut request = post(&body, Full::new(body.clone()));
    request.headers_mut().append("x-twice", "1".parse().unwrap());
    request.headers_mut().append("x-twice", "2".parse().unwrap());
    request.headers_mut().insert("content-length", body.len().into());
    *request.uri_mut() = "/seismic?query=kept".parse().unwrap();
    *request.version_mut() = Version::HTTP_2;
    request.extensions_mut().insert("kept");
    let headers = request.headers().clone();

    let inner = service_fn(move |request: Request<Full<Bytes>>| {
        let (headers, sent) = (headers.clone(), callback("t"));
        async move {
            assert_eq!(request.headers(), &headers);
            assert_eq!(request.uri(), "/seismic?query=kept");
            assert_eq!(request.version(), Version::HTTP_2);
            assert_eq!(request.extensions().get(), Some(&"kept"));
            let delivery: Delivery = request.extensions().get().cloned().unwrap();
            let body = request.into_body().collect().await?.to_bytes();
            assert_eq!(body, sent);
            assert_eq!(body.as_ptr(), delivery.body().as_ptr(), "the same bytes, not a copy");
            Ok::<_, Infallible>(Response::new(Full::new(body)))
        }
    });
    let response = LifecycleLayer::new(verifier()).layer(inner).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "the inner service answers for itself");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), body);
}

#[tokio::test]
async fn nothing_unverified_goes_inside_and_the_reason_travels_outwards() {
    let inner = service_fn(|_: Request<Full<Bytes>>| async {
        unreachable!("not verified") as Result<Response<Full<Bytes>>, Infallible>
    });
    let layered = LifecycleLayer::new(verifier()).layer(inner);
    let large =
        Request::post("/").header("content-length", 4097).header("x-seismic-signature", "00".repeat(32));
    for (request, expected) in [
        (post(b"", Full::new(callback("t"))), Rejection::SignatureMismatch),
        (Request::post("/").body(Full::new(callback("t"))).unwrap(), Rejection::MissingSignature),
        (Request::get("/").body(Full::default()).unwrap(), Rejection::MethodNotAllowed(Method::Post)),
        (large.body(Full::default()).unwrap(), Rejection::BodyTooLarge),
    ] {
        let response = layered.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), expected.status());
        assert_eq!(response.extensions().get(), Some(&expected));
        assert_eq!(&response.into_body().collect().await.unwrap().to_bytes(), expected.reply().body());
    }
}

/// Ready only when polled, and so is none of its clones: as any service that takes a permit.
#[derive(Debug, Default)]
pub(crate) struct Permitted {
    ready: bool,
}

impl Clone for Permitted {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<B> Service<Request<B>> for Permitted {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<B>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without being polled ready");
        ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn only_the_service_that_was_polled_ready_is_called() {
    let body = callback("t");
    let mut layered = LifecycleLayer::new(verifier()).layer(Permitted::default());
    for _ in 0..2 {
        let request = post(&body, Full::new(body.clone()));
        let ready = ServiceExt::<Request<Full<Bytes>>>::ready(&mut layered).await.unwrap();
        assert_eq!(ready.call(request).await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn the_body_and_the_inner_service_share_one_timeout() {
    let inner = service_fn(|_: Request<Script>| async {
        sleep(Duration::from_secs(1)).await;
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let layered = LifecycleLayer::new(verifier()).layer(inner);
    let body = callback("t");
    for (pause, status) in [(1000, 200), (2000, 503), (3000, 408)] {
        let started = Instant::now();
        let script = Script::new([Step::Pause(Duration::from_millis(pause)), Step::Give(body.clone())]);
        let response = layered.clone().oneshot(post(&body, script)).await.unwrap();
        assert_eq!(response.status(), status);
        assert!(started.elapsed() <= verifier().timeout(), "{status}");
    }
}

#[tokio::test]
async fn an_error_of_the_inner_service_passes_through() {
    let inner = service_fn(|_: Request<Full<Bytes>>| async {
        Err::<Response<Full<Bytes>>, _>(io::Error::from(io::ErrorKind::AddrInUse))
    });
    let body = callback("t");
    let request = post(&body, Full::new(body.clone()));
    let error = LifecycleLayer::new(verifier()).layer(inner).oneshot(request).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

#[test]
fn the_layer_changes_no_request_body_type_and_its_future_can_be_sent() {
    fn takes<S, B>(_: S)
    where
        S: Service<Request<B>, Future: Send> + Clone + Send + Sync + 'static,
    {
    }
    let inner = || Permitted::default();
    takes::<Lifecycle<Permitted>, Body>(LifecycleLayer::new(verifier()).layer(inner()));
    takes::<Lifecycle<Permitted>, Full<Bytes>>(LifecycleLayer::new(verifier()).layer(inner()));
}
