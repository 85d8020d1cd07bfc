//! SecurityScorecard: manifest, hook, installation page, secrets, actions.

use serde_json::{Value, json};

use crate::support::app::{App, nobody};
use crate::support::example::Example;
use crate::support::{Answer, Market};

/// The first user; tenants 1 and 2 are of Seismic.
const USER: i64 = 3;

fn manifest() -> Value {
    json!({
        "name": "Acme Notifier",
        "namespace": "acme_notifier",
        "hook_url": "200",
        "install_url": "/install?theme=dark",
        "secrets": [
            {"key": "ACCESS_TOKEN", "description": "a token", "value_required": true},
            {"key": "CHANNEL", "description": "a channel", "value_required": false},
        ],
        "actions": [{"id": "notify", "name": "Notify", "url": "echo", "settings_url": "204"}],
    })
}

/// A market with an app whose manifest is served by `App`.
async fn registered(manifest: Value) -> (Market, App, i64) {
    let (market, app) = (Market::start().await, App::start().await);
    app.set_manifest(manifest);
    let answer = register(&market, &format!("{}/manifest.json", app.url)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let id = answer.body["id"].as_i64().unwrap();
    (market, app, id)
}

async fn register(market: &Market, manifest_url: &str) -> Answer {
    market.post("/api/apps", json!({"platform": "securityscorecard", "manifest_url": manifest_url})).await
}

async fn install(market: &Market, app: i64) -> Value {
    let answer =
        market.post(&format!("/api/apps/{app}/actions"), json!({"tenant": USER, "action": "install"})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

fn token(installed: &Value) -> String {
    let redirect = installed["redirect"].as_str().unwrap();
    redirect.rsplit("installation=").next().unwrap().to_owned()
}

async fn hand_in(market: &Market, token: &str, secrets: Value) -> Answer {
    let body = json!({"installation": token, "secrets": secrets}).to_string();
    let request = market.client.post(format!("{}/apps/installation-data", market.url)).body(body);
    let request = request.header("content-type", "application/json").header("authorization", "Token any");
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    Answer { status, body: serde_json::from_str(&answer.text().await.unwrap()).unwrap() }
}

#[tokio::test]
async fn the_example_app_is_installed_through_its_page_and_acts() {
    let market = Market::start().await;
    let example = Example::start(&market.url);
    let app = register(&market, &example.manifest_url()).await;
    let id = app.body["id"].as_i64().unwrap();
    let installed = install(&market, id).await;
    assert_eq!(installed["deliveries"][0]["state"], "acknowledged", "the hook: {installed}");
    assert_eq!(installed["installation"]["configuration"], "waiting");
    // The browser follows the redirect, and posts the form of the app's page.
    let redirect = installed["redirect"].as_str().unwrap();
    let page = market.client.get(redirect).send().await.unwrap().text().await.unwrap();
    assert!(page.contains(&format!("action=\"{}/apps/installation-data\"", market.url)), "{page}");
    let answer = market
        .client
        .post(format!("{}/apps/installation-data", market.url))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "null")
        .header("sec-fetch-site", "same-site")
        .body(format!("installation={}&ACCESS_TOKEN=s3cr3t&CHANNEL=", token(&installed)))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 303);
    let own_page = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(market.page(&own_page).await.contains("Complete"));
    let invoked = market.post(&format!("/api{own_page}/actions"), json!({"action": "notify_channel"})).await;
    assert_eq!((invoked.status, &invoked.body["answer"]["status"]), (200, &json!(200)), "{invoked:?}");
}

#[tokio::test]
async fn the_hook_is_what_the_platform_documents_and_its_failure_stops_nothing() {
    let (market, app, id) = registered(manifest()).await;
    install(&market, id).await;
    let body: Value = serde_json::from_slice(&app.last().body).unwrap();
    assert_eq!(body["event"]["type"], "app.installed");
    let payload = &body["event"]["payload"];
    assert_eq!(payload["user"]["username"], "jordan.lee@example.com");
    assert_eq!(payload["user"]["organizationDomain"], "example.com");
    assert!(payload["installed_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(payload["app"]["id"], market.get(&format!("/api/apps/{id}")).await["app_id"]);

    let mut failing = manifest();
    failing["hook_url"] = json!("500");
    let (market, _, id) = registered(failing).await;
    let installed = install(&market, id).await;
    assert_eq!(installed["deliveries"][0]["effect"], "none");
    assert!(
        installed["deliveries"][0]["verdict"]
            .as_str()
            .unwrap()
            .contains("It has happened, and SecurityScorecard sends it again")
    );
    assert!(installed["redirect"].as_str().unwrap().contains("/install?theme=dark&installation=ins_"));
}

#[tokio::test]
async fn an_action_carries_the_secrets_and_nothing_shows_them() {
    let (market, app, id) = registered(manifest()).await;
    let installed = install(&market, id).await;
    let secrets =
        json!([{"key": "ACCESS_TOKEN", "value": "s3cr3t-☃"}, {"key": "OTHER", "value": "not-declared"}]);
    let answer = hand_in(&market, &token(&installed), secrets).await;
    let installation = format!("/installations/{}", installed["installation"]["id"]);
    assert_eq!(
        (answer.status, &answer.body["next_url"]),
        (200, &json!(format!("{}{installation}", market.url)))
    );
    let complete = market.get(&format!("/api{installation}")).await;
    assert_eq!(complete["configuration"], "complete");
    assert_eq!(complete["stored_secrets"], json!(["ACCESS_TOKEN"]), "only what the manifest declares");

    let invoked = market
        .post(&format!("/api{installation}/actions"), json!({"action": "notify", "body": {"a": 1}}))
        .await;
    assert_eq!(invoked.body["state"], "acknowledged", "{invoked:?}");
    let got = app.last();
    let header = String::from_utf8(got.headers["x-ssc-app-secrets"].as_bytes().to_vec()).unwrap();
    assert_eq!(header, r#"{"ACCESS_TOKEN":"s3cr3t-☃"}"#);
    assert_eq!(got.headers["x-ssc-action"], "notify");
    assert_eq!(
        got.headers["x-ssc-app-id"],
        market.get(&format!("/api/apps/{id}")).await["app_id"].as_str().unwrap()
    );
    assert_eq!(&got.body[..], br#"{"a":1}"#);

    let delivery = invoked.body["id"].clone();
    let again = market.post(&format!("/api/deliveries/{delivery}/repeat"), json!({})).await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(
        app.last().headers["x-ssc-app-secrets"],
        got.headers["x-ssc-app-secrets"],
        "the repeat has them too"
    );

    let settings = json!({"action": "notify", "settings": true});
    market.post(&format!("/api{installation}/actions"), settings).await;
    assert_eq!(app.last().path, "204");

    let own_token = token(&installed);
    for path in
        [format!("/deliveries/{delivery}"), installation.clone(), format!("/apps/{id}"), "/".to_owned()]
    {
        let page = market.page(&path).await;
        assert!(!page.contains("s3cr3t") && !page.contains(&own_token), "{path}: {page}");
    }
    for path in
        ["/api/deliveries".to_owned(), format!("/api/apps/{id}/installations"), "/api/apps".to_owned()]
    {
        let json = market.get(&path).await.to_string();
        assert!(!json.contains("s3cr3t") && !json.contains(&own_token), "{path}: {json}");
    }
    let folder = market.stop().await;
    for file in ["simulator.db", "simulator.db-wal"] {
        let Ok(bytes) = std::fs::read(folder.path().join(file)) else { continue };
        assert!(!bytes.windows(6).any(|window| window == b"s3cr3t"), "{file}");
        assert!(!bytes.windows(own_token.len()).any(|window| window == own_token.as_bytes()), "{file}");
    }
}

#[tokio::test]
async fn an_installation_without_a_required_secret_waits_and_a_new_required_one_needs_a_re_install() {
    let (market, app, id) = registered(manifest()).await;
    let first = install(&market, id).await;
    let installation = format!("/api/installations/{}", first["installation"]["id"]);
    let action = json!({"action": "notify"});
    let refused = market.post(&format!("{installation}/actions"), action.clone()).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("incomplete")));
    let page = market.page(&format!("/apps/{id}")).await;
    assert_eq!(labels(&page), ["Not complete yet", "Acknowledged"], "the hook's answer does not hide that");
    hand_in(&market, &token(&first), json!([{"key": "ACCESS_TOKEN", "value": ""}])).await;
    let state = market.get(&installation).await;
    assert_eq!(state["configuration"], "reinstall-required", "an empty value is none: {state}");
    hand_in(&market, &token(&first), json!([{"key": "ACCESS_TOKEN", "value": "x"}])).await;
    assert_eq!(market.get(&installation).await["configuration"], "complete");

    let mut grown = manifest();
    grown["secrets"][1]["value_required"] = json!(true);
    app.set_manifest(grown);
    assert_eq!(market.post(&format!("/api/apps/{id}/manifest"), json!({})).await.status, 200);
    let state = market.get(&installation).await;
    assert_eq!(
        (&state["configuration"], &state["missing"]),
        (&json!("reinstall-required"), &json!(["CHANNEL"]))
    );
    assert!(market.page(&format!("/apps/{id}")).await.contains("re-install required"));
    assert_eq!(market.post(&format!("{installation}/actions"), action).await.status, 409);

    let second = install(&market, id).await;
    assert_ne!(token(&first), token(&second));
    let refused = hand_in(&market, &token(&first), json!([])).await;
    assert_eq!(refused.status, 404, "the id of the install before opens nothing any more");
    let both = json!([{"key": "ACCESS_TOKEN", "value": "x"}, {"key": "CHANNEL", "value": "y"}]);
    hand_in(&market, &token(&second), both).await;
    assert_eq!(market.get(&installation).await["configuration"], "complete");
    assert_eq!(labels(&market.page(&format!("/apps/{id}")).await), ["Acknowledged"]);

    let path = format!("/apps/{id}/tenants/{USER}");
    let led = market.form(&path, &[("action", "uninstall")]).await.headers()["location"].clone();
    let page = market.page(led.to_str().unwrap()).await;
    assert_eq!(labels(&page), ["Uninstalled"], "and not the verdict on the hook before");
    assert!(page.contains("Last delivery: <a href="), "{page}");
}

/// The verdicts of a page, from the top.
fn labels(page: &str) -> Vec<&str> {
    let shown = page.split("<p class=\"label\">").skip(1);
    shown.filter_map(|rest| Some(rest.split_once('<')?.0)).collect()
}

#[tokio::test]
async fn after_an_uninstall_nothing_is_left_to_use() {
    let (market, app, id) = registered(manifest()).await;
    let installed = install(&market, id).await;
    hand_in(&market, &token(&installed), json!([{"key": "ACCESS_TOKEN", "value": "x"}])).await;
    let calls = app.got().len();
    let path = format!("/api/apps/{id}/actions");
    let gone = market.post(&path, json!({"tenant": USER, "action": "uninstall"})).await;
    assert_eq!(gone.body["installation"]["stored_secrets"], json!([]), "{gone:?}");
    assert_eq!(app.got().len(), calls, "the platform tells the app nothing");
    assert_eq!(hand_in(&market, &token(&installed), json!([])).await.status, 404);
    let installation = format!("/api/installations/{}/actions", installed["installation"]["id"]);
    assert_eq!(market.post(&installation, json!({"action": "notify"})).await.status, 409);
    assert_eq!(market.post(&path, json!({"tenant": USER, "action": "uninstall"})).await.status, 409);
}

#[tokio::test]
async fn every_problem_of_a_manifest_is_shown() {
    let (market, app) = (Market::start().await, App::start().await);
    let url = format!("{}/manifest.json", app.url);
    app.set_manifest(json!({
        "name": "", "namespace": "Not Snake", "hook_url": "http://app.example/hook",
        "secrets": [{"key": "A-B"}, {"key": "installation"}],
    }));
    let answer = register(&market, &url).await;
    assert_eq!((answer.status, &answer.body["code"]), (422, &json!("manifest")));
    let detail = answer.body["detail"].as_str().unwrap();
    for place in ["name: ", "namespace: ", "hook_url: must use https", "secrets[0].key: ", "secrets[1].key: "]
    {
        assert_eq!(detail.lines().filter(|line| line.starts_with(place)).count(), 1, "{place} in {detail}");
    }
    let page = market.form("/register?platform=securityscorecard", &[("manifest_url", &url)]).await;
    assert_eq!(page.status(), 422);
    let page = page.text().await.unwrap();
    assert_eq!(page.matches("<li>").count(), detail.lines().count(), "{page}");
}

#[tokio::test]
async fn a_manifest_that_cannot_be_had_is_one_clear_line() {
    let (market, app) = (Market::start().await, App::start().await);
    let url = format!("{}/manifest.json", app.url);
    for (manifest, text) in [
        (json!("not json"), "the manifest is not readable"),
        (json!("x".repeat(300_000)), "is larger than 256 KiB"),
        (json!("[1]"), "the manifest is not readable"),
    ] {
        app.set_manifest(manifest);
        let answer = register(&market, &url).await;
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(answer.status == 422 && detail.contains(text) && detail.lines().count() == 1, "{detail}");
    }
    for (url, text) in [
        (nobody().await, "connection refused: is the app running at"),
        (format!("{}/500", app.url), "answered 500"),
        (format!("{}/redirect", app.url), "answered 302"),
        ("http://app.example/manifest.json".to_owned(), "must use https"),
        ("nonsense".to_owned(), "is not a URL"),
    ] {
        let answer = register(&market, &url).await;
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(answer.status == 422 && detail.contains(text), "{url}: {detail}");
    }
}

#[tokio::test]
async fn a_manifest_in_the_old_spellings_is_read() {
    let (market, app) = (Market::start().await, App::start().await);
    let url = format!("{}/manifest.json", app.url);
    app.set_manifest(json!({
        "name": "Old", "namespace": "old_app", "description": "short", "long_description": "long",
        "developer": "Acme", "hook_url": "/hook", "displaySettings": {"logoUrl": "/logo.png"},
    }));
    let answer = register(&market, &url).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.body["manifest"]["description"]["long"], "long");
    assert_eq!(answer.body["manifest"]["display_settings"]["logo_url"], format!("{}/logo.png", app.url));
}

#[tokio::test]
async fn installation_data_that_cannot_be_used_is_refused_without_repeating_it() {
    let (market, _, id) = registered(manifest()).await;
    let installed = install(&market, id).await;
    let token = token(&installed);
    let form = "application/x-www-form-urlencoded";
    let json = "application/json";
    let twice = format!("installation={token}&ACCESS_TOKEN=s3cr3t&ACCESS_TOKEN=s3cr3t2");
    let large = format!("installation={token}&ACCESS_TOKEN={}", "s".repeat(70_000));
    let long = format!("installation={token}&ACCESS_TOKEN={}", "s".repeat(9_000));
    let not_text = format!(
        "{{\"installation\":\"{token}\",\"secrets\":[{{\"key\":\"ACCESS_TOKEN\",\"value\":[\"s3cr3t\"]}}]}}"
    );
    for (kind, body, status) in [
        (form, "ACCESS_TOKEN=s3cr3t", 400),
        (form, "installation=&ACCESS_TOKEN=s3cr3t", 400),
        (form, "installation=ins_unknown&ACCESS_TOKEN=s3cr3t", 404),
        (form, "installation=a&installation=b&ACCESS_TOKEN=s3cr3t", 400),
        (form, twice.as_str(), 422),
        (form, long.as_str(), 422),
        (form, large.as_str(), 413),
        ("text/plain", "installation=x", 415),
        (json, "{", 400),
        (json, not_text.as_str(), 400),
        (json, r#"{"secrets":[]}"#, 400),
        (json, r#"{"installation":"ins_unknown"}"#, 404),
    ] {
        let request =
            market.client.post(format!("{}/apps/installation-data", market.url)).body(body.to_owned());
        let request = request.header("content-type", kind).header("authorization", "Token x");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{kind} {body:.80}");
        let text = answer.text().await.unwrap();
        assert!(!text.contains("s3cr3t") && !text.contains(&token), "{text}");
    }
    let request = market.client.post(format!("{}/apps/installation-data", market.url));
    let answer = request.header("content-type", json).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 401, "JSON comes from a server with a token");
}
