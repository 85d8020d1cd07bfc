//! Azure Marketplace: the fulfilment webhook, with the members and their order of its page "Implementing a webhook", and a token of
//! Entra's version 1.0.

use lifecycle_core::azure;

use crate::draft::Draft;
use crate::keys::unix_seconds;
use crate::sender::{Facts, KeysFrom, Sender, Template};

pub(crate) static SENDER: Sender = Sender::new(&azure::PLATFORM, EVENTS, fill)
    .with_title("Azure Marketplace")
    .with_name_at("action")
    .with_keys_from(KeysFrom::Url)
    .with_key_owner("tid", "22222222-2222-4222-8222-222222222222");

const EVENTS: &[Template] = &[
    Template::new("install", "Subscribe", SUBSCRIBE).with_claims(CLAIMS),
    Template::new("enable", "Reinstate", REINSTATE).with_claims(CLAIMS),
    Template::new("disable", "Suspend", SUSPEND).with_claims(CLAIMS),
    Template::new("uninstall", "Unsubscribe", UNSUBSCRIBE).with_claims(CLAIMS),
    Template::new("ChangePlan", "ChangePlan", CHANGE_PLAN).with_claims(CLAIMS),
    Template::new("ChangeQuantity", "ChangeQuantity", CHANGE_QUANTITY).with_claims(CLAIMS),
    Template::new("Renew", "Renew", RENEW).with_claims(CLAIMS),
];

