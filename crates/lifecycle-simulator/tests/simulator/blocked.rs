//! Whatever keeps an app from acknowledging blocks the administrator, and the page says why.

use serde_json::json;

use crate::support::Market;
use crate::support::app::{App, hanging_up, nobody};

#[tokio::test]
async fn each_cause_blocks_and_is_named() {
    let (market, app) = (Market::start().await, App::start().await);
    let at = |path: &str| format!("{}/{path}", app.url);
    let port = |url: &str| url.trim_end_matches('/').rsplit(':').next().unwrap().to_owned();
    let gone = nobody().await;
    let refused = format!("connection refused: is the app running at 127.0.0.1:{}?", port(&gone));
    let broken = "the connection broke before the answer was complete";
    for (url, code, text) in [
        (gone, "connection-refused", refused.as_str()),
        (hanging_up().await, "connection-broken", broken),
        (at("mismatch"), "signature-mismatch", "401 signature-mismatch"),
        (at("401"), "error-status", "status 401"),
        (at("500"), "error-status", "status 500"),
        (at("200"), "wrong-status", "200 where 202 is required"),
        (at("204"), "wrong-status", "204 where 202 is required"),
        (at("redirect"), "redirect", "redirect 302: the platform follows none"),
        (at("slow"), "late", "no answer within 3 s"),
    ] {
        let id = market.register(&url, "s").await;
        let delivery = &market.act(id, json!({"action": "install"})).await[0];
        assert_eq!(delivery["effect"], "blocked", "{delivery}");
        assert_eq!(delivery["cause"], json!({"code": code, "text": text}));
        let verdict = delivery["verdict"].as_str().unwrap();
        assert!(verdict.starts_with(&format!("BLOCKED: Install for Acme: {text}")), "{verdict}");
        assert!(verdict.ends_with("The administrator sees an error."), "{verdict}");
        assert_eq!(market.status(id).await, "none", "the state stays as it was");

        let page = market.page(&format!("/apps/{id}")).await;
        assert!(page.contains("<div class=\"verdict bad\"") && page.contains(text), "{page}");
        let page = market.page(&format!("/deliveries/{}", delivery["id"])).await;
        assert!(page.contains("x-seismic-signature") && page.contains("BLOCKED") && page.contains(text));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/redirect", app.url), "s").await;
    market.act(id, json!({"action": "install"})).await;
    let paths: Vec<String> = app.got().into_iter().map(|got| got.path).collect();
    assert_eq!(paths, ["redirect"]);
}

#[tokio::test]
async fn an_answer_is_kept_up_to_a_cap() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/echo", app.url), "s").await;
    let answer = &market.act(id, json!({"action": "install"})).await[0]["answer"];
    assert_eq!(answer["body"].as_str().unwrap().len(), 16 * 1024);
    assert_eq!(answer["truncated"], true);
}

#[tokio::test]
async fn a_blocked_action_can_be_tried_again() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/500", app.url), "s").await;
    market.act(id, json!({"action": "install"})).await;
    let change = json!({"url": format!("{}/202", app.url)}).to_string();
    let changed = market.send(reqwest::Method::PATCH, &format!("/api/apps/{id}"), change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(market.act(id, json!({"action": "install"})).await[0]["effect"], "applied");
    assert_eq!(market.status(id).await, "installed");
}
