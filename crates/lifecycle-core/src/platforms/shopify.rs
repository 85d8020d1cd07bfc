//! Shopify: webhooks of an app, signed over the body alone; the topic and the shop stand in headers that nobody signs.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/shopify.md"))]

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserializer, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::{self, present};
use crate::ack::{Ack, AckFailure};
use crate::event::{EventFields, EventKind};
use crate::freshness;
use crate::idempotency::IdempotencySource;
use crate::platform::{Platform, Proof};
use crate::rejection::Undecodable;
use crate::scheme::{Encoding, Scheme};
use crate::trust::Field;
use crate::verified_request::VerifiedRequest;

/// The header that carries the signature.
pub const SIGNATURE: &str = "x-shopify-hmac-sha256";

/// The header that names the topic. It is not signed.
pub const TOPIC: &str = "x-shopify-topic";

/// The header with the shop's domain. It is not signed.
pub const SHOP_DOMAIN: &str = "x-shopify-shop-domain";

/// The header with the id of the webhook, the same when it is sent again. It is not signed.
pub const WEBHOOK_ID: &str = "x-shopify-webhook-id";

/// The base64 of the HMAC-SHA256 over the raw body. The key is the app's *client secret*; the former one may sign for an hour
/// after a rotation.
pub const SCHEME: Scheme = Scheme::new(&[SIGNATURE]).with_encoding(Encoding::Base64);

/// 200 within 5 s.
pub const ACK: Ack = Ack::new(200)
    .with_deadline(Duration::from_secs(5))
    .with_failure(AckFailure::Retried { at_most: Duration::from_secs(4 * 60 * 60) });

/// Shopify, for [`Verifier::new`](crate::Verifier::new). Its events name no app: they are about the one that the verifier expects.
/// Kind and request id are [not proven](crate::Delivery::proves).
pub static PLATFORM: Platform = Platform::new("shopify", Proof::Hmac(SCHEME), ACK, decode).with_headers(&[
    TOPIC,
    SHOP_DOMAIN,
    WEBHOOK_ID,
]);

/// The body of `app/uninstalled`: the shop. `Debug` shows its number only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Shop {
    /// Its number.
    pub id: u64,
    /// Its domain below `myshopify.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub myshopify_domain: Option<String>,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Shop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shop").field("id", &self.id).finish_non_exhaustive()
    }
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let topic = request.unauthenticated_header(TOPIC).filter(|topic| !topic.is_empty());
    let topic = topic.ok_or(Undecodable::Missing(TOPIC))?;
    // The client secret also signs queries, sorted by name, that a merchant sees and may add to. A blank in front, and such a
    // text is a JSON object; it never begins with the brace, which comes after `shop` and `timestamp`.
    if !request.body().starts_with('{') {
        return Err(Undecodable::Json { line: 1, column: 1 });
    }
    let body: Body<'a> = lenient::document(request.body())?;
    let mut fields = EventFields::new(match topic {
        "app/uninstalled" => EventKind::Uninstall,
        "app/scopes_update" => EventKind::Upgrade,
        other => EventKind::Other(other.into()),
    });
    fields.unproven(Field::Kind);
    fields.request_id = request.unauthenticated_header(WEBHOOK_ID).map(Cow::Borrowed);
    fields.unproven(Field::RequestId);
    fields.identity = IdempotencySource::Document(fields.request_id.clone());

    let is_shop = body.myshopify_domain.is_some();
    let told = present(body.myshopify_domain.flatten()).or(present(body.shop_domain));
    if let (Some(told), Some(header)) = (told, request.unauthenticated_header(SHOP_DOMAIN))
        && !told.eq_ignore_ascii_case(header)
    {
        return Err(Undecodable::Contradiction(SHOP_DOMAIN));
    }
    let shop = body.shop_id.and_then(shop_number);
    match fields.kind {
        // A product that was deleted has an id too.
        EventKind::Uninstall if !is_shop => return Err(Undecodable::Missing("myshopify_domain")),
        EventKind::Uninstall => fields.tenant = body.id.ok_or(Undecodable::Missing("id"))?,
        EventKind::Upgrade if !body.has_scopes => return Err(Undecodable::Missing("current")),
        EventKind::Upgrade => fields.tenant = shop.ok_or(Undecodable::Missing("shop_id"))?,
        // A shop has its own id: that of a captured uninstall stays the same under another topic, and so it is a duplicate.
        _ if is_shop => fields.tenant = body.id.unwrap_or_default(),
        _ => {
            let of_subscription = body.app_subscription.and_then(|it| it.admin_graphql_api_shop_id);
            fields.tenant = shop.or(of_subscription.and_then(shop_number)).unwrap_or_default();
        }
    }
    // That of a shop says when the shop was changed, which may be long before the app was removed.
    if !is_shop {
        fields.occurred = body.updated_at.as_deref().and_then(freshness::parse_instant);
    }
    Ok(fields)
}

