//! Values of core.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::SystemTime;

use bytes::Bytes;
use lifecycle_core::securityscorecard::{self, Hook, HookEvent, Installed, InstalledApp, InstallingUser};
use lifecycle_core::{
    Ack, Change, Deduplicated, Delivery, EventFields, EventKind, ExpectedApp, HandlerError, Handshake, Head,
    HookToken, IdempotencySource, Inbound, Installation, Keys, Observation, Platform, Proof, Reply,
    RequestOutcome, Secret, Secrets, SigningSecret, TenantKey, Undecodable, Unhandled, VerifiedRequest,
    Verifier, azure, bigcommerce, discord, forge, github, linear, monday, saleor, seismic, shopify, slack,
    stripe, wix, zoom,
};
use serde_json::json;
use test_privacy::{CANARY, Careless};

use super::{Shown, Taken, debug, delivery, display};

pub(super) fn values() -> Vec<Shown> {
    let delivery = delivery();
    let (change, now) = (Change::new(&delivery, 1), SystemTime::now());
    let secret = Secret::new(CANARY).unwrap();
    let verifier = Verifier::new(&seismic::PLATFORM, secret.clone(), ExpectedApp::Any).unwrap();
    let signature = seismic::SCHEME.sign(&secret, &[], CANARY.as_bytes());
    let headers = [("x-seismic-signature", signature.as_bytes()), ("x-canary", CANARY.as_bytes())];
    let head = Head::new("POST", CANARY, headers);
    let mut verification = verifier.begin(Head::new("POST", CANARY, headers)).unwrap();
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
        debug(
            &Verifier::new(&securityscorecard::PLATFORM, HookToken::new(CANARY).unwrap(), ExpectedApp::Any)
                .unwrap(),
        ),
        debug(&HookToken::new(CANARY).unwrap()),
        debug(&SigningSecret::new("2026", &secret)),
        debug(&Secrets::from(secret.clone())),
        debug(&secret),
        debug(&TenantKey::new("seismic", CANARY, CANARY)),
        debug(&delivery.envelope()),
        debug(&Handshake::Echo { challenge: CANARY.into() }),
        debug(&IdempotencySource::Event(CANARY.into())),
        debug(&Inbound::Delivery(delivery.clone())),
        debug(&Observation::install(&slack::PLATFORM, CANARY, CANARY, now).id(CANARY).actor(CANARY)),
        debug(&Keys::from(secret.clone()).with_owner(CANARY)),
        debug(&RequestOutcome::Answered(&delivery, Some(202))),
        debug(&Unhandled::Handshake(Reply::new(200, "text/plain", CANARY))),
        debug(&verifier.keys().unwrap()),
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
    let forge_app = json!({"id": CANARY, "installationId": CANARY, "appVersion": CANARY, "more": CANARY});
    let saleor_app = json!({"id": CANARY, "identifier": CANARY, "version": CANARY, "isActive": true});
    vec![
        debug(&delivery.payload::<seismic::Callback>().unwrap()),
        debug(&read::<discord::WebhookEvent>(
            json!({"application_id": CANARY, "type": 1, "event": {"type": "e", "timestamp": CANARY, "data": CANARY}}),
        )),
        debug(&read::<discord::EventBody>(json!({"type": "e", "timestamp": CANARY, "data": CANARY}))),
        debug(&read::<github::InstallationEvent>(
            json!({"action": "created", "installation": {"id": 1, "app_id": 2, "account": CANARY}, "sender": CANARY}),
        )),
        debug(&read::<github::Installation>(json!({"id": 1, "app_id": 2, "account": CANARY}))),
        debug(&read::<slack::EventCallback>(
            json!({"type": "event_callback", "team_id": CANARY, "event": CANARY}),
        )),
        debug(&read::<linear::Webhook>(
            json!({"type": "OAuthApp", "action": "revoked", "organizationId": CANARY, "user": CANARY}),
        )),
        debug(&read::<azure::Operation>(
            json!({"id": CANARY, "action": "Renew", "subscriptionId": CANARY, "offerId": CANARY, "more": CANARY}),
        )),
        debug(&read::<forge::Invocation>(json!({"app": forge_app, "context": CANARY, "more": CANARY}))),
        debug(&read::<forge::App>(forge_app)),
        debug(&read::<saleor::Event>(json!({"__typename": "AppDeleted", "app": saleor_app, "more": CANARY}))),
        debug(&read::<saleor::App>(saleor_app)),
        debug(&read::<bigcommerce::Payload>(
            json!({"sub": CANARY, "user": CANARY, "owner": CANARY, "url": CANARY, "more": CANARY}),
        )),
        debug(&read::<monday::Webhook>(json!({"type": "install", "data": CANARY, "more": CANARY}))),
        debug(&read::<wix::Webhook>(json!({"data": CANARY, "more": CANARY}))),
        debug(&read::<wix::InstanceEvent>(
            json!({"eventType": "AppInstalled", "instanceId": CANARY, "data": CANARY, "identity": CANARY}),
        )),
        debug(&read::<shopify::Shop>(json!({"id": 1, "myshopify_domain": CANARY, "email": CANARY}))),
        debug(&read::<zoom::Event>(json!({"event": "app_deauthorized", "payload": CANARY, "more": CANARY}))),
        debug(&read::<stripe::Event>(
            json!({"id": CANARY, "type": "apps.install.created", "account": CANARY, "data": CANARY}),
        )),
        debug(&serde_json::from_value::<InstalledApp>(app.clone()).unwrap()),
        debug(&serde_json::from_value::<InstallingUser>(user.clone()).unwrap()),
        debug(&serde_json::from_value::<Installed>(payload.clone()).unwrap()),
        debug(&serde_json::from_value::<HookEvent>(event.clone()).unwrap()),
        debug(&serde_json::from_value::<Hook>(hook).unwrap()),
    ]
}

fn read<T: serde::de::DeserializeOwned>(payload: serde_json::Value) -> T {
    serde_json::from_value(payload).unwrap()
}

fn fields() -> EventFields<'static> {
    let mut fields = EventFields::new(EventKind::Install);
    let canary = || Cow::Borrowed(CANARY);
    (fields.app, fields.tenant) = (canary(), canary());
    (fields.actor, fields.version, fields.prior_version) = (Some(canary()), Some(canary()), Some(canary()));
    (fields.request_id, fields.installation) = (Some(canary()), Some(canary()));
    fields.identity = IdempotencySource::Told(canary());
    fields
}

/// Only a decoder ever sees one.
fn authentic() -> Shown {
    static SHOWN: OnceLock<[String; 2]> = OnceLock::new();
    static OWN: Platform = Platform::new("own", Proof::UnguessableUrl, Ack::new(200), decode);
    #[expect(clippy::unnecessary_wraps, reason = "a platform's decoder may fail")]
    fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
        SHOWN.get_or_init(|| [format!("{request:?}"), format!("{request:#?}")]);
        Ok(EventFields::new(EventKind::Install))
    }
    lifecycle_testing::delivery(&OWN, CANARY);
    Shown { name: std::any::type_name::<VerifiedRequest<'_>>(), texts: SHOWN.get().unwrap().to_vec() }
}
