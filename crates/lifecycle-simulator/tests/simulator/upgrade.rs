//! A database of an older simulator is brought up to date, with all that it holds.

use lifecycle_core::{Secret, seismic};
use serde_json::{Value, json};

use crate::support::Market;
use crate::support::app::App;

/// What the simulator of version 1 wrote, as text of SQL.
const VERSION_1: &str = include_str!("version_1.sql");

#[tokio::test]
async fn a_database_of_version_1_goes_on_where_it_was() {
    let app = App::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("simulator.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(&VERSION_1.replace("http://127.0.0.1:3000", &app.url)).unwrap();
    drop(old);
    let key = folder.path().join("simulator.db.key");
    std::fs::write(&key, "0f1e2d3c4b5a69788796a5b4c3d2e1f0".repeat(2)).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();

    let market = Market::start_in(folder).await;
    assert_eq!(market.status(1).await, "enabled");
    let page = market.page("/apps/1").await;
    for shown in ["Old app", "version 1.2.0", "admin@acme.example", "3 in all", "1 blocked", "held back"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let deliveries = market.get("/api/deliveries").await;
    let states: Vec<(&Value, &Value)> = deliveries
        .as_array()
        .unwrap()
        .iter()
        .map(|delivery| (&delivery["state"], &delivery["method"]))
        .collect();
    let expected = ["failed", "held", "failed", "acknowledged"].map(|state| (json!(state), json!("POST")));
    assert_eq!(states, expected.each_ref().map(|(state, method)| (state, method)));
    assert_eq!(deliveries[0]["cause"]["code"], "interrupted", "it was on its way");
    let refused = market.page("/deliveries/2").await;
    assert!(
        refused.contains("verifies with another signing secret")
            && !refused.contains("Use it and send again"),
        "it was signed then, and what it tells of was not kept: {refused}"
    );

    // A request that was held goes out as it was signed, and a new one by the secret that was sealed.
    market.post("/api/deliveries/3/send", json!({})).await;
    assert_eq!(app.last().headers[seismic::SIGNATURE], "cc");
    market.act(1, json!({"action": "disable"})).await;
    let signature = seismic::SCHEME.sign(&Secret::new("the-second-secret").unwrap(), &[], &app.last().body);
    assert_eq!(app.last().headers[seismic::SIGNATURE], signature);
    let invoked = market.post("/api/installations/3/actions", json!({"action": "notify"})).await;
    assert_eq!(invoked.body["state"], "acknowledged", "{invoked:?}");
    assert_eq!(app.last().headers["x-ssc-app-secrets"], r#"{"ACCESS_TOKEN":"s3cr3t-of-jordan"}"#);
    let attempt = json!({"tenant": 1, "forgery": "unsigned"});
    assert_eq!(market.post("/api/apps/1/forgeries", attempt).await.status, 200);
    assert_eq!(
        market.form("/tenants", &[("platform", "seismic"), ("name", "New"), ("app", "1")]).await.status(),
        303
    );

    let before = market.get("/api/deliveries").await;
    let market = Market::start_in(market.stop().await).await;
    assert_eq!(market.get("/api/deliveries").await, before, "it is brought up once");
}
