//! Instructions: what each way through the libraries executes, counted by callgrind. `cargo xtask bench instructions`
//! runs this and holds the counts against `instructions.json`.
//!
//! Callgrind's processor has no SHA extensions, so a MAC counts for far more here than it costs. `mac` stands alone for
//! that reason: what a case does besides is its count less that one.

#![expect(missing_docs, unused_qualifications, reason = "so are the items that the harness's macros make")]

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::SystemTime;

use async_trait::async_trait;
use axum::Extension;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::routing::{post, post_service};
use bytes::Bytes;
use gungraun::prelude::*;
use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::BodyExt;
use lifecycle_core::{
    Delivery, Envelope, ExpectedApp, HandlerError, Head, Inbound, LifecycleHandler, RejectedRequest, Secret,
    Secrets, SigningSecret, Unreadable, Verifier, seismic,
};
use lifecycle_tower::axum::Verified;
use lifecycle_tower::{LifecycleEndpoint, LifecycleLayer};
use serde::Deserialize;
use sha2::Sha256;
use tokio::runtime::Runtime;
use tower::ServiceExt;

// The bare MAC over the body under a prepared key, compared.
#[library_benchmark]
#[bench::documented(warm(keyed, judge_mac))]
fn mac(input: (Hmac<Sha256>, Bytes)) -> bool {
    black_box(judge_mac(black_box(input)))
}

// What a store does with what was verified before.
#[library_benchmark]
#[bench::documented(warm(stored, restore))]
fn restored(input: (Bytes, Envelope)) -> Result<Delivery, Unreadable> {
    black_box(restore(black_box(input)))
}

// A callback's whole way through a verifier.
#[library_benchmark]
#[bench::genuine(warm(Callback::genuine, judge))]
#[bench::second_secret(warm(second_secret, judge))]
#[bench::wrong_method(warm(wrong_method, judge))]
#[bench::no_signature(warm(no_signature, judge))]
#[bench::malformed_signature(warm(malformed_signature, judge))]
#[bench::wrong_signature(warm(wrong_signature, judge))]
#[bench::declared_too_large(warm(declared_too_large, judge))]
#[bench::counted_too_large(warm(counted_too_large, judge))]
#[bench::undecodable(warm(undecodable, judge))]
#[bench::unexpected_app(warm(unexpected_app, judge))]
fn receive(input: Callback) -> Result<Inbound, RejectedRequest> {
    black_box(judge(black_box(input)))
}

// A callback through axum's router: a bare route that reads the body, one that also compares its MAC and decodes it by
// hand, and the three routes.
#[library_benchmark]
#[bench::bare(warm(bare, serve))]
#[bench::by_hand(warm(by_hand, serve))]
#[bench::extractor(warm(extractor, serve))]
#[bench::layer(warm(layer, serve))]
#[bench::endpoint(warm(endpoint, serve))]
#[bench::forged_at_the_endpoint(warm(forged, serve))]
fn route(input: Served) -> (Runtime, Router, Response<Body>) {
    black_box(serve(black_box(input)))
}

library_benchmark_group!(name = verification, benchmarks = [mac, receive, restored]);
library_benchmark_group!(name = routes, benchmarks = [route]);
main!(library_benchmark_groups = [verification, routes]);

/// What is set up on first use is set up before the one run that counts.
fn warm<I, O>(input: fn() -> I, run: fn(I) -> O) -> I {
    drop(run(input()));
    input()
}

/// The documented callback.
static VECTOR: LazyLock<Vector> = LazyLock::new(|| {
    let vector = include_str!("../../../fixtures/vectors/seismic-install.json");
    serde_json::from_str(vector).expect("a vector")
});

#[derive(Deserialize)]
struct Vector {
    secret: String,
    body: String,
}

fn body() -> Bytes {
    Bytes::from_static(VECTOR.body.as_bytes())
}

fn stored() -> (Bytes, Envelope) {
    (body(), lifecycle_testing::delivery(&seismic::PLATFORM, &VECTOR.body).envelope())
}

fn restore((body, envelope): (Bytes, Envelope)) -> Result<Delivery, Unreadable> {
    Delivery::from_store_unverified(&seismic::PLATFORM, body, &envelope)
}

fn keyed() -> (Hmac<Sha256>, Bytes) {
    (Hmac::new_from_slice(VECTOR.secret.as_bytes()).expect("a key of any length"), body())
}

fn judge_mac((keyed, body): (Hmac<Sha256>, Bytes)) -> bool {
    keyed.chain_update(body).finalize() == CtOutput::new([7; 32].into())
}

