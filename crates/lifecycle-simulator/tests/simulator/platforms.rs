//! Every platform, by its data: registered, acted on, verified by core, and attacked.

use std::time::SystemTime;

use lifecycle_core::{Activation, ExpectedApp, Head, KeySet, Keys, Verifier};
use lifecycle_testing::{KeysFrom, Sender, SigningKeys, registry};
use serde_json::{Value, json};

use crate::support::Market;
use crate::support::app::{App, Got};

/// Registers an app of a platform; its id.
async fn register(market: &Market, sender: &Sender, url: &str) -> i64 {
    let app = json!({"platform": sender.platform().name(), "name": "Test app", "url": url});
    let answer = market.post("/api/apps", app).await;
    assert_eq!(answer.status, 201, "{sender:?}: {answer:?}");
    answer.body["id"].as_i64().unwrap()
}

/// All that are called at URLs.
fn senders() -> impl Iterator<Item = &'static Sender> {
    registry().iter().copied().filter(|sender| sender.platform().name() != "securityscorecard")
}

#[tokio::test]
async fn each_platform_is_registered_by_its_form_and_its_events_are_sent() {
    let (market, app) = (Market::start().await, App::start().await);
    for sender in senders() {
        let platform = sender.platform();
        let form = market.page(&format!("/register?platform={}", platform.name())).await;
        assert!(form.contains(&format!("Register the {} app", sender.title())), "{sender:?}");
        let id = register(&market, sender, &format!("{}/{}", app.url, platform.ack().status())).await;
        let tenant = market.get("/api/tenants").await;
        let own = |tenant: &&Value| tenant["platform"] == platform.name();
        let tenant = tenant.as_array().unwrap().iter().find(own).unwrap()["id"].clone();
        let names = sender.names();
        // An install comes first, told or not, and an uninstall ends it.
        let mut order = vec!["install"];
        // What an install activates is not enabled before it was disabled.
        let switched = match platform.activation() {
            Activation::OnEnable => ["enable", "disable", "upgrade"],
            _ => ["disable", "enable", "upgrade"],
        };
        order.extend(switched.iter().filter(|name| names.contains(name)));
        // A second event of a known kind, such as Stripe's of Connect, would need a tenant in another state.
        let is_other = |name: &&&str| sender.sample(name).is_some_and(|sample| !sample.kind().is_known());
        order.extend(names.iter().filter(is_other));
        order.push("uninstall");
        for name in order {
            let version = (name == "upgrade").then_some("2.0.0");
            let action = json!({"tenant": tenant, "action": name, "version": version});
            let answer = market.post(&format!("/api/apps/{id}/actions"), action).await;
            assert_eq!(answer.status, 200, "{sender:?} {name}: {answer:?}");
            let sent = answer.body["deliveries"].as_array().unwrap();
            assert_eq!(sent.len(), usize::from(names.contains(&name)), "{sender:?} {name}");
            for delivery in sent {
                assert_eq!(delivery["method"], platform.method().as_str(), "{delivery}");
                assert_eq!(delivery["state"], "acknowledged", "{sender:?} {name}: {delivery}");
            }
        }
        let page = market.page(&format!("/apps/{id}")).await;
        assert!(page.contains(sender.title()) && page.contains("Try to fool it"), "{sender:?}");
    }
}

#[tokio::test]
async fn a_test_key_is_told_so_that_an_app_can_verify_it() {
    let (market, app) = (Market::start().await, App::start().await);
    let keys = market.page("/.well-known/jwks.json").await;
    let published = KeySet::from_jwks(keys.as_bytes()).expect("a key set");
    for sender in senders().filter(|sender| SigningKeys::for_tests(sender.platform()).public_key().is_some())
    {
        let platform = sender.platform();
        let id = register(&market, sender, &format!("{}/{}", app.url, platform.ack().status())).await;
        let page = market.page(&format!("/apps/{id}")).await;
        let setting = match sender.keys_from() {
            KeysFrom::Url => "_JWKS_URL=http://127.0.0.1:",
            KeysFrom::Tenant { .. } => "_API_URL=http://127.0.0.1:",
            _ => "_PUBLIC_KEY=",
        };
        assert!(page.contains(setting), "{sender:?}");
        if sender.keys_from() == KeysFrom::Url {
            let tenants = market.get("/api/tenants").await;
            let own = |tenant: &&Value| tenant["platform"] == platform.name();
            let tenant = tenants.as_array().unwrap().iter().find(own).unwrap()["id"].clone();
            for action in ["install", sender.names()[0]] {
                market
                    .post(&format!("/api/apps/{id}/actions"), json!({"tenant": tenant, "action": action}))
                    .await;
            }
            let app_id = market.get(&format!("/api/apps/{id}")).await["app_id"].as_str().unwrap().to_owned();
            let keys: Keys = published.clone().into();
            let keys = match sender.key_owner() {
                Some((_, owner)) => keys.with_owner(owner),
                None => keys,
            };
            let verifier = Verifier::new(platform, keys, ExpectedApp::from(app_id)).unwrap();
            let Got { headers, body, .. } = app.last();
            let target = format!("/{}", platform.name());
            let pairs: Vec<(&str, &[u8])> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
            let head = Head::new(platform.method().as_str(), &target, pairs);
            let mut verification = verifier.begin(head).expect("a head");
            verification.push(body).expect("it is small");
            assert!(verification.finish(SystemTime::now()).is_ok(), "{sender:?}");
        }
    }
}

