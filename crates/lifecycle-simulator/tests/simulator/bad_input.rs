//! Bad input gets one clear line, and changes nothing.

use lifecycle_simulator::{Error, Simulator, StartingApp};
use serde_json::{Value, json};

use crate::support::app::nobody;
use crate::support::{Market, options};

#[tokio::test]
async fn an_app_that_cannot_be_registered_is_told_everything_at_once() {
    let market = Market::start().await;
    let good = "http://127.0.0.1:1/x";
    let all = json!({"platform": "seismic", "name": " ", "url": "http://app.example/", "version": "1"});
    let answer = market.post("/api/apps", all).await;
    let detail = answer.body["detail"].as_str().unwrap();
    assert_eq!((answer.status, detail.lines().count()), (422, 3), "{detail}");
    for (field, value, line) in [
        ("name", json!(""), "the app's name is missing"),
        ("name", json!("x".repeat(101)), "the app's name is longer than 100 characters"),
        ("name", json!("a\u{0}b"), "the app's name holds a control character"),
        ("url", Value::Null, "the callback URL is missing"),
        ("url", json!("app.example"), "the callback URL is not a URL such as https://app.example/seismic"),
        (
            "url",
            json!("http://10.0.0.1/"),
            "the callback URL must use https (http only for a loopback host such as 127.0.0.1)",
        ),
        ("version", json!("1.2"), "the version must be three numbers such as 1.2.0"),
        ("signing_secret", json!("  "), "the signing secret is blank"),
        ("signing_secret", json!("s".repeat(1025)), "the signing secret is longer than 1024 bytes"),
        (
            "signing_secret",
            json!("s3cr3t\n"),
            "the secret begins or ends with a line break or a blank, with which no platform shows one; take it off where it is set (`printf %s` writes a file without one)",
        ),
        ("app_id", json!("a\nb"), "the app id must be at most 128 bytes, without control characters"),
    ] {
        let mut app = json!({"platform": "seismic", "name": "x", "url": good});
        app[field] = value;
        let answer = market.post("/api/apps", app).await;
        assert_eq!(answer.status, 422, "{field}: {answer:?}");
        assert_eq!(answer.body["detail"].as_str().unwrap().lines().next(), Some(line));
    }
    assert_eq!(market.get("/api/apps").await, json!([]), "nothing was registered");
}

