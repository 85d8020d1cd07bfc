//! Deliveries, by the only way there is: a request that is signed and verified.

use std::time::{Duration, SystemTime};

use lifecycle_core::{Delivery, ExpectedApp, Inbound, Platform, RejectedRequest, Verifier};

use crate::keys::SigningKeys;
use crate::request::SignedRequest;
use crate::sender::{KeysFrom, Sender};

/// The delivery of a genuine request with this body, received now. Where any event of a platform will do, take a
/// [`sample`](crate::sample()).
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
/// use std::time::{Duration, SystemTime};
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
    let keys = SigningKeys::for_tests(platform);
    receive(platform, &SignedRequest::new(platform, &keys, headers, body, now), &keys, ExpectedApp::Any, now)
}

/// # Panics
/// When it is rejected, with the reason; when it is a handshake.
pub(crate) fn receive(
    platform: &'static Platform,
    request: &SignedRequest,
    keys: &SigningKeys,
    app: ExpectedApp,
    now: SystemTime,
) -> Delivery {
    match verified(platform, request, keys, app, now) {
        Ok(Inbound::Delivery(delivery)) => delivery,
        Ok(Inbound::Handshake(_)) => panic!("it is a handshake"),
        Err(rejected) => panic!("{rejected}"),
    }
}

/// What a receiver makes of it.
pub(crate) fn verified(
    platform: &'static Platform,
    request: &SignedRequest,
    keys: &SigningKeys,
    app: ExpectedApp,
    now: SystemTime,
) -> Result<Inbound, RejectedRequest> {
    let header = Sender::of(platform).and_then(|sender| match sender.keys_from() {
        KeysFrom::Tenant { header } => request.headers.iter().find(|(own, _)| own == header),
        KeysFrom::App | KeysFrom::Url => None,
    });
    let keys = keys.verifying();
    let keys = match header {
        Some((_, tenant)) => keys.with_owner(tenant),
        None => keys,
    };
    let mut verifier = Verifier::new(platform, keys, app).expect("the keys fit");
    if platform.max_age().is_some() {
        // A body of one's own may tell of any time.
        verifier = verifier.with_max_age(Duration::MAX).expect("it has a maximum age");
    }
    request.verify(&verifier, now)
}
