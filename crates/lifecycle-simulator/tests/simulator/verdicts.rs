//! A verdict belongs to its click: whatever else is on its way, and however often the button is pressed.

use serde_json::json;

use crate::support::Market;
use crate::support::app::App;
use crate::support::between;

/// Where a form leads to.
async fn led_to(market: &Market, path: &str, fields: &[(&str, &str)]) -> String {
    let answer = market.form(path, fields).await;
    assert_eq!(answer.status(), 303, "{path}");
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// The verdict of a page.
async fn verdict(market: &Market, path: &str) -> String {
    between(&market.page(path).await, "<p class=\"label\">", "<")
}

#[tokio::test]
async fn two_overlapping_clicks_each_see_their_own_verdict() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/gate", app.url), "s").await;
    let slow = led_to(&market, &format!("/apps/{id}/tenants/1"), &[("action", "install")]).await;
    app.arrival().await;
    let change = json!({"url": format!("{}/202", app.url)}).to_string();
    market.send(reqwest::Method::PATCH, &format!("/api/apps/{id}"), change).await;
    let quick = led_to(&market, &format!("/apps/{id}/tenants/2"), &[("action", "install")]).await;
    assert_ne!(slow, quick);
    assert_eq!(verdict(&market, &quick).await, "Went through");
    assert_eq!(verdict(&market, &slow).await, "Waiting for the app");
    app.open_gate(500);
    // The API waits where the page does not.
    let number = slow.rsplit('=').next().unwrap();
    while market.get(&format!("/api/deliveries/{number}")).await["state"] == "sending" {
        tokio::task::yield_now().await;
    }
    let page = market.page(&slow).await;
    assert_eq!(verdict(&market, &slow).await, "BLOCKED");
    assert!(page.contains("Newer: <a href=\"/apps/1?click=2\">Went through</a>"), "{page}");
    assert!(page.contains("<title>BLOCKED: Install for Acme · Test app"), "the title carries the verdict");
    assert_eq!(verdict(&market, &quick).await, "Went through");
}

#[tokio::test]
async fn a_page_comes_back_by_itself_while_something_is_on_its_way_and_not_after() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/gate", app.url), "s").await;
    let refresh = async |path: &str| {
        let answer = market.client.get(format!("{}{path}", market.url)).send().await.unwrap();
        answer.headers().get("refresh").is_some_and(|value| value == "1")
    };
    assert!(!refresh("/apps/1").await);
    let click = led_to(&market, &format!("/apps/{id}/tenants/1"), &[("action", "install")]).await;
    app.arrival().await;
    for path in [click.as_str(), "/apps/1", "/deliveries/1", "/"] {
        assert!(refresh(path).await, "{path}");
    }
    let page = market.page("/apps/1").await;
    assert!(page.contains("disabled>Install</button>"), "one action at a time: {page}");
    app.open_gate(202);
    while market.get("/api/deliveries/1").await["state"] == "sending" {
        tokio::task::yield_now().await;
    }
    for path in [click.as_str(), "/apps/1", "/deliveries/1", "/"] {
        assert!(!refresh(path).await, "{path}");
    }
}

#[tokio::test]
async fn a_double_click_sends_one_delivery() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/202", app.url), "s").await;
    let path = format!("/apps/{id}/tenants/1");
    let fields = [("action", "install"), ("page", "the-same-page")];
    let (first, second) = tokio::join!(led_to(&market, &path, &fields), led_to(&market, &path, &fields));
    assert_eq!(first, second);
    assert_eq!(verdict(&market, &first).await, "Went through");
    assert_eq!(led_to(&market, &path, &fields).await, first, "also when the app has answered already");
    assert_eq!(app.got().len(), 1);
    let other = led_to(&market, &path, &[("action", "enable"), ("page", "the-same-page")]).await;
    assert_ne!(other, first);
}

#[tokio::test]
async fn what_is_on_its_way_is_shown_to_whoever_clicks_something_else() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/gate", app.url), "s").await;
    let path = format!("/apps/{id}/tenants/1");
    let first = led_to(&market, &path, &[("action", "install")]).await;
    app.arrival().await;
    let second = led_to(&market, &path, &[("action", "uninstall")]).await;
    assert_eq!(second, format!("{first}&done=busy"));
    assert!(market.page(&second).await.contains("Nothing else was sent."));
    app.open_gate(202);
}

#[tokio::test]
async fn an_attempt_to_fool_an_app_is_waited_for_like_any_click() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/gate", app.url), "s").await;
    let click = led_to(&market, &format!("/apps/{id}/tenants/1/forge"), &[("forgery", "unsigned")]).await;
    app.arrival().await;
    let answer = market.client.get(format!("{}{click}", market.url)).send().await.unwrap();
    assert_eq!(answer.headers()["refresh"], "1", "the page comes back by itself");
    assert_eq!(verdict(&market, &click).await, "Waiting for the app");
    app.open_gate(401);
    while market.get("/api/deliveries/1").await["state"] == "sending" {
        tokio::task::yield_now().await;
    }
    assert_eq!(verdict(&market, &click).await, "Refused, as it has to be");
}

#[tokio::test]
async fn each_cause_comes_with_what_to_do() {
    let (market, app) = (Market::start().await, App::start().await);
    for (path, remedy, tool) in [
        (
            "401",
            "The app refused without saying why. Most often its signing secret differs.",
            "Use it and send again",
        ),
        ("404", "Is this the callback", "Change the URL"),
        ("405", "does not take POST", "Change the URL"),
        ("200", "Answer 202; an empty body will do.", "Send again"),
        ("redirect", "It leads to /202.", "Change the URL"),
        ("500", "The app failed.", "Send again"),
    ] {
        let id = market.register(&format!("{}/{path}", app.url), "s").await;
        let click = led_to(&market, &format!("/apps/{id}/tenants/1"), &[("action", "install")]).await;
        let page = market.page(&click).await;
        assert!(page.contains(remedy) && page.contains(tool), "{path}: {page}");
    }
}
