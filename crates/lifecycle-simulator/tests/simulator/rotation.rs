//! A secret is replaced while callbacks go on.

use lifecycle_core::{Secret, seismic};
use serde_json::json;

use crate::support::Market;
use crate::support::app::{App, Got};

fn signed_by(got: &Got, header: &str, secret: &str) -> bool {
    let Some(value) = got.headers.get(header) else { return false };
    let secret = Secret::new(secret).unwrap();
    value.as_bytes() == seismic::SCHEME.sign(&secret, &[], &got.body).as_bytes()
}

#[tokio::test]
async fn in_the_window_the_new_secret_and_the_previous_one_both_sign() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/202", app.url), "the-first").await;
    let path = format!("/api/apps/{id}/rotation");
    let rotated = market.post(&path, json!({"window_minutes": 5, "signing_secret": "the-second"})).await;
    assert_eq!(rotated.status, 200, "{rotated:?}");
    assert_eq!(rotated.body["signing"]["previous"]["number"], 1);
    assert!(rotated.body.get("signing_secret").is_none(), "a given secret is not told back");
    let delivery = market.act(id, json!({"action": "install"})).await[0].clone();
    assert!(signed_by(&app.last(), seismic::SIGNATURE, "the-second"));
    assert!(signed_by(&app.last(), seismic::SIGNATURE_OLD, "the-first"));
    assert_eq!(delivery["headers"][1]["note"], "signed by secret 2, the new one");
    assert_eq!(delivery["headers"][2]["note"], "signed by secret 1, the previous one");
    let page = market.page(&format!("/apps/{id}")).await;
    assert!(
        page.contains("secret 2, the new one, and secret 1, the previous one, both sign")
            && page.contains("A rotation is on until")
    );

    let ended = market.send(reqwest::Method::DELETE, &path, String::new()).await;
    assert!(ended.body["signing"].get("previous").is_none(), "{ended:?}");
    market.act(id, json!({"action": "enable"})).await;
    assert!(signed_by(&app.last(), seismic::SIGNATURE, "the-second"));
    assert!(!app.last().headers.contains_key(seismic::SIGNATURE_OLD));
}

#[tokio::test]
async fn without_a_window_the_previous_secret_signs_no_more() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/202", app.url), "the-first").await;
    let rotated = market.post(&format!("/api/apps/{id}/rotation"), json!({"window_minutes": 0})).await;
    let made =
        rotated.body["signing_secret"].as_str().expect("a secret that is made is told once").to_owned();
    market.act(id, json!({"action": "install"})).await;
    assert!(signed_by(&app.last(), seismic::SIGNATURE, &made));
    assert!(!app.last().headers.contains_key(seismic::SIGNATURE_OLD));
    for path in ["/api/apps", "/api/deliveries"] {
        assert!(!market.get(path).await.to_string().contains(&made), "{path}");
    }
    assert!(!market.page(&format!("/apps/{id}")).await.contains(&made));
}

#[tokio::test]
async fn of_three_secrets_only_the_last_two_can_sign() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/202", app.url), "the-first").await;
    for secret in ["the-second", "the-third"] {
        market.post(&format!("/api/apps/{id}/rotation"), json!({"signing_secret": secret})).await;
    }
    market.act(id, json!({"action": "install"})).await;
    assert!(signed_by(&app.last(), seismic::SIGNATURE, "the-third"));
    assert!(signed_by(&app.last(), seismic::SIGNATURE_OLD, "the-second"));
}

#[tokio::test]
async fn a_repeat_is_signed_by_the_secrets_that_count_now() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/202", app.url), "the-first").await;
    let install = market.act(id, json!({"action": "install"})).await[0]["id"].clone();
    let rotation = json!({"signing_secret": "the-second", "window_minutes": 0});
    market.post(&format!("/api/apps/{id}/rotation"), rotation).await;
    market.post(&format!("/api/deliveries/{install}/repeat"), json!({})).await;
    assert!(signed_by(&app.last(), seismic::SIGNATURE, "the-second"));
}
