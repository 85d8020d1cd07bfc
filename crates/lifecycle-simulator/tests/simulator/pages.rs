//! Pages by themselves: forms, redirects, escaping, and secrets that are shown once. Clicks are in the browser's tests.

use serde_json::json;

use crate::support::app::App;
use crate::support::{Market, between};

#[tokio::test]
async fn a_secret_that_is_made_is_shown_once() {
    let market = Market::start().await;
    let fields = [("name", "My app"), ("url", "http://127.0.0.1:1/x"), ("signing_secret", "")];
    let answer = market.form("/register?platform=seismic", &fields).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (303, &"/apps/1/secret".parse().unwrap())
    );
    let secret = between(&market.page("/apps/1/secret").await, "id=\"secret\">", "<");
    assert_eq!(secret.len(), 64);
    assert_eq!(market.get("/api/apps").await.as_array().unwrap().len(), 1);
    for path in ["/apps/1/secret", "/", "/apps/1", "/register"] {
        assert!(!market.page(path).await.contains(&secret), "{path}");
    }
}

#[tokio::test]
async fn a_secret_that_is_typed_is_never_shown() {
    let market = Market::start().await;
    let fields = [("name", "My app"), ("url", "http://127.0.0.1:1/x"), ("signing_secret", "hunter2-hunter2")];
    let answer = market.form("/register?platform=seismic", &fields).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "/apps/1?done=saved");
    for path in ["/", "/apps/1"] {
        assert!(!market.page(path).await.contains("hunter2"), "{path}");
    }
}

#[tokio::test]
async fn what_people_and_apps_say_is_escaped_everywhere() {
    let (market, app) = (Market::start().await, App::start().await);
    let evil = "<script>alert('x')</script>\"'&";
    let new = json!({"platform": "seismic", "name": evil, "url": format!("{}/echo", app.url), "app_id": evil, "signing_secret": "s"});
    assert_eq!(market.post("/api/apps", new).await.status, 201);
    let tenant = market.post("/api/tenants", json!({"platform": "seismic", "name": evil})).await.body;
    let delivery = market.act(1, json!({"tenant": tenant["id"], "action": "install"})).await[0]["id"].clone();
    for path in ["/".to_owned(), "/apps/1".to_owned(), format!("/deliveries/{delivery}")] {
        let page = market.page(&path).await;
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{path}");
        assert!(!page.contains("value=\"<") && !page.contains("\"'&\""), "{path}");
    }
}

#[tokio::test]
async fn an_app_is_changed_and_removed_by_forms() {
    let market = Market::start().await;
    market.register("http://127.0.0.1:1/x", "s").await;
    let fields = ["url:install", "url:enable", "url:upgrade", "url:disable", "url:uninstall"]
        .map(|url| (url, "https://app.example/y"));
    let mut form = vec![("name", "Renamed"), ("version", "2.0.0")];
    form.extend(fields);
    assert_eq!(market.form("/apps/1", &form).await.status(), 303);
    let app = market.get("/api/apps/1").await;
    assert_eq!((&app["name"], &app["version"]), (&json!("Renamed"), &json!("2.0.0")));
    assert_eq!(app["urls"]["disable"], "https://app.example/y");
    assert_eq!(market.form("/apps/1/remove", &[]).await.status(), 422, "the box is not ticked");
    assert_eq!(market.form("/apps/1/remove", &[("sure", "yes")]).await.status(), 303);
    assert_eq!(market.get("/api/apps").await, json!([]));
}

#[tokio::test]
async fn the_install_button_may_lead_to_the_apps_own_page_and_nowhere_else() {
    let (market, app) = (Market::start().await, App::start().await);
    app.set_manifest(json!({"name": "A", "namespace": "a_b", "install_url": "/install"}));
    let url = format!("{}/manifest.json", app.url);
    market.post("/api/apps", json!({"platform": "securityscorecard", "manifest_url": url})).await;
    let answer = market.client.get(format!("{}/apps/1", market.url)).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with(&format!("form-action 'self' {}", app.url)), "{policy}");
    let answer = market.form("/apps/1/tenants/3", &[("action", "install")]).await;
    let location = answer.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(&format!("{}/install?installation=ins_", app.url)), "{location}");
}
