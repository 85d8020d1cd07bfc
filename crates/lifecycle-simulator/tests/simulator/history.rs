//! The history of deliveries: counted, filtered, searched and turned page by page.

use rusqlite::params;
use serde_json::{Value, json};

use crate::support::Market;
use crate::support::app::App;

#[tokio::test]
async fn five_thousand_deliveries_are_counted_and_turned_page_by_page() {
    let market = Market::start().await;
    market.register("http://127.0.0.1:1/x", "s").await;
    let folder = market.stop().await;
    let database = rusqlite::Connection::open(folder.path().join("simulator.db")).unwrap();
    let sql = "INSERT INTO delivery (app, tenant, event, url, headers, body, batch, role, created_at, state, effect)
        WITH RECURSIVE row (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM row WHERE n < 5000)
        SELECT 1, 1 + n % 2, 'install', 'http://127.0.0.1:1/x', '[]', '{\"n\":' || n || '}', n, 'action', ?1,
            iif(n % 10, 'acknowledged', 'failed'), iif(n % 10, 'applied', 'blocked') FROM row";
    database.execute(sql, params![1_790_000_000_000_i64]).unwrap();
    drop(database);
    let market = Market::start_in(folder).await;
    let page = market.page("/apps/1").await;
    for count in ["5000 in all", "500 blocked", "4500 acknowledged"] {
        assert!(page.contains(count), "{count}");
    }
    assert_eq!(page.matches("class=\"what\"").count(), 50);
    assert!(page.len() < 100_000, "it does not grow with the history: {} bytes", page.len());
    assert!(page.contains("/apps/1?before=4951#deliveries\">Older</a>") && !page.contains(">Newest</a>"));
    let older = market.page("/apps/1?before=4951").await;
    assert!(older.contains("#4950 ·") && older.contains(">Newest</a>") && !older.contains("#4951 ·"));
    let blocked = market.page("/apps/1?state=blocked&tenant=1").await;
    assert!(blocked.contains("#5000 ·") && !blocked.contains("#4999 ·") && blocked.contains("2500 in all"));
    let found = market.get("/api/deliveries?q=%22n%22:4321%7D").await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    let found = market.page("/apps/1?q=%22n%22:4321%7D").await;
    assert!(found.contains("1 in all") && found.contains("#4321 ·"), "{found}");
    let latest = market.get("/api/deliveries?state=blocked&before=100&limit=3").await;
    let ids: Vec<&Value> = latest.as_array().unwrap().iter().map(|delivery| &delivery["id"]).collect();
    assert_eq!(ids, [&json!(90), &json!(80), &json!(70)]);
    // The next one brings them down to what is kept.
    market.act(1, json!({"action": "install"})).await;
    let page = market.page("/apps/1").await;
    assert!(page.contains("2000 in all") && page.contains("The latest 2000 are kept."), "{page}");
    assert_eq!(market.get("/api/deliveries?before=3002").await, json!([]), "the oldest are gone");
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_hides_nothing() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/202", app.url), "s").await;
    market.act(id, json!({"action": "install"})).await;
    let page = market.page(&format!("/apps/{id}?state=odd&tenant=x&before=y&event=&q=")).await;
    assert!(page.contains("1 in all") && page.contains("#1 ·"));
    let none = market.page(&format!("/apps/{id}?q=nowhere")).await;
    assert!(none.contains("0 in all") && none.contains("None yet.") && none.contains("Show all"), "{none}");
}

#[tokio::test]
async fn a_delivery_can_be_copied_as_bytes_and_as_a_command() {
    let (market, app) = (Market::start().await, App::start().await);
    let id = market.register(&format!("{}/202", app.url), "s").await;
    market.act(id, json!({"action": "install"})).await;
    let raw = market.client.get(format!("{}/deliveries/1/body", market.url)).send().await.unwrap();
    assert_eq!(raw.bytes().await.unwrap(), app.last().body);
    let page = market.page("/deliveries/1").await;
    assert!(page.contains("curl -i -X POST http:") && page.contains("x-seismic-signature: "), "{page}");
    assert!(page.contains("202 Accepted") && page.contains("<summary>Pretty</summary>"));
}
