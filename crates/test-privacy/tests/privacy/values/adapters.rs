//! Values of the adapters.

use bytes::Bytes;
use http_body_util::Full;
use lifecycle_adapter::Exchange;
use lifecycle_core::{ExpectedApp, Head, Reply, RequestBody, Secret, Verifier, seismic};
use lifecycle_tower::{BytesOr, LifecycleEndpoint, LifecycleLayer, ResponseBody};
use test_privacy::{CANARY, Careless};

use super::{Shown, debug, delivery};

pub(super) fn values() -> Vec<Shown> {
    let verifier = Verifier::new(&seismic::PLATFORM, Secret::new(CANARY).unwrap(), ExpectedApp::Any).unwrap();
    let reply = Reply::new(403, "text/plain", CANARY);
    let head = Head::new("POST", CANARY, [(CANARY, CANARY.as_bytes())]);
    vec![
        debug(&lifecycle_actix::Verified(delivery())),
        debug(&lifecycle_actix::VerifiedJson(CANARY, delivery())),
        debug(&lifecycle_tower::axum::Verified(delivery())),
        debug(&lifecycle_tower::axum::VerifiedJson(CANARY, delivery())),
        debug(&lifecycle_tower::axum::DeliveryJson(CANARY, delivery())),
        debug(&BytesOr::<Full<Bytes>>::from(Bytes::from(CANARY))),
        debug(&ResponseBody::from(Bytes::from(CANARY))),
        debug(&Exchange::begin(&verifier, head, RequestBody::Read)),
        debug(&LifecycleLayer::new(verifier.clone())),
        debug(&LifecycleEndpoint::new(verifier, Careless)),
        debug(&lifecycle_warp::VerifiedRejection::Gate(reply)),
    ]
}
