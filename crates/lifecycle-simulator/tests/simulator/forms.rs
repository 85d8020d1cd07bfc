//! A form that cannot be taken comes back on its page, filled as it was sent, with what is wrong; and never with a secret.

use serde_json::json;

use crate::support::app::App;
use crate::support::{Market, between};

/// A form that is refused: where it is sent, its fields, the status, what is said, and what stands in it again.
struct Refused {
    path: String,
    fields: Vec<(&'static str, &'static str)>,
    status: u16,
    said: &'static str,
    again: Vec<String>,
}

impl Refused {
    async fn comes_back(self, market: &Market) {
        let Self { path, fields, status, said, again } = self;
        let answer = market.form(&path, &fields).await;
        assert_eq!(answer.status(), status, "{path}");
        assert!(answer.headers().get("refresh").is_none(), "{path}: what was typed would be lost");
        let page = answer.text().await.unwrap().replace("&#x2f;", "/").replace("&#x27;", "'");
        assert!(page.contains("<title>Cannot be used: "), "{path}");
        let problem =
            between(&page, "<div class=\"problem\" role=\"alert\" tabindex=\"-1\" autofocus>", "</div>");
        assert!(problem.contains(said), "{path}: {problem}");
        assert_eq!(page.matches(" autofocus").count(), 1, "{path}: the focus begins at the problem");
        assert_eq!(page.matches("role=\"alert\"").count(), 1, "{path}");
        for filled in again {
            assert!(page.contains(&filled), "{path}: {filled} is not in {page}");
        }
        assert!(!page.contains("hunter2"), "{path}: a secret does not come back");
    }
}

/// A field with what stands in it.
fn field(id: &str, value: &str) -> String {
    format!("id=\"{id}\" name=\"{id}\" type=\"text\" value=\"{value}\"")
}

#[tokio::test]
async fn an_app_that_cannot_be_registered_comes_back_in_its_form() {
    let market = Market::start().await;
    for platform in lifecycle_testing::registry().iter().map(|sender| sender.platform().name()) {
        if platform == "securityscorecard" {
            continue;
        }
        let path = format!("/register?platform={platform}");
        let fields = vec![
            ("name", "My app"),
            ("url", "http://10.0.0.1/"),
            ("app_id", "my-id"),
            ("signing_secret", "hunter2"),
        ];
        let again = vec![
            field("name", "My app"),
            format!("{} spellcheck=\"false\" aria-invalid=\"true\"", field("url", "http://10.0.0.1/")),
            field("app_id", "my-id"),
        ];
        let said = "<a href=\"#url\">the callback URL must use https";
        Refused { path, fields, status: 422, said, again }.comes_back(&market).await;
    }
    let path = "/register?platform=securityscorecard".to_owned();
    let fields = vec![("manifest_url", "http://127.0.0.1:1/m")];
    let again = vec![field("manifest_url", "http://127.0.0.1:1/m")];
    Refused { path, fields, status: 422, said: "connection refused", again }.comes_back(&market).await;
    assert_eq!(market.get("/api/apps").await, json!([]), "nothing was registered");
}

#[tokio::test]
async fn each_form_of_an_apps_page_comes_back() {
    let (market, app) = (Market::start().await, App::start().await);
    market.register(&format!("{}/401", app.url), "s").await;
    market.act(1, json!({"action": "install"})).await;
    let change = json!({"url": format!("{}/202", app.url)}).to_string();
    market.send(reqwest::Method::PATCH, "/api/apps/1", change).await;
    market.act(1, json!({"tenant": 2, "action": "install"})).await;
    for refused in [
        Refused {
            path: "/apps/1".into(),
            fields: vec![("name", "New name"), ("url:install", "nonsense"), ("version", "2.0")],
            status: 422,
            said: "<a href=\"#url:install\">the install URL is not a URL",
            again: vec![
                field("name", "New name"),
                field("url:install", "nonsense"),
                field("version", "2.0"),
                "<details open><summary>Name, version and callback URLs".into(),
            ],
        },
        Refused {
            path: "/apps/1/rotation".into(),
            fields: vec![("window_minutes", "99999"), ("signing_secret", "hunter2-hunter2")],
            status: 422,
            said: "the window must be 0 to 10080 minutes",
            again: vec![
                "max=\"10080\" value=\"99999\"".into(),
                "<details open><summary>Rotate the secret".into(),
            ],
        },
        Refused {
            path: "/apps/1/rotation".into(),
            fields: vec![("window_minutes", "soon"), ("signing_secret", "")],
            status: 422,
            said: "the window must be a number of minutes",
            again: vec!["max=\"10080\" value=\"soon\"".into()],
        },
        Refused {
            path: "/apps/1/secret".into(),
            fields: vec![("signing_secret", " hunter2"), ("delivery", "1")],
            status: 422,
            said: "the secret begins or ends with a line break or a blank",
            again: vec!["Use it and send again".into(), "Install for <bdi>Acme</bdi>".into()],
        },
        Refused {
            path: "/apps/1/remove".into(),
            fields: vec![],
            status: 422,
            said: "tick the box",
            again: vec!["<details open>\n<summary>Remove this app".into()],
        },
        Refused {
            path: "/apps/1/tenants/2".into(),
            fields: vec![("action", "upgrade"), ("version", "0.0.1"), ("delivery", "twice")],
            status: 422,
            said: "an upgrade goes to a newer version than 1.0.0",
            again: vec![
                "name=\"version\" value=\"0.0.1\"".into(),
                "<option value=\"twice\" selected>".into(),
            ],
        },
        Refused {
            path: "/apps/1/tenants/2".into(),
            fields: vec![("action", "install"), ("delivery", "held")],
            status: 409,
            said: "install is not possible for Globex: the app is installed there",
            again: vec!["<option value=\"held\" selected>".into()],
        },
        Refused {
            path: "/tenants".into(),
            fields: vec![("platform", "seismic"), ("app", "1"), ("name", "Globex")],
            status: 409,
            said: "there is a tenant Globex already",
            again: vec!["dir=\"auto\" value=\"Globex\" aria-invalid=\"true\"".into()],
        },
    ] {
        refused.comes_back(&market).await;
    }
    let app = market.get("/api/apps/1").await;
    assert_eq!(
        (&app["name"], &app["signing"]),
        (&json!("Test app"), &json!({"current": 1})),
        "nothing changed"
    );
}

#[tokio::test]
async fn the_body_of_an_action_comes_back() {
    let (market, app) = (Market::start().await, App::start().await);
    app.set_manifest(json!({
        "name": "Acme Notifier", "namespace": "acme_notifier",
        "actions": [{"id": "notify", "name": "Notify", "url": "/200"}, {"id": "other", "name": "Other", "url": "/200"}],
    }));
    let new = json!({"platform": "securityscorecard", "manifest_url": format!("{}/manifest.json", app.url)});
    market.post("/api/apps", new).await;
    market.post("/api/apps/1/actions", json!({"tenant": 3, "action": "install"})).await;
    let refused = Refused {
        path: "/installations/1".into(),
        fields: vec![("action", "notify"), ("ask", "run"), ("body", "{\"typed\": by hand")],
        status: 422,
        said: "the body is not JSON: expected value at line 1",
        again: vec!["aria-invalid=\"true\">{&quot;typed&quot;: by hand</textarea>".into()],
    };
    refused.comes_back(&market).await;
    assert_eq!(market.get("/api/deliveries").await, json!([]), "nothing was sent");
}