const CLAIMS: &str = r#"{"aud":"11111111-1111-4111-8111-111111111111","iss":"https://sts.windows.net/22222222-2222-4222-8222-222222222222/","iat":1767225600,"nbf":1767225600,"exp":1767229500,"appid":"20e940b3-4c77-4b0b-9a53-9e16a1b010a7","appidacr":"2","tid":"22222222-2222-4222-8222-222222222222","ver":"1.0"}"#;
/// It comes short.
const SUBSCRIBE: &str = r#"{"id":"74dfb4db-c193-4891-827d-eb05fbdc64b0","activityId":"74dfb4db-c193-4891-827d-eb05fbdc64b0","operationRequestSource":"Azure","subscriptionId":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","timeStamp":"2026-01-01T00:00:00.8613208Z","action":"Subscribe"}"#;
const REINSTATE: &str = r#"{"id":"74dfb4db-c193-4891-827d-eb05fbdc64b0","activityId":"74dfb4db-c193-4891-827d-eb05fbdc64b0","publisherId":"contoso","offerId":"offer1","planId":"plan1","quantity":100,"subscriptionId":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","timeStamp":"2026-01-01T00:00:00.8613208Z","action":"Reinstate","status":"InProgress","operationRequestSource":"Azure","subscription":{"id":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","name":"Test","publisherId":"contoso","offerId":"offer1","planId":"plan1","quantity":100,"beneficiary":{"emailId":"user@example.com","objectId":"00000000-0000-4000-8000-000000000001","tenantId":"00000000-0000-4000-8000-000000000002"},"saasSubscriptionStatus":"Suspended","isTest":false,"autoRenew":true},"purchaseToken":null}"#;
const SUSPEND: &str = r#"{"id":"74dfb4db-c193-4891-827d-eb05fbdc64b0","activityId":"74dfb4db-c193-4891-827d-eb05fbdc64b0","publisherId":"contoso","offerId":"offer1","planId":"plan1","quantity":100,"subscriptionId":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","timeStamp":"2026-01-01T00:00:00.8613208Z","action":"Suspend","status":"Succeeded","operationRequestSource":"Azure","subscription":{"id":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","name":"Test","publisherId":"contoso","offerId":"offer1","planId":"plan1","quantity":100,"beneficiary":{"emailId":"user@example.com","objectId":"00000000-0000-4000-8000-000000000001","tenantId":"00000000-0000-4000-8000-000000000002"},"saasSubscriptionStatus":"Suspended","isTest":false,"autoRenew":true},"purchaseToken":null}"#;
const UNSUBSCRIBE: &str = r#"{"id":"74dfb4db-c193-4891-827d-eb05fbdc64b0","activityId":"74dfb4db-c193-4891-827d-eb05fbdc64b0","publisherId":"contoso","offerId":"offer1","planId":"plan1","quantity":100,"subscriptionId":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","timeStamp":"2026-01-01T00:00:00.8613208Z","action":"Unsubscribe","status":"Succeeded","operationRequestSource":"Azure","subscription":{"id":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","name":"Test","publisherId":"contoso","offerId":"offer1","planId":"plan1","quantity":100,"beneficiary":{"emailId":"user@example.com","objectId":"00000000-0000-4000-8000-000000000001","tenantId":"00000000-0000-4000-8000-000000000002"},"saasSubscriptionStatus":"Unsubscribed","isTest":false,"autoRenew":true},"purchaseToken":null}"#;
const CHANGE_PLAN: &str = r#"{"id":"74dfb4db-c193-4891-827d-eb05fbdc64b0","activityId":"74dfb4db-c193-4891-827d-eb05fbdc64b0","publisherId":"contoso","offerId":"offer1","planId":"plan2","quantity":100,"subscriptionId":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","timeStamp":"2026-01-01T00:00:00.8613208Z","action":"ChangePlan","status":"InProgress","operationRequestSource":"Azure","subscription":{"id":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","name":"Test","publisherId":"contoso","offerId":"offer1","planId":"plan1","quantity":100,"beneficiary":{"emailId":"user@example.com","objectId":"00000000-0000-4000-8000-000000000001","tenantId":"00000000-0000-4000-8000-000000000002"},"saasSubscriptionStatus":"Subscribed","isTest":false,"autoRenew":true},"purchaseToken":null}"#;
const CHANGE_QUANTITY: &str = r#"{"id":"74dfb4db-c193-4891-827d-eb05fbdc64b0","activityId":"74dfb4db-c193-4891-827d-eb05fbdc64b0","publisherId":"contoso","offerId":"offer1","planId":"plan1","quantity":101,"subscriptionId":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","timeStamp":"2026-01-01T00:00:00.8613208Z","action":"ChangeQuantity","status":"InProgress","operationRequestSource":"Azure","subscription":{"id":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","name":"Test","publisherId":"contoso","offerId":"offer1","planId":"plan1","quantity":100,"beneficiary":{"emailId":"user@example.com","objectId":"00000000-0000-4000-8000-000000000001","tenantId":"00000000-0000-4000-8000-000000000002"},"saasSubscriptionStatus":"Subscribed","isTest":false,"autoRenew":true},"purchaseToken":null}"#;
const RENEW: &str = r#"{"id":"74dfb4db-c193-4891-827d-eb05fbdc64b0","activityId":"74dfb4db-c193-4891-827d-eb05fbdc64b0","publisherId":"contoso","offerId":"offer1","planId":"plan1","quantity":100,"subscriptionId":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","timeStamp":"2026-01-01T00:00:00.8613208Z","action":"Renew","status":"Succeeded","operationRequestSource":"Azure","subscription":{"id":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","name":"Test","publisherId":"contoso","offerId":"offer1","planId":"plan1","quantity":100,"beneficiary":{"emailId":"user@example.com","objectId":"00000000-0000-4000-8000-000000000001","tenantId":"00000000-0000-4000-8000-000000000002"},"saasSubscriptionStatus":"Subscribed","isTest":false,"autoRenew":true},"purchaseToken":null}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    draft.text("claims.aud", facts.app.as_deref());
    draft.text("subscriptionId", facts.tenant.as_deref());
    draft.text("subscription.id", facts.tenant.as_deref());
    let fresh = facts.fresh.to_string();
    let id = facts.request_id.as_deref().unwrap_or(&fresh);
    draft.text("id", Some(id));
    draft.text("activityId", Some(id));
    draft.time("timeStamp", facts.at, 7);
    let issued = unix_seconds(facts.sent);
    draft.json("claims.iat", issued.to_string());
    draft.json("claims.nbf", issued.to_string());
    draft.json("claims.exp", (issued + 65 * 60).to_string());
}