/// A request, in core's words.
struct Callback {
    verifier: Verifier,
    method: &'static str,
    headers: [(&'static str, String); 5],
    body: Bytes,
}

const SIGNATURE: usize = 4;

impl Callback {
    fn genuine() -> Self {
        Self::of(body())
    }

    fn of(body: Bytes) -> Self {
        let secret = Secret::new(VECTOR.secret.as_str()).expect("a secret");
        let headers = [
            ("host", "app.example".to_owned()),
            ("content-type", "application/json".to_owned()),
            ("content-length", body.len().to_string()),
            ("user-agent", "callbacks/1.0".to_owned()),
            (seismic::SIGNATURE, seismic::SCHEME.sign(&secret, &[], &body)),
        ];
        Self {
            verifier: Verifier::new(&seismic::PLATFORM, secret, ExpectedApp::Any).unwrap(),
            method: "POST",
            headers,
            body,
        }
    }
}

fn judge(callback: Callback) -> Result<Inbound, RejectedRequest> {
    let headers = callback.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    let mut verification = callback.verifier.begin(Head::new(callback.method, "/seismic", headers))?;
    verification.push(callback.body)?;
    verification.finish(SystemTime::UNIX_EPOCH)
}

fn second_secret() -> Callback {
    let named = |name, secret: &str| SigningSecret::new(name, &Secret::new(secret).expect("a secret"));
    let secrets = Secrets::from(named("new", "another")).or(named("old", &VECTOR.secret));
    Callback {
        verifier: Verifier::new(&seismic::PLATFORM, secrets, ExpectedApp::Any).unwrap(),
        ..Callback::genuine()
    }
}

fn wrong_method() -> Callback {
    Callback { method: "GET", ..Callback::genuine() }
}

fn no_signature() -> Callback {
    let mut callback = Callback::genuine();
    callback.headers[SIGNATURE].0 = "x-other";
    callback
}

fn malformed_signature() -> Callback {
    let mut callback = Callback::genuine();
    callback.headers[SIGNATURE].1.pop();
    callback
}

fn wrong_signature() -> Callback {
    Callback { headers: Callback::of(Bytes::from_static(b"{}")).headers, ..Callback::genuine() }
}

fn declared_too_large() -> Callback {
    let callback = Callback::genuine();
    Callback { verifier: callback.verifier.clone().with_max_body(100), ..callback }
}

fn counted_too_large() -> Callback {
    let mut callback = declared_too_large();
    callback.headers[2].0 = "x-other";
    callback
}

fn undecodable() -> Callback {
    Callback::of(Bytes::from_static(&VECTOR.body.as_bytes()[..VECTOR.body.len() - 1]))
}

fn unexpected_app() -> Callback {
    let secret = Secret::new(&*VECTOR.secret).expect("a secret");
    Callback {
        verifier: Verifier::new(&seismic::PLATFORM, secret, "another").unwrap(),
        ..Callback::genuine()
    }
}

/// A request to an app on axum, and the runtime that runs it.
struct Served {
    runtime: Runtime,
    app: Router,
    request: Request<Body>,
}

impl Served {
    fn new(callback: Callback, app: Router) -> Self {
        let mut request = Request::post("/seismic");
        for (name, value) in &callback.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Body::from(callback.body)).expect("a request");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        Self { runtime, app, request }
    }
}

fn serve(Served { runtime, app, request }: Served) -> (Runtime, Router, Response<Body>) {
    let response = runtime.block_on(app.clone().oneshot(request)); // a server clones it too, and keeps the original
    (runtime, app, response.unwrap_or_else(|never| match never {}))
}

fn bare() -> Served {
    let read = async |mut body: Body| match body.frame().await {
        Some(Ok(frame)) if frame.is_data() => StatusCode::ACCEPTED,
        _ => StatusCode::BAD_REQUEST,
    };
    Served::new(Callback::genuine(), Router::new().route("/seismic", post(read)))
}

fn by_hand() -> Served {
    let (keyed, _) = keyed();
    let judge = async move |request: Request<Body>| {
        let (head, mut body) = request.into_parts();
        let Some(Ok(frame)) = body.frame().await else { return StatusCode::BAD_REQUEST };
        let Ok(body) = frame.into_data() else { return StatusCode::BAD_REQUEST };
        let mut presented = [0; 32];
        let header = head.headers.get(seismic::SIGNATURE);
        if header.is_none_or(|header| const_hex::decode_to_slice(header, &mut presented).is_err()) {
            return StatusCode::UNAUTHORIZED;
        }
        if keyed.clone().chain_update(&body).verify_slice(&presented).is_err() {
            return StatusCode::UNAUTHORIZED;
        }
        match serde_json::from_slice::<seismic::Callback>(&body) {
            Ok(callback) => {
                black_box(callback);
                StatusCode::ACCEPTED
            }
            Err(_) => StatusCode::BAD_REQUEST,
        }
    };
    Served::new(Callback::genuine(), Router::new().route("/seismic", post(judge)))
}

fn extractor() -> Served {
    let callback = Callback::genuine();
    let verifier = callback.verifier.clone();
    let accept = async |Verified(delivery): Verified| {
        black_box(delivery);
        StatusCode::ACCEPTED
    };
    Served::new(callback, Router::new().route("/seismic", post(accept)).with_state(verifier))
}

fn layer() -> Served {
    let callback = Callback::genuine();
    let layer = LifecycleLayer::new(callback.verifier.clone());
    let accept = async |Extension(delivery): Extension<Delivery>| {
        black_box(delivery);
        StatusCode::ACCEPTED
    };
    Served::new(callback, Router::new().route("/seismic", post(accept).layer(layer)))
}

fn endpoint() -> Served {
    at_the_endpoint(Callback::genuine())
}

fn forged() -> Served {
    at_the_endpoint(wrong_signature())
}

fn at_the_endpoint(callback: Callback) -> Served {
    struct AcceptAll;
    #[async_trait]
    impl LifecycleHandler for AcceptAll {
        async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
            black_box(delivery);
            Ok(())
        }
    }

    let endpoint = LifecycleEndpoint::new(callback.verifier.clone(), AcceptAll);
    Served::new(callback, Router::new().route("/seismic", post_service(endpoint)))
}
