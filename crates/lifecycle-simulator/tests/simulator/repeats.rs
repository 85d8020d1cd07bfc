//! Duplicates, repeats, and requests that arrive out of order.

use serde_json::json;

use crate::support::Market;
use crate::support::app::App;

#[tokio::test]
async fn two_copies_of_a_click_are_the_same_bytes_and_both_have_to_be_acknowledged() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/202", app.url), "s").await;
    let deliveries = market.act(id, json!({"action": "install", "delivery": "twice"})).await;
    assert_eq!(deliveries.as_array().unwrap().len(), 2);
    let got = app.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].body, got[1].body, "the same request id, the same everything");
    assert_eq!(market.status(id).await, "installed");

    let failing = market.register(&format!("{}/500", app.url), "s").await;
    let deliveries = market.act(failing, json!({"action": "install", "delivery": "twice"})).await;
    assert!(deliveries.as_array().unwrap().iter().all(|delivery| delivery["effect"] == "blocked"));
    assert_eq!(market.status(failing).await, "none");
}

#[tokio::test]
async fn repeating_what_went_through_changes_nothing() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/202", app.url), "s").await;
    let install = market.act(id, json!({"action": "install"})).await[0]["id"].clone();
    market.act(id, json!({"action": "enable"})).await;
    let again = market.post(&format!("/api/deliveries/{install}/repeat"), json!({"copies": 2})).await;
    let again = again.body.as_array().unwrap().clone();
    assert_eq!(again.len(), 2);
    assert!(again.iter().all(|delivery| delivery["effect"] == "none" && delivery["repeats"] == install));
    assert_eq!(app.got()[0].body, app.last().body);
    assert_eq!(market.status(id).await, "enabled");
}

#[tokio::test]
async fn a_blocked_action_goes_through_when_its_repeat_is_acknowledged_unless_it_was_overtaken() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/flaky", app.url), "s").await;
    let blocked = market.act(id, json!({"action": "install"})).await[0].clone();
    assert_eq!((&blocked["effect"], market.status(id).await.as_str()), (&json!("blocked"), "none"));
    let path = format!("/api/deliveries/{}/repeat", blocked["id"]);
    let again = market.post(&path, json!({})).await;
    assert_eq!((&again.body[0]["effect"], &again.body[0]["body"]), (&json!("applied"), &blocked["body"]));
    assert_eq!(market.status(id).await, "installed");

    market.act(id, json!({"action": "uninstall"})).await;
    let overtaken = market.post(&path, json!({})).await;
    assert_eq!(
        (&overtaken.body[0]["state"], &overtaken.body[0]["effect"]),
        (&json!("acknowledged"), &json!("none"))
    );
    assert_eq!(market.status(id).await, "uninstalled");
}

#[tokio::test]
async fn a_held_request_arrives_late_as_it_was_signed_and_moves_nothing() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/202", app.url), "s").await;
    market.act(id, json!({"action": "install"})).await;
    market.act(id, json!({"action": "enable"})).await;
    let held = market.act(id, json!({"action": "uninstall", "delivery": "held"})).await[0].clone();
    assert_eq!((&held["state"], &held["effect"]), (&json!("held"), &json!("blocked")));
    assert_eq!(app.got().len(), 2, "nothing was sent");
    assert_eq!(market.status(id).await, "enabled");
    // The administrator tries again, and installs again; then the old request arrives.
    market.act(id, json!({"action": "uninstall"})).await;
    market.act(id, json!({"action": "install"})).await;
    let sent = market.post(&format!("/api/deliveries/{}/send", held["id"]), json!({})).await;
    assert_eq!((sent.status, &sent.body["state"]), (200, &json!("acknowledged")), "{sent:?}");
    assert!(sent.body["verdict"].as_str().unwrap().contains("arrived late"), "{sent:?}");
    assert_eq!(app.last().body, held["body"].as_str().unwrap().as_bytes());
    let signature = held["headers"][1]["value"].as_str().unwrap();
    assert_eq!(app.last().headers["x-seismic-signature"], signature);
    assert_eq!(market.status(id).await, "installed");
    let twice = market.post(&format!("/api/deliveries/{}/send", held["id"]), json!({})).await;
    assert_eq!((twice.status, &twice.body["code"]), (409, &json!("not-held")));
}
