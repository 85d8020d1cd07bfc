//! Deliveries, by the only way there is: a request that is signed and verified.

use std::time::SystemTime;

use lifecycle_core::{Delivery, ExpectedApp, Head, Inbound, Platform, Verifier};

use crate::request::{SignedRequest, keys};

/// The delivery of a genuine request with this body, received now.
///
/// # Panics
/// When the body is not one of this platform's, with the reason; when it is a handshake.
pub fn delivery(platform: &'static Platform, body: &str) -> Delivery {
    delivery_at(platform, body, SystemTime::now())
}

/// The same, sent and received at this time.
///
/// # Panics
/// As [`delivery`] does.
pub fn delivery_at(platform: &'static Platform, body: &str, now: SystemTime) -> Delivery {
    delivery_with(platform, &[], body, now)
}

/// The same with these headers, names in lower case.
///
/// ```
/// use lifecycle_core::{EventKind, github};
/// use std::time::SystemTime;
///
/// let body = r#"{"action":"deleted","installation":{"id":3,"app_id":1,"target_id":2}}"#;
/// let headers = [(github::EVENT, "installation")];
/// let delivery = lifecycle_testing::delivery_with(&github::PLATFORM, &headers, body, SystemTime::now());
/// assert_eq!(delivery.event().kind(), &EventKind::Uninstall);
/// ```
///
/// # Panics
/// As [`delivery`] does.
pub fn delivery_with(
    platform: &'static Platform,
    headers: &[(&str, &str)],
    body: &str,
    now: SystemTime,
) -> Delivery {
    let request = SignedRequest::new(platform, headers, body, now);
    let verifier = Verifier::new(platform, keys(platform), ExpectedApp::Any).expect("the keys fit");
    let lines = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut verification = verifier
        .begin(Head::new(request.method, &request.target, lines))
        .unwrap_or_else(|rejected| panic!("{rejected}"));
    verification.push(request.body.into()).unwrap_or_else(|rejected| panic!("{rejected}"));
    match verification.finish(now) {
        Ok(Inbound::Delivery(delivery)) => delivery,
        Ok(Inbound::Handshake(_)) => panic!("it is a handshake"),
        Err(rejected) => panic!("{rejected}"),
    }
}
