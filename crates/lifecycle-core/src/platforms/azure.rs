//! Azure Marketplace: the fulfilment webhook, proven by an Entra access token beside a body that nothing proves.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/azure.md"))]

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::{self, present};
use crate::ack::{Ack, AckFailure};
use crate::event::{EventFields, EventKind};
use crate::freshness;
use crate::idempotency::IdempotencySource;
use crate::platform::{Platform, Proof};
use crate::rejection::Undecodable;
use crate::token_scheme::{Algorithm, Audience, TokenPlace, TokenScheme};
use crate::trust::Field;
use crate::verified_request::VerifiedRequest;

/// The application id of Microsoft's fulfilment service, which the tokens are issued to.
pub const SERVICE: &str = "20e940b3-4c77-4b0b-9a53-9e16a1b010a7";

/// An Entra access token for the app's own registration, as a bearer in `authorization`, by RS256 under the keys of the publisher's
/// tenant.
pub const SCHEME: TokenScheme =
    TokenScheme::new(Algorithm::Rs256, TokenPlace::Header { name: "authorization", words: &["Bearer"] })
        .with_audience(Audience::OneApp);

/// 200 within 10 s, which is when a change of plan or quantity is accepted by itself.
pub const ACK: Ack = Ack::new(200)
    .with_deadline(Duration::from_secs(10))
    .with_failure(AckFailure::Retried { at_most: Duration::from_secs(8 * 60 * 60) })
    .with_finals(400, 499);

/// Azure Marketplace, for [`Verifier::with_source`](crate::Verifier::with_source) with the key set of the publisher's tenant. The app is
/// the client id of its registration at Entra: the keys sign for all apps, so it has to be named. They have to have an
/// [owner](crate::Keys::with_owner), the id of that tenant: with a token that Entra issued to another publisher nobody may speak of this
/// one's customers. A [refusal](crate::Decision::Refuse) rejects a change of plan
/// or quantity, and stops nothing else.
pub static PLATFORM: Platform = Platform::new("azure", Proof::Token(SCHEME), ACK, decode);

/// The body of a callback. `Debug` shows the action only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The id of the operation, by which *Get Operation* finds it.
    pub id: String,
    /// What happened, such as `ChangePlan`.
    pub action: String,
    /// The subscription that it is about.
    pub subscription_id: String,
    /// The offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<String>,
    /// The plan; of a `ChangePlan` the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<String>,
    /// The seats; of a `ChangeQuantity` the new number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u64>,
    /// `InProgress` or `Succeeded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Members that are not known yet; the schema grows.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("action", &self.action).finish_non_exhaustive()
    }
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let claims: Claims<'a> = lenient::document(request.claims().unwrap_or_default())?;
    claims.check(request.key_owner())?;
    let body: Body<'a> = lenient::document(request.unauthenticated_body().unwrap_or_default())?;
    let action = present(body.action).ok_or(Undecodable::Missing("action"))?;
    let mut fields = EventFields::new(match &*action {
        "Reinstate" => EventKind::Enable,
        "Subscribe" => EventKind::Install,
        "Suspend" => EventKind::Disable,
        "Unsubscribe" => EventKind::Uninstall,
        other => EventKind::Other(other.into()),
    });
    if matches!(&*action, "ChangePlan" | "ChangeQuantity") {
        fields.failure = Some(AckFailure::Blocks);
    }
    fields.app = claims.aud.unwrap_or_default();
    fields.tenant = present(body.subscription_id).unwrap_or_default();
    if fields.kind.is_known() && fields.tenant.is_empty() {
        return Err(Undecodable::Missing("subscriptionId"));
    }
    fields.request_id = body.id;
    fields.identity = IdempotencySource::told([fields.request_id.clone(), body.time_stamp.clone()]);
    fields.occurred = body.time_stamp.as_deref().and_then(freshness::parse_instant);
    for field in [Field::Kind, Field::Tenant, Field::RequestId, Field::Occurred] {
        fields.unproven(field);
    }
    Ok(fields)
}

