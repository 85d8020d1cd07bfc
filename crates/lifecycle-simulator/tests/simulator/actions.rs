//! An administrator acts on an app that answers as it should.

use lifecycle_core::{Secret, seismic};
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::example::{Example, SECRET};
use crate::support::{Market, told_by};

#[tokio::test]
async fn the_example_app_is_installed_enabled_upgraded_disabled_and_uninstalled() {
    let market = Market::start().await;
    let example = Example::start(&market.url);
    let urls: Value = ["install", "enable", "upgrade", "disable", "uninstall"]
        .map(|kind| (kind.to_owned(), json!(format!("{}/seismic/{kind}", example.url))))
        .into_iter()
        .collect::<serde_json::Map<_, _>>()
        .into();
    let new = json!({"platform": "seismic", "name": "Example", "urls": urls, "signing_secret": SECRET});
    let app = market.post("/api/apps", new).await.body["id"].as_i64().unwrap();
    for (action, status, version) in [
        (json!({"action": "install"}), "installed", "1.0.0"),
        (json!({"action": "enable"}), "enabled", "1.0.0"),
        (json!({"action": "upgrade", "version": "1.2.0"}), "enabled", "1.2.0"),
        (json!({"action": "disable"}), "disabled", "1.2.0"),
        (json!({"action": "uninstall"}), "uninstalled", "1.2.0"),
        (json!({"action": "install"}), "installed", "1.0.0"),
    ] {
        let deliveries = market.act(app, action.clone()).await;
        assert_eq!(deliveries[0]["effect"], "applied", "{deliveries}");
        let verdict = deliveries[0]["verdict"].as_str().unwrap();
        assert!(verdict.starts_with("Went through: "), "{verdict}");
        let installation = &market.get(&format!("/api/apps/{app}/installations")).await[0];
        assert_eq!((&installation["status"], &installation["version"]), (&json!(status), &json!(version)));
    }
    let installations = format!("{}/installations", example.url);
    let seen = told_by(&installations, |seen| seen[0]["generation"] == 2).await;
    assert_eq!((&seen[0]["status"], &seen[0]["version"]), (&json!("installed"), &json!("1.0.0")), "{seen}");
}

#[tokio::test]
async fn a_callback_is_what_the_platform_documents() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/202", app.url), "hunter2-hunter2").await;
    market.act(id, json!({"action": "install"})).await;
    let got = app.last();
    let signature = got.headers[seismic::SIGNATURE].to_str().unwrap();
    let secret = Secret::new("hunter2-hunter2").unwrap();
    assert_eq!(signature, seismic::SCHEME.sign(&secret, &[], &got.body), "over the raw body");
    assert!(!got.headers.contains_key(seismic::SIGNATURE_OLD));
    let callback: seismic::Callback = serde_json::from_slice(&got.body).unwrap();
    let tenants = market.get("/api/tenants").await;
    assert_eq!(callback.kind, "install");
    assert_eq!(callback.tenant.as_deref(), Some("Acme"));
    assert_eq!(callback.tenant_id.as_deref(), tenants[0]["tenant_id"].as_str());
    assert_eq!(callback.user_email.as_deref(), Some("admin@acme.example"));
    assert_eq!(callback.version.as_deref(), Some("1.0.0"));
    assert!(callback.prior_version.is_none() && callback.unknown.is_empty());
    assert!(callback.request_id.is_some() && callback.app_id.is_some() && callback.app_name.is_some());

    market.act(id, json!({"action": "upgrade", "version": "1.10.0"})).await;
    let upgrade: seismic::Callback = serde_json::from_slice(&app.last().body).unwrap();
    assert_eq!(
        (upgrade.version.as_deref(), upgrade.prior_version.as_deref()),
        (Some("1.10.0"), Some("1.0.0"))
    );
    assert_ne!(upgrade.request_id, callback.request_id);
}

#[tokio::test]
async fn an_action_that_the_state_does_not_allow_is_refused_and_nothing_is_sent() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/202", app.url), "s").await;
    for (actions, refused) in [
        (&[][..], "enable"),
        (&[], "disable"),
        (&[], "uninstall"),
        (&["install"], "install"),
        (&[], "disable"),
        (&["enable"], "enable"),
        (&["disable", "uninstall"], "enable"),
    ] {
        for action in actions {
            market.act(id, json!({"action": action})).await;
        }
        let before = app.got().len();
        let path = format!("/api/apps/{id}/actions");
        let answer = market.post(&path, json!({"tenant": 1, "action": refused})).await;
        assert_eq!((answer.status, &answer.body["code"]), (409, &json!("not-allowed")), "{refused}");
        assert_eq!(app.got().len(), before, "{refused}");
    }
}

#[tokio::test]
async fn tenants_are_apart() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/202", app.url), "s").await;
    market.act(id, json!({"action": "install"})).await;
    let added = market.post("/api/tenants", json!({"platform": "seismic", "name": "Initech"})).await;
    assert_eq!(added.status, 201);
    let initech = added.body["id"].clone();
    let answer =
        market.post(&format!("/api/apps/{id}/actions"), json!({"tenant": initech, "action": "enable"})).await;
    assert_eq!(answer.status, 409, "it is installed in Acme only");
    let deliveries = market.act(id, json!({"tenant": initech, "action": "install"})).await;
    assert_eq!(deliveries[0]["effect"], "applied");
}

#[tokio::test]
async fn one_action_at_a_time_waits_for_its_answer() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/slow", app.url), "s").await;
    let path = format!("/api/apps/{id}/actions");
    let install = json!({"tenant": 1, "action": "install"});
    let first = market.post(&path, install.clone());
    let second = async {
        app.arrival().await;
        market.post(&path, install.clone()).await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((second.status, &second.body["code"]), (409, &json!("busy")));
    assert_eq!(first.status, 200);
    assert_eq!(app.got().len(), 1);
}
