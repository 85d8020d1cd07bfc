//! What the page of an app says that the app has to be told is all that it needs; and where it was told another secret, the page
//! leads back. By the example app, on every platform.

use lifecycle_testing::{Sender, SigningKeys, registry, variable};
use serde_json::{Value, json};

use crate::support::example::Example;
use crate::support::{Market, between};

/// A secret or a private key of any sort.
const KEY: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
/// Another one.
const OTHER: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";

/// An app on a platform, and what its page says.
struct Registered {
    sender: &'static Sender,
    id: i64,
    /// Whether the app and the simulator share a secret, or a pair of keys.
    has_key: bool,
    settings: Vec<(String, String)>,
}

impl Registered {
    async fn on(market: &Market, sender: &'static Sender) -> Self {
        let platform = sender.platform();
        let mut new =
            json!({"platform": platform.name(), "name": "Example app", "url": "http://127.0.0.1:1/x"});
        let has_key = SigningKeys::parse(platform, KEY).is_ok();
        if has_key {
            new["signing_secret"] = json!(KEY);
        }
        let id = market.post("/api/apps", new).await.body["id"].as_i64().expect("it is registered");
        let page = market.page(&format!("/apps/{id}")).await;
        let shown =
            between(&page, "id=\"settings\">", "</pre>").replace("&#x27;", "'").replace("&quot;", "\"");
        let mut settings = read(&shown);
        if has_key && SigningKeys::parse(platform, KEY).is_ok_and(|keys| keys.public_key().is_none()) {
            settings.push((variable(platform, "SIGNING_SECRET"), KEY.to_owned()));
        }
        Self { sender, id, has_key, settings }
    }

    /// Does the first of what the platform tells apps of; its delivery.
    async fn first_event(&self, market: &Market) -> Value {
        let tenants = market.get("/api/tenants").await;
        let own = |tenant: &&Value| tenant["platform"] == self.sender.platform().name();
        let tenant = tenants.as_array().unwrap().iter().find(own).unwrap()["id"].clone();
        for action in ["install", self.sender.names()[0]] {
            let action = json!({"tenant": tenant, "action": action});
            let answer = market.post(&format!("/api/apps/{}/actions", self.id), action).await;
            if let Some(delivery) = answer.body["deliveries"].get(0) {
                return delivery.clone();
            }
        }
        panic!("{:?} tells of nothing", self.sender)
    }
}

/// `NAME=value`, one a line; a value of several lines is between quotes.
fn read(shown: &str) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let mut rest = shown;
    while let Some((name, value)) = rest.split_once('=') {
        let quoted = value.strip_prefix('\'').and_then(|quoted| quoted.split_once("'\n"));
        let (value, after) = quoted.or_else(|| value.split_once('\n')).expect("each setting ends its line");
        settings.push((name.to_owned(), value.to_owned()));
        rest = after;
    }
    settings
}

// The simulator publishes its keys while this thread waits for the example, which fetches them as it starts.
#[tokio::test(flavor = "multi_thread")]
async fn the_settings_on_the_page_are_all_that_the_example_needs_and_another_secret_is_entered_beside_the_verdict()
 {
    let market = Market::start().await;
    let mut apps = Vec::new();
    for sender in registry().iter().copied().filter(|sender| sender.platform().name() != "securityscorecard")
    {
        apps.push(Registered::on(&market, sender).await);
    }
    let settings = apps.iter().flat_map(|app| app.settings.clone());
    let example = Example::start_with(&market.url, settings);
    for app in &apps {
        let (id, platform) = (app.id, app.sender.platform().name());
        let url = json!({"url": format!("{}/{platform}", example.url)});
        let changed = market.send(reqwest::Method::PATCH, &format!("/api/apps/{id}"), url.to_string()).await;
        assert_eq!(changed.status, 200, "{platform}: {changed:?}");
        let delivery = app.first_event(&market).await;
        assert_eq!(delivery["state"], "acknowledged", "{platform}: {delivery}");
        if !app.has_key {
            continue;
        }
        let rotation = json!({"window_minutes": 0, "signing_secret": OTHER});
        assert_eq!(
            market.post(&format!("/api/apps/{id}/rotation"), rotation).await.status,
            200,
            "{platform}"
        );
        let again = format!("/api/deliveries/{}/repeat", delivery["id"]);
        let refused = market.post(&again, json!({})).await.body[0].clone();
        assert_eq!(refused["state"], "failed", "{platform}: {refused}");
        let page = market.page(&format!("/deliveries/{}", refused["id"])).await;
        assert!(
            page.contains("another signing secret") || page.contains("another public key"),
            "{platform}: {page}"
        );
        assert!(page.contains("Use it and send again"), "{platform}");
        let number = refused["id"].to_string();
        let fields = [("signing_secret", KEY), ("delivery", number.as_str())];
        let led = market.form(&format!("/apps/{id}/secret"), &fields).await;
        assert_eq!(led.status(), 303, "{platform}");
        let click = led.headers()["location"].to_str().unwrap().rsplit('=').next().unwrap().to_owned();
        while market.get(&format!("/api/deliveries/{click}")).await["state"] == "sending" {
            tokio::task::yield_now().await;
        }
        let sent = market.get(&format!("/api/deliveries/{click}")).await;
        assert_eq!(sent["state"], "acknowledged", "{platform}: {sent}");
    }
}