#[tokio::test]
async fn a_malformed_request_is_one_line_that_repeats_no_value() {
    let market = Market::start().await;
    let app = market.register("http://127.0.0.1:1/x", "s").await;
    let actions = format!("/api/apps/{app}/actions");
    let rotation = format!("/api/apps/{app}/rotation");
    for (path, body, status, code) in [
        ("/api/apps", "", 400, "malformed"),
        ("/api/apps", "{", 400, "malformed"),
        ("/api/apps", "[]", 400, "malformed"),
        ("/api/apps", r#"{"platform":"hunter2"}"#, 400, "malformed"),
        ("/api/apps", r#"{"platform":"seismic","name":"x","signing_secret":["hunter2"]}"#, 400, "malformed"),
        ("/api/apps", r#"{"platform":"seismic","nam":"hunter2"}"#, 400, "malformed"),
        ("/api/tenants", r#"{"platform":"seismic","name":""}"#, 422, "name"),
        ("/api/tenants", r#"{"platform":"seismic","name":"Acme"}"#, 409, "tenant-exists"),
        (actions.as_str(), r#"{"tenant":1,"action":"suspend"}"#, 422, "action"),
        (actions.as_str(), r#"{"tenant":99,"action":"install"}"#, 404, "not-found"),
        (actions.as_str(), r#"{"tenant":3,"action":"install"}"#, 422, "tenant"),
        (actions.as_str(), r#"{"tenant":1,"action":"install","version":"new"}"#, 422, "version"),
        (actions.as_str(), r#"{"tenant":1,"action":"install","delivery":"often"}"#, 400, "malformed"),
        (rotation.as_str(), r#"{"window_minutes":10081}"#, 422, "window"),
        (rotation.as_str(), r#"{"window_minutes":-1}"#, 400, "malformed"),
        (rotation.as_str(), r#"{"signing_secret":" "}"#, 422, "secret"),
        ("/api/apps/99/actions", r#"{"tenant":1,"action":"install"}"#, 404, "not-found"),
        ("/api/apps/x/actions", r#"{"tenant":1,"action":"install"}"#, 404, "not-found"),
        ("/api/deliveries/99/repeat", "{}", 404, "not-found"),
        ("/api/deliveries/99/send", "", 404, "not-found"),
        ("/api/installations/99/actions", r#"{"action":"x"}"#, 404, "not-found"),
        ("/api/nothing", "", 404, "not-found"),
    ] {
        let answer = market.send(reqwest::Method::POST, path, body.to_owned()).await;
        assert_eq!((answer.status, &answer.body["code"]), (status, &json!(code)), "{path} {body} {answer:?}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.lines().count() == 1 && !detail.contains("hunter2"), "{path} {body}: {detail}");
    }
    let wrong = market.send(reqwest::Method::PUT, "/api/apps", String::new()).await;
    assert_eq!((wrong.status, &wrong.body["code"]), (405, &json!("method-not-allowed")));
    let large = market.send(reqwest::Method::POST, "/api/apps", " ".repeat(70_000)).await;
    assert_eq!(large.status, 400);
}

#[tokio::test]
async fn an_upgrade_goes_to_a_newer_version_only() {
    let market = Market::start().await;
    let app = crate::support::app::App::start().await;
    let id = market.register(&format!("{}/202", app.url), "s").await;
    market.act(id, json!({"action": "install", "version": "1.2.0"})).await;
    for version in ["1.2.0", "1.1.9", "0.9.9", "", "2", "two"] {
        let action = json!({"tenant": 1, "action": "upgrade", "version": version});
        let answer = market.post(&format!("/api/apps/{id}/actions"), action).await;
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!("version")), "{version}");
    }
    market.act(id, json!({"action": "upgrade", "version": "1.10.0"})).await;
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("simulator.db");
    std::fs::write(&path, "this is a text, and longer than the header of a database: ".repeat(20)).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Simulator::open(options(&folder)).await.unwrap_err();
    assert!(matches!(error, Error::ForeignDatabase(_)), "{error}");
    assert_eq!(error.to_string().lines().count(), 1);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert!(!folder.path().join("simulator.db.key").exists(), "no key for a file of somebody else");

    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let error = Simulator::open(options(&folder)).await.unwrap_err();
    assert!(matches!(error, Error::Database { .. }), "{error}");
}

#[tokio::test]
async fn a_database_is_opened_with_its_own_key_and_by_one_simulator() {
    let market = Market::start().await;
    let error = Simulator::open(options(&market.folder)).await.unwrap_err();
    assert!(matches!(error, Error::InUse(_)), "{error}");
    let folder = market.stop().await;
    let key = folder.path().join("simulator.db.key");
    let own = std::fs::read(&key).unwrap();
    std::fs::write(&key, "0123456789abcdef".repeat(4)).unwrap();
    let error = Simulator::open(options(&folder)).await.unwrap_err();
    assert!(matches!(error, Error::KeyWrong(_)), "{error}");
    std::fs::remove_file(&key).unwrap();
    let error = Simulator::open(options(&folder)).await.unwrap_err();
    assert!(matches!(error, Error::KeyMissing(_)), "{error}");
    assert!(!key.exists(), "a new key would lose the secrets");
    std::fs::write(&key, own).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    Simulator::open(options(&folder)).await.unwrap();
}

#[tokio::test]
async fn options_that_cannot_be_met_are_one_line() {
    let market = Market::start().await;
    let port: u16 = market.url.rsplit(':').next().unwrap().parse().unwrap();
    let mut taken = options(&tempfile::tempdir().unwrap());
    taken.port = port;
    let mut insecure = options(&tempfile::tempdir().unwrap());
    insecure.app = Some(StartingApp::new("http://app.example"));
    let mut unreachable = options(&tempfile::tempdir().unwrap());
    unreachable.manifest_url = Some(nobody().await);
    for (options, text) in [
        (taken, "choose another port"),
        (insecure, "the callback URL must use https"),
        (unreachable, "connection refused: is the app running at"),
    ] {
        let folder = options.database.parent().unwrap().to_owned();
        std::fs::create_dir_all(&folder).unwrap();
        let line = Simulator::open(options).await.unwrap_err().to_string();
        assert!(line.contains(text) && line.lines().count() == 1, "{line}");
        let _ = std::fs::remove_dir_all(folder);
    }
}