impl Claims<'_> {
    /// Whether it is a token of the fulfilment service, issued by the tenant that owns the keys. Ids are GUIDs, in either case.
    fn check(&self, owner: Option<&str>) -> Result<(), Undecodable> {
        let owner = owner.filter(|owner| !owner.is_empty());
        let owner = owner.ok_or(Undecodable::Missing("the owner of the keys"))?;
        let tenant = self.tid.as_deref().filter(|tenant| tenant.eq_ignore_ascii_case(owner));
        let tenant = tenant.ok_or(Undecodable::Contradiction("tid"))?;
        // Those of tokens of version 1.0 and 2.0.
        let issuer = self.iss.as_deref().unwrap_or_default();
        let is_own = |before: &str, after: &str| {
            issuer.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) == Some(tenant)
        };
        if !is_own("https://sts.windows.net/", "/") && !is_own("https://login.microsoftonline.com/", "/v2.0")
        {
            return Err(Undecodable::Contradiction("iss"));
        }
        match self.azp.as_deref().or(self.appid.as_deref()) {
            Some(SERVICE) => Ok(()),
            _ => Err(Undecodable::Contradiction("appid")),
        }
    }
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    aud: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    iss: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    tid: Option<Cow<'a, str>>,
    /// In tokens of version 1.0.
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    appid: Option<Cow<'a, str>>,
    /// In tokens of version 2.0.
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    azp: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    action: Option<Cow<'a, str>>,
    #[serde(default, borrow, rename = "subscriptionId", deserialize_with = "lenient::text")]
    subscription_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, rename = "timeStamp", deserialize_with = "lenient::text")]
    time_stamp: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delivery, Field, Head, Inbound, Keys, PublicKey, Rejection, Verifier, testing};

    /// Of version 1.0, at 2026-01-01T00:00:00Z. It was computed by Python's `cryptography` and checked by openssl.
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsIng1dCI6ImxpZmVjeWNsZS10ZXN0LWtleS0xIiwia2lkIjoibGlmZWN5Y2xlLXRlc3Qta2V5LTEifQ.eyJhdWQiOiIxMTExMTExMS0xMTExLTQxMTEtODExMS0xMTExMTExMTExMTEiLCJpc3MiOiJodHRwczovL3N0cy53aW5kb3dzLm5ldC8yMjIyMjIyMi0yMjIyLTQyMjItODIyMi0yMjIyMjIyMjIyMjIvIiwiaWF0IjoxNzY3MjI1NjAwLCJuYmYiOjE3NjcyMjU2MDAsImV4cCI6MTc2NzIyOTUwMCwiYXBwaWQiOiIyMGU5NDBiMy00Yzc3LTRiMGItOWE1My05ZTE2YTFiMDEwYTciLCJhcHBpZGFjciI6IjIiLCJ0aWQiOiIyMjIyMjIyMi0yMjIyLTQyMjItODIyMi0yMjIyMjIyMjIyMjIiLCJ2ZXIiOiIxLjAifQ.jc7ReLWVT4FQKS7kEiCaM3MG_3FACeBybtnrh9bo84YH7WaMn-OHr95SzZSicmjp54lIhu2bB3OQukCXUfwQgSQnAkG_OJEMZOPkHlnBRArUqZo3DuXQayySlPWFiGlinhGgIMpPHmQE0NWHCmG4jEhcQJ5BSTzaYbFUbKYl5zDVB2FyCJURDz6udi1cyhCi77XyxHvf2XMogNaRpGWvfR8-hKoAJMe0pemzEDMeohMJBM3qGT0mzABXc7ygR2i1ZSKyu3Ftte8LcJFX-hvm4V3IXrrgOxcyy5lSme5Skb7KISNHb6se5OOJMLOL7x99O8Ng5mC816A7o6Dsrt172Q";
    const APP: &str = "11111111-1111-4111-8111-111111111111";
    const TENANT: &str = "22222222-2222-4222-8222-222222222222";
    const BODY: &str = r#"{"id":"74dfb4db-c193-4891-827d-eb05fbdc64b0","activityId":"74dfb4db-c193-4891-827d-eb05fbdc64b0","publisherId":"contoso","offerId":"offer1","planId":"plan1","quantity":100,"subscriptionId":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","timeStamp":"2026-01-01T00:00:00.8613208Z","action":"Unsubscribe","status":"Succeeded","operationRequestSource":"Azure","subscription":{"id":"37f9dea2-4345-438f-b0bd-03d40d28c7e0","name":"Test"},"purchaseToken":null}"#;

    fn receive(body: &str, owner: Option<&str>) -> Result<Delivery, Rejection> {
        let pem = include_str!("../../tests/rsa-test-key.pub.pem");
        let keys = Keys::from(PublicKey::rsa_pem("1", pem).unwrap().with_id("lifecycle-test-key-1"));
        let keys = owner.map_or(keys.clone(), |owner| keys.with_owner(owner));
        let verifier = Verifier::new(&PLATFORM, keys, APP).unwrap();
        let bearer = format!("Bearer {TOKEN}");
        let mut verification =
            verifier.begin(Head::new("POST", "/", [("authorization", bearer.as_bytes())]))?;
        verification.push(body.to_owned().into())?;
        match verification.finish(testing::now())? {
            Inbound::Delivery(delivery) => Ok(delivery),
            Inbound::Handshake(_) => panic!("a handshake"),
        }
    }

    #[test]
    fn the_token_proves_the_app_and_nothing_of_the_body() {
        let delivery = receive(BODY, Some(TENANT)).unwrap();
        let event = delivery.event();
        let subscription = "37f9dea2-4345-438f-b0bd-03d40d28c7e0";
        assert_eq!((event.kind(), event.app(), event.tenant()), (&EventKind::Uninstall, APP, subscription));
        assert_eq!(event.request_id(), Some("74dfb4db-c193-4891-827d-eb05fbdc64b0"));
        assert!(event.occurred().is_some(), "seven digits of a second");
        assert!(delivery.proves(Field::App));
        for field in [Field::Kind, Field::Occurred, Field::RequestId, Field::Tenant] {
            assert!(!delivery.proves(field), "{field:?}");
        }
        let operation: Operation = delivery.unauthenticated_payload().unwrap();
        assert_eq!((operation.plan_id.as_deref(), operation.quantity), (Some("plan1"), Some(100)));
    }

    #[test]
    fn a_refusal_blocks_a_change_of_plan_or_quantity_and_nothing_else() {
        for (action, blocks) in [
            ("ChangePlan", true),
            ("ChangeQuantity", true),
            ("Subscribe", false),
            ("Renew", false),
            ("Reinstate", false),
            ("Suspend", false),
            ("Unsubscribe", false),
            ("Transfer", false),
        ] {
            let delivery = receive(&BODY.replace("Unsubscribe", action), Some(TENANT)).unwrap();
            assert_eq!(delivery.failure() == AckFailure::Blocks, blocks, "{action}");
        }
    }

    #[test]
    fn keys_prove_the_tokens_of_the_tenant_that_owns_them_and_of_nobody_else() {
        assert!(receive(BODY, Some(&TENANT.to_uppercase())).is_ok());
        for none in [None, Some("")] {
            let missing = Rejection::Undecodable(Undecodable::Missing("the owner of the keys"));
            assert_eq!(receive(BODY, none).map(drop), Err(missing));
        }
        let other = "33333333-3333-4333-8333-333333333333";
        assert_eq!(receive(BODY, Some(other)).map(drop), Err(Rejection::Contradiction("tid")));
    }

    #[test]
    fn claims_are_those_of_the_fulfilment_service_and_of_one_tenant() {
        let check = |claims: &str| {
            let claims: Claims<'_> = lenient::document(claims).unwrap();
            claims.check(Some(TENANT)).err()
        };
        let contradiction = |place| Some(Undecodable::Contradiction(place));
        let own = format!(r#""iss":"https://sts.windows.net/{TENANT}/","appid":"{SERVICE}""#);
        let second = format!(r#""iss":"https://login.microsoftonline.com/{TENANT}/v2.0","azp":"{SERVICE}""#);
        for (claims, expected) in [
            (format!(r#"{{"tid":"{TENANT}",{own}}}"#), None),
            (format!(r#"{{"tid":"{TENANT}",{second}}}"#), None),
            (format!("{{{own}}}"), contradiction("tid")),
            (format!(r#"{{"tid":"",{own}}}"#), contradiction("tid")),
            (format!(r#"{{"tid":"common",{own}}}"#), contradiction("tid")),
            (
                format!(r#"{{"tid":"{TENANT}",{}}}"#, own.replace("22222222", "33333333")),
                contradiction("iss"),
            ),
            (
                format!(r#"{{"tid":"{TENANT}",{}}}"#, own.replace("sts.windows.net", "sts.example")),
                contradiction("iss"),
            ),
            (
                format!(r#"{{"tid":"{TENANT}",{}}}"#, own.replace("20e940b3", "00000000")),
                contradiction("appid"),
            ),
            (format!(r#"{{"tid":"{TENANT}",{own},"azp":"another"}}"#), contradiction("appid")),
        ] {
            assert_eq!(check(&claims), expected, "{claims}");
        }
    }

    #[test]
    fn a_short_body_is_enough_and_a_subscription_is_needed() {
        let short = r#"{"id":"o","subscriptionId":"s","action":"Subscribe"}"#;
        assert_eq!(receive(short, Some(TENANT)).unwrap().event().kind(), &EventKind::Install);
        let without = short.replace("subscriptionId", "subscription");
        assert_eq!(
            receive(&without, Some(TENANT)).map(drop),
            Err(Rejection::Undecodable(Undecodable::Missing("subscriptionId")))
        );
        assert!(receive(&without.replace("Subscribe", "Transfer"), Some(TENANT)).is_ok());
    }
}
