//! Values of the adapters.

use bytes::Bytes;
use http_body_util::Full;
use lifecycle_core::{ExpectedApp, Reply, Secret, Verifier, seismic};
use lifecycle_tower::{BytesOr, LifecycleEndpoint, LifecycleLayer};
use test_privacy::{CANARY, Careless};

use super::{Shown, debug, delivery};

pub(super) fn values() -> Vec<Shown> {
    let verifier = Verifier::new(&seismic::PLATFORM, Secret::new(CANARY).unwrap(), ExpectedApp::Any).unwrap();
    let reply = Reply::new(403, "text/plain", CANARY);
    vec![
        debug(&lifecycle_actix::Verified(delivery())),
        debug(&lifecycle_actix::VerifiedJson(CANARY, delivery())),
        debug(&lifecycle_tower::axum::Verified(delivery())),
        debug(&lifecycle_tower::axum::VerifiedJson(CANARY, delivery())),
        debug(&lifecycle_tower::axum::DeliveryJson(CANARY, delivery())),
        debug(&BytesOr::<Full<Bytes>>::from(Bytes::from(CANARY))),
        debug(&LifecycleLayer::new(verifier.clone())),
        debug(&LifecycleEndpoint::new(verifier, Careless)),
        debug(&lifecycle_warp::VerifiedRejection::Gate(reply)),
    ]
}