/// The number of a shop, of which `gid://shopify/Shop/1` is another form.
fn shop_number(id: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let number = match id {
        Cow::Borrowed(id) => Cow::Borrowed(id.strip_prefix("gid://shopify/Shop/").unwrap_or(id)),
        Cow::Owned(id) => Cow::Owned(id.strip_prefix("gid://shopify/Shop/").unwrap_or(&id).to_owned()),
    };
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

fn is_there<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(from).map(|_| true)
}

#[expect(clippy::option_option, reason = "`null` is another thing than a member that is not there")]
fn told<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Cow<'a, str>>>, D::Error> {
    lenient::text(from).map(Some)
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::id")]
    id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::id")]
    shop_id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    shop_domain: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    updated_at: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    app_subscription: Option<Subscription<'a>>,
    #[expect(clippy::option_option, reason = "as above")]
    #[serde(default, borrow, deserialize_with = "told")]
    myshopify_domain: Option<Option<Cow<'a, str>>>,
    #[serde(default, rename = "current", deserialize_with = "is_there")]
    has_scopes: bool,
}

#[derive(Deserialize)]
struct Subscription<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    admin_graphql_api_shop_id: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delivery, testing};

    const SHOP: &str = r#"{"id":548380009,"name":"Snowdevil","updated_at":"2026-01-01T00:00:00Z","plan_name":"enterprise","myshopify_domain":null}"#;
    const SCOPES: &str = r#"{"id":1,"shop_id":"gid://shopify/Shop/548380009","previous":[],"current":["read_products"],"updated_at":"2026-01-01T00:00:00.000Z"}"#;
    const REDACT: &str = r#"{"shop_id":548380009,"shop_domain":"snowdevil.myshopify.com"}"#;
    const SUBSCRIPTION: &str = r#"{"app_subscription":{"admin_graphql_api_shop_id":"gid://shopify/Shop/548380009","status":"PENDING"}}"#;

    fn delivery(topic: &str, body: &str) -> Result<Delivery, Undecodable> {
        let headers = [(TOPIC, topic), (SHOP_DOMAIN, "snowdevil.myshopify.com"), (WEBHOOK_ID, "b54557e4")];
        testing::with_headers(&PLATFORM, &headers, body)
    }

    #[test]
    fn the_tenant_is_the_number_of_the_shop_wherever_it_stands() {
        for (topic, body, kind) in [
            ("app/uninstalled", SHOP, EventKind::Uninstall),
            ("app/scopes_update", SCOPES, EventKind::Upgrade),
            ("shop/redact", REDACT, EventKind::Other("shop/redact".into())),
            ("app_subscriptions/update", SUBSCRIPTION, EventKind::Other("app_subscriptions/update".into())),
        ] {
            let delivery = delivery(topic, body).unwrap();
            let event = delivery.event();
            assert_eq!((event.kind(), event.tenant()), (&kind, "548380009"));
            assert_eq!((event.app(), event.request_id()), ("", Some("b54557e4")));
            assert!(!delivery.proves(Field::Kind) && !delivery.proves(Field::RequestId));
            assert!(delivery.proves(Field::Tenant) && delivery.proves(Field::Occurred));
        }
        assert_eq!(delivery("app/scopes_update", SCOPES).unwrap().event().occurred(), Some(testing::now()));
        assert_eq!(delivery("app/uninstalled", SHOP).unwrap().event().occurred(), None, "it is the shop's");
    }

    #[test]
    fn another_topic_that_is_sent_again_as_an_uninstall_or_an_upgrade_has_not_its_shape() {
        for (topic, body, missing) in [
            ("app/uninstalled", r#"{"id":788032119674292922}"#, "myshopify_domain"),
            ("app/uninstalled", REDACT, "myshopify_domain"),
            ("app/uninstalled", SCOPES, "myshopify_domain"),
            ("app/scopes_update", REDACT, "current"),
            ("app/scopes_update", SHOP, "current"),
        ] {
            assert_eq!(delivery(topic, body).unwrap_err(), Undecodable::Missing(missing), "{topic}: {body}");
        }
    }

    #[test]
    fn a_signed_query_that_was_made_to_be_json_is_no_webhook() {
        let query = r#"{"id":548380009,"myshopify_domain":"snowdevil.myshopify.com","a":"=&shop=a.myshopify.com&timestamp=1767225600&~="}"#;
        assert!(delivery("app/uninstalled", query).is_ok(), "such a text is of the shape");
        for blank in [" ", "\t", "\n", "\r", "\u{feff} "] {
            let refused = delivery("app/uninstalled", &format!("{blank}{query}")).unwrap_err();
            assert_eq!(refused, Undecodable::Json { line: 1, column: 1 }, "{blank:?}");
        }
    }

    #[test]
    fn a_topic_that_is_called_like_a_known_kind_is_another_kind() {
        for kind in EventKind::KNOWN {
            let delivery = delivery(kind.name(), REDACT).unwrap();
            let other = EventKind::Other(format!("other.{kind}").into());
            assert_eq!(delivery.event().kind(), &other);
            let stored = delivery.envelope();
            let again = Delivery::from_store_unverified(&PLATFORM, delivery.body().clone(), &stored).unwrap();
            assert_eq!(again.event().kind(), &other);
        }
    }

    #[test]
    fn a_shop_in_the_header_that_is_not_the_body_s_contradicts() {
        let other =
            |body: &str| body.replace("snowdevil", "other").replace("null", r#""other.myshopify.com""#);
        for (topic, body) in [("app/uninstalled", SHOP), ("shop/redact", REDACT)] {
            assert_eq!(delivery(topic, &other(body)).unwrap_err(), Undecodable::Contradiction(SHOP_DOMAIN));
        }
    }

    #[test]
    fn a_redelivery_and_an_exchanged_topic_are_duplicates() {
        let key = |topic: &str| delivery(topic, SHOP).unwrap().idempotency_key();
        assert_eq!(key("app/uninstalled"), key("app/uninstalled"));
        assert_eq!(key("app/uninstalled"), key("shop/update"));
    }

    #[test]
    fn only_the_number_of_a_shop_is_one() {
        for id in [r#""gid://shopify/Product/1""#, r#""""#, r#""gid://shopify/Shop/""#, "null", "1.5"] {
            let body = SCOPES.replace(r#""gid://shopify/Shop/548380009""#, id);
            let missing = Undecodable::Missing("shop_id");
            assert_eq!(delivery("app/scopes_update", &body).unwrap_err(), missing, "{id}");
        }
    }

    #[test]
    fn the_payload_keeps_what_is_not_known() {
        let shop: Shop = delivery("app/uninstalled", SHOP).unwrap().payload().unwrap();
        assert_eq!(format!("{shop:?}"), "Shop { id: 548380009, .. }");
        assert_eq!(shop.unknown["name"], "Snowdevil");
    }
}
