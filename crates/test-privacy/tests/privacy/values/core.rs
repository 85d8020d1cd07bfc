//! Values of core.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::SystemTime;

use bytes::Bytes;
use lifecycle_core::securityscorecard::{self, Hook, HookEvent, Installed, InstalledApp, InstallingUser};
use lifecycle_core::{
    AckPolicy, Change, Deduplicated, Delivery, EventFields, EventKind, HandlerError, Head, HookToken,
    Installation, Platform, Reply, Secret, Secrets, SigningSecret, TenantKey, Trust, Undecodable,
    VerifiedRequest, Verifier, seismic,
};
use serde_json::json;
use test_privacy::{CANARY, Careless};

use super::{Shown, Taken, debug, delivery, display};

pub(super) fn values() -> Vec<Shown> {
    let delivery = delivery();
    let change = Change::new(&delivery, 1);
    let secret = Secret::new(CANARY).unwrap();
    let verifier = Verifier::new(&seismic::PLATFORM, secret.clone());
    let signature = seismic::SCHEME.sign(&secret, &[], CANARY.as_bytes());
    let headers = [("x-seismic-signature", signature.as_bytes()), ("x-canary", CANARY.as_bytes())];
    let head = Head { method: "POST", path: CANARY, headers };
    let mut verification =
        verifier.begin(Head { method: "POST", path: CANARY, headers: headers.into_iter() }).unwrap();
    verification.push(Bytes::from(CANARY)).unwrap();
    let reply = Reply::new(200, "text/html", CANARY).header("set-cookie", format!("state={CANARY}"));
    vec![
        debug(&delivery),
        debug(delivery.event()),
        debug(delivery.headers()),
        debug(&change),
        debug(&Installation::fold(None, &change).0.unwrap()),
        debug(&Deduplicated::new(Careless)),
        debug(&fields()),
        authentic(),
        display(&HandlerError::from(Taken(CANARY))),
        debug(&head),
        debug(&verification),
        debug(&reply),
        debug(&verifier),
        debug(&Verifier::unsigned(&securityscorecard::PLATFORM, HookToken::new(CANARY).unwrap())),
        debug(&HookToken::new(CANARY).unwrap()),
        debug(&SigningSecret::new("2026", &secret)),
        debug(&Secrets::from(secret.clone())),
        debug(&secret),
        debug(&TenantKey::new("seismic", CANARY, CANARY)),
    ]
    .into_iter()
    .chain(platforms(&delivery))
    .collect()
}

/// The bodies of the platforms, as their own types.
fn platforms(delivery: &Delivery) -> Vec<Shown> {
    let app = json!({"id": "app", "unknown": CANARY});
    let user = json!({
        "username": CANARY, "email": CANARY, "organizationDomain": CANARY, "unknown": CANARY,
    });
    let payload = json!({"app": app, "user": user, "installed_at": CANARY, "unknown": CANARY});
    let event = json!({"type": "app.installed", "payload": payload, "unknown": CANARY});
    let hook = json!({"event": event, "unknown": CANARY});
    vec![
        debug(&delivery.payload::<seismic::Callback>().unwrap()),
        debug(&serde_json::from_value::<InstalledApp>(app.clone()).unwrap()),
        debug(&serde_json::from_value::<InstallingUser>(user.clone()).unwrap()),
        debug(&serde_json::from_value::<Installed>(payload.clone()).unwrap()),
        debug(&serde_json::from_value::<HookEvent>(event.clone()).unwrap()),
        debug(&serde_json::from_value::<Hook>(hook).unwrap()),
    ]
}

fn fields() -> EventFields<'static> {
    let mut fields = EventFields::new(EventKind::Install);
    let canary = || Cow::Borrowed(CANARY);
    (fields.app, fields.tenant) = (canary(), canary());
    (fields.actor, fields.version, fields.prior_version) = (Some(canary()), Some(canary()), Some(canary()));
    (fields.request_id, fields.sent_at) = (Some(canary()), Some(canary()));
    fields
}

/// Only a decoder ever sees one.
fn authentic() -> Shown {
    static SHOWN: OnceLock<[String; 2]> = OnceLock::new();
    static OWN: Platform = Platform::unsigned("own", AckPolicy::new(200), decode);
    #[expect(clippy::unnecessary_wraps, reason = "a platform's decoder may fail")]
    fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
        SHOWN.get_or_init(|| [format!("{request:?}"), format!("{request:#?}")]);
        Ok(EventFields::new(EventKind::Install))
    }
    Delivery::from_store_unverified(&OWN, CANARY, [], Trust::Unsigned, SystemTime::now()).unwrap();
    Shown { name: std::any::type_name::<VerifiedRequest<'_>>(), texts: SHOWN.get().unwrap().to_vec() }
}
