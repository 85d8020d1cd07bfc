//! Shopify: webhooks of an app, with the members and their order of its reference of webhooks. It tells of no install.

use lifecycle_core::shopify::{self, SHOP_DOMAIN, TOPIC, WEBHOOK_ID};

use crate::draft::{Draft, rfc3339};
use crate::sender::{Facts, Sender, Template};

pub(crate) static SENDER: Sender = Sender::new(&shopify::PLATFORM, EVENTS, fill).with_title("Shopify");

/// Core does not read it; Shopify's own library refuses a webhook without it.
const API_VERSION: &str = "x-shopify-api-version";

const EVENTS: &[Template] = &[
    Template::new("uninstall", "app/uninstalled", SHOP).with_headers(&[(TOPIC, "app/uninstalled")]),
    Template::new("upgrade", "app/scopes_update", SCOPES).with_headers(&[(TOPIC, "app/scopes_update")]),
    Template::new("app_subscriptions/update", "app_subscriptions/update", SUBSCRIPTION)
        .with_headers(&[(TOPIC, "app_subscriptions/update")]),
    Template::new("customers/data_request", "customers/data_request", DATA_REQUEST)
        .with_headers(&[(TOPIC, "customers/data_request")]),
    Template::new("customers/redact", "customers/redact", CUSTOMER_REDACT)
        .with_headers(&[(TOPIC, "customers/redact")]),
    Template::new("shop/redact", "shop/redact", SHOP_REDACT).with_headers(&[(TOPIC, "shop/redact")]),
];

const SHOP: &str = r#"{"id":548380009,"name":"Süße Träume ☃","email":"owner@example.com","domain":null,"province":"Tennessee","country":"US","source":null,"phone":"5555550100","primary_locale":"en","created_at":null,"updated_at":null,"country_code":"US","currency":"USD","customer_email":"owner@example.com","timezone":"(GMT-05:00) Eastern Time (US & Canada)","iana_timezone":null,"shop_owner":"Jordan Lee","money_format":"${{amount}}","plan_display_name":"Shopify Plus","plan_name":"enterprise","myshopify_domain":null,"has_storefront":true,"setup_required":false,"enabled_presentment_currencies":["USD"]}"#;
const SCOPES: &str = r#"{"id":1,"shop_id":"gid://shopify/Shop/548380009","previous":["read_products"],"current":["read_products","write_products"],"updated_at":"2024-06-25T00:00:00.000Z"}"#;
const SUBSCRIPTION: &str = r#"{"app_subscription":{"admin_graphql_api_id":"gid://shopify/AppSubscription/1029266977","name":"Webhook Test","status":"PENDING","admin_graphql_api_shop_id":"gid://shopify/Shop/548380009","created_at":"2021-12-31T19:00:00-05:00","updated_at":"2021-12-31T19:00:00-05:00","currency":"USD","capped_amount":"20.0","price":"10.00","interval":"every_30_days","plan_handle":"plan-123"}}"#;
const DATA_REQUEST: &str = r#"{"shop_id":548380009,"shop_domain":"snowdevil.myshopify.com","orders_requested":[299938,280263],"customer":{"id":191167,"email":"shopper@example.com","phone":"555-555-0100"},"data_request":{"id":9999}}"#;
const CUSTOMER_REDACT: &str = r#"{"shop_id":548380009,"shop_domain":"snowdevil.myshopify.com","customer":{"id":191167,"email":"shopper@example.com","phone":"555-555-0100"},"orders_to_redact":[299938,280263]}"#;
const SHOP_REDACT: &str = r#"{"shop_id":548380009,"shop_domain":"snowdevil.myshopify.com"}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    let id = facts.request_id.clone().unwrap_or_else(|| facts.fresh.to_string());
    draft.header(WEBHOOK_ID, id);
    draft.header(SHOP_DOMAIN, "snowdevil.myshopify.com");
    draft.header(API_VERSION, "2026-07");
    let is_shop = draft.has("myshopify_domain");
    if is_shop {
        draft.number("id", facts.tenant.as_deref());
        draft.text("updated_at", Some(&rfc3339(facts.at, 3)));
        return;
    }
    if draft.read("shop_id").is_none() {
        draft.number("shop_id", facts.tenant.as_deref());
    }
    draft.time("updated_at", facts.at, 3);
    draft.time("app_subscription.updated_at", facts.at, 0);
    let gid = facts.tenant.as_ref().map(|tenant| format!("gid://shopify/Shop/{tenant}"));
    for place in ["shop_id", "app_subscription.admin_graphql_api_shop_id"] {
        if draft.read(place).is_some() {
            draft.text(place, gid.as_deref());
        }
    }
}