#[tokio::test]
async fn an_app_that_takes_everything_takes_forgeries_and_one_that_refuses_everything_refuses_them() {
    let (market, app) = (Market::start().await, App::start().await);
    for sender in senders() {
        let ack = sender.platform().ack().status();
        for (answer, refused, unknown) in
            [(ack, "FORGERY ACCEPTED", "Taken"), (401, "Refused, as it has", "NOT TAKEN")]
        {
            let id = register(&market, sender, &format!("{}/{answer}", app.url)).await;
            let tenants = market.get("/api/tenants").await;
            let own = |tenant: &&Value| tenant["platform"] == sender.platform().name();
            let tenant = tenants.as_array().unwrap().iter().find(own).unwrap()["id"].clone();
            for forgery in ["changed-body", "unsigned", "unknown-secret", "unknown-kind"] {
                let sent = json!({"tenant": tenant, "forgery": forgery});
                let sent = market.post(&format!("/api/apps/{id}/forgeries"), sent).await;
                if forgery == "unknown-kind" && sent.status == 422 {
                    continue; // there is no place for the name of one
                }
                assert_eq!(sent.status, 200, "{sender:?} {forgery}: {sent:?}");
                let expected = if forgery == "unknown-kind" { unknown } else { refused };
                let verdict = sent.body[0]["verdict"].as_str().unwrap();
                assert!(verdict.starts_with(expected), "{sender:?} {forgery}: {verdict}");
                assert_eq!(sent.body[0]["effect"], "none");
            }
        }
    }
}

#[tokio::test]
async fn the_example_app_cannot_be_fooled() {
    let market = Market::start().await;
    let example = crate::support::example::Example::start(&market.url);
    let secret = crate::support::example::SECRET;
    let id = market.register(&format!("{}/seismic", example.url), secret).await;
    for (forgery, verdict) in [
        ("changed-body", "Refused, as it has to be"),
        ("unsigned", "Refused, as it has to be"),
        ("unknown-secret", "Refused, as it has to be"),
        ("unknown-kind", "Taken, as it has to be"),
        ("slow-body", "Cut off, as it has to be"),
    ] {
        let sent = json!({"tenant": 1, "forgery": forgery});
        let sent = market.post(&format!("/api/apps/{id}/forgeries"), sent).await;
        assert!(sent.body[0]["verdict"].as_str().unwrap().starts_with(verdict), "{forgery}: {sent:?}");
    }
    assert_eq!(market.status(id).await, "none", "nothing of it changes anything here");
}

#[tokio::test]
async fn an_event_that_is_sent_again_is_signed_anew() {
    let (market, app) = (Market::start().await, App::start().await);
    let github = senders().find(|sender| sender.platform().name() == "github").unwrap();
    let id = register(&market, github, &format!("{}/500", app.url)).await;
    let tenant =
        market.post("/api/tenants", json!({"platform": "github", "name": "Initech"})).await.body["id"]
            .clone();
    let sent =
        market.post(&format!("/api/apps/{id}/actions"), json!({"tenant": tenant, "action": "install"})).await;
    let verdict = sent.body["deliveries"][0]["verdict"].as_str().unwrap();
    assert!(verdict.starts_with("LOST: Install for Initech: "), "{verdict}");
    assert_eq!(sent.body["installation"]["status"], "installed", "GitHub does not wait for the app");
    let first = app.last();
    market.post(&format!("/api/apps/{id}/rotation"), json!({"window_minutes": 0})).await;
    market.post("/api/deliveries/1/repeat", json!({})).await;
    let second = app.last();
    assert_eq!(
        (&first.body, &first.headers["x-github-delivery"]),
        (&second.body, &second.headers["x-github-delivery"])
    );
    assert_ne!(first.headers["x-hub-signature-256"], second.headers["x-hub-signature-256"]);
}
