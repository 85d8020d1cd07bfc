//! Nobody but this machine's own pages and scripts can use the simulator.

use serde_json::json;

use crate::support::Market;

#[tokio::test]
async fn a_request_under_another_host_name_is_refused() {
    let market = Market::start().await;
    for path in ["/", "/api/apps", "/style.css", "/apps/installation-data"] {
        let request = market.client.get(format!("{}{path}", market.url)).header("host", "evil.example:4000");
        assert_eq!(request.send().await.unwrap().status(), 403, "{path}");
    }
    let port = market.url.rsplit(':').next().unwrap();
    let request =
        market.client.get(format!("{}/api/apps", market.url)).header("host", format!("localhost:{port}"));
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_page_of_another_origin_can_change_nothing() {
    let market = Market::start().await;
    let body = json!({"platform": "seismic", "name": "Evil"}).to_string();
    for (name, value) in [
        ("origin", "http://evil.example"),
        ("origin", "http://127.0.0.1:1"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let request = market.client.post(format!("{}/api/tenants", market.url)).body(body.clone());
        assert_eq!(request.header(name, value).send().await.unwrap().status(), 403, "{name}: {value}");
    }
    let own = market.client.post(format!("{}/api/tenants", market.url)).body(body.clone());
    let own = own.header("origin", market.url.as_str()).header("sec-fetch-site", "same-origin");
    assert_eq!(own.send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn a_form_without_the_token_of_this_run_is_refused() {
    let market = Market::start().await;
    for token in ["", "token=", "token=00000000000000000000000000000000"] {
        let request = market.client.post(format!("{}/tenants", market.url));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(format!("{token}&platform=seismic&name=Evil")).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{token}");
    }
    assert!(!market.get("/api/tenants").await.to_string().contains("Evil"));
    market.register("http://127.0.0.1:1/x", "s").await;
    let answer = market.form("/tenants", &[("platform", "seismic"), ("name", "Good"), ("app", "1")]).await;
    assert_eq!(answer.status(), 303);
}

#[tokio::test]
async fn every_answer_keeps_its_page_to_itself() {
    let market = Market::start().await;
    for path in ["/", "/register", "/style.css", "/nothing", "/api/apps"] {
        let answer = market.client.get(format!("{}{path}", market.url)).send().await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(
            !policy.replace("script-src 'self';", "").contains("script-src")
                && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
    }
}
