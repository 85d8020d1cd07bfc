//! Accessibility in a real browser: the rules of axe on every kind of page, focus and title, and no sideways scrolling.

use serde_json::json;
use thirtyfour::Key;

use crate::axe::{Axe, Rules};
use crate::browser::{Browser, Look};
use crate::support::Market;
use crate::support::app::App;

/// A market in which every kind of verdict, chip and form is to be seen; its pages.
async fn furnished() -> (Market, App, Vec<String>) {
    let (market, app) = (Market::start().await, App::start().await);
    app.set_manifest(json!({
        "name": "Acme Notifier", "namespace": "acme_notifier", "hook_url": "/500", "install_url": "/install",
        "secrets": [{"key": "ACCESS_TOKEN", "value_required": true}],
        "actions": [{"id": "notify", "name": "Notify", "url": "/200", "settings_url": "/200"}],
    }));
    let good = market.register(&format!("{}/202", app.url), "s").await;
    market.act(good, json!({"action": "install"})).await;
    market.act(good, json!({"action": "enable"})).await;
    market.act(good, json!({"action": "disable", "delivery": "held"})).await;
    market.post(&format!("/api/apps/{good}/rotation"), json!({})).await;
    let bad = market.register(&format!("{}/mismatch", app.url), "s").await;
    market.act(bad, json!({"action": "install"})).await;
    let new = json!({"platform": "securityscorecard", "manifest_url": format!("{}/manifest.json", app.url)});
    let scorecard = market.post("/api/apps", new).await.body["id"].clone();
    market.post(&format!("/api/apps/{scorecard}/actions"), json!({"tenant": 3, "action": "install"})).await;
    let github = json!({"platform": "github", "name": "Hooks", "url": format!("{}/500", app.url)});
    let github = market.post("/api/apps", github).await.body["id"].clone();
    market.post(&format!("/api/apps/{github}/actions"), json!({"tenant": 5, "action": "install"})).await;
    for forgery in ["unsigned", "unknown-kind"] {
        let forged = json!({"tenant": 1, "forgery": forgery});
        market.post(&format!("/api/apps/{good}/forgeries"), forged).await;
    }
    let installation = market.get(&format!("/api/apps/{scorecard}/installations")).await[0]["id"].clone();
    let mut pages: Vec<String> = ["/", "/api", "/nothing", "/apps/1/secret"].map(str::to_owned).into();
    // Each kind of form: with a secret, a private key, keys that are published, and a manifest.
    pages.extend(
        ["seismic", "discord", "forge", "securityscorecard"].map(|name| format!("/register?platform={name}")),
    );
    pages.extend([1, 2, 3, 4].map(|app| format!("/apps/{app}")));
    pages.extend([1, 3, 4, 5, 6, 7].map(|delivery| format!("/deliveries/{delivery}")));
    pages.push(format!("/installations/{installation}"));
    (market, app, pages)
}

/// Opens everything that is folded away, so that it is looked at as well.
const UNFOLD: &str = "for (const part of document.querySelectorAll('details')) part.open = true;";

#[tokio::test(flavor = "multi_thread")]
async fn no_page_breaks_a_rule_of_axe_or_is_wider_than_its_screen() {
    let (Some(browser), Some(axe)) = (Browser::start(Look::Light).await, Axe::install()) else { return };
    let (market, app, pages) = furnished().await;
    let slack = json!({"platform": "slack", "name": "Retried", "url": format!("{}/500", app.url)});
    let slack = market.post("/api/apps", slack).await.body["id"].clone();
    for action in ["install", "uninstall"] {
        let action = json!({"tenant": 7, "action": action});
        market.post(&format!("/api/apps/{slack}/actions"), action).await;
    }
    for name in ["w".repeat(100), "חברת דוגמה".to_owned()] {
        market.post("/api/tenants", json!({"platform": "seismic", "name": name})).await;
    }
    let told = market.get("/api/deliveries?limit=9").await;
    let verdicts: Vec<&str> =
        told.as_array().unwrap().iter().filter_map(|one| one["verdict"].as_str()).collect();
    for verdict in ["RETRIED", "LOST", "BLOCKED", "Held back", "FORGERY ACCEPTED", "Went through: Enable"] {
        assert!(verdicts.iter().any(|shown| shown.starts_with(verdict)), "{verdict}: {verdicts:#?}");
    }
    let more = ["/apps/5", "/deliveries/9", "/apps/1?state=blocked&q=none", "/apps/1?done=uninstalled"];
    let mut wrong = Vec::new();
    for page in pages.into_iter().chain(more.map(str::to_owned)) {
        browser.open(&format!("{}{page}", market.url)).await;
        look_at(&browser, &axe, &page, &mut wrong).await;
    }
    // A form that comes back; the browser would not send it.
    browser.open(&format!("{}/apps/1", market.url)).await;
    browser.run(UNFOLD).await;
    browser.run("for (const form of document.forms) form.noValidate = true").await;
    browser.fill("window_minutes", "99999").await;
    browser.follow("//button[.='Rotate the secret']").await;
    assert!(browser.text().await.contains("the window must be 0 to 10080 minutes"));
    look_at(&browser, &axe, "a form that comes back", &mut wrong).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
    browser.quit().await;
}

/// On a desk and on a phone, by day and by night.
async fn look_at(browser: &Browser, axe: &Axe, page: &str, wrong: &mut Vec<String>) {
    browser.run(UNFOLD).await;
    for (width, scheme) in [(1280, "light"), (1280, "dark"), (390, "dark"), (390, "light")] {
        browser.emulate(width, scheme).await;
        let seen = "return [document.documentElement.clientWidth, matchMedia('(prefers-color-scheme: dark)').matches]";
        assert_eq!(browser.run(seen).await, json!([width, scheme == "dark"]), "{page}");
        // By night the colours differ, and nothing else.
        let rules = if scheme == "dark" { Rules::OfColour } else { Rules::All };
        let violations = axe.violations(browser, rules).await.into_iter();
        wrong.extend(violations.map(|violation| format!("{page}, {width} px, {scheme}: {violation}")));
        let content = browser.run("return document.documentElement.scrollWidth").await;
        if content.as_u64() > Some(width.into()) {
            wrong.push(format!("{page} is {content} px wide on {width} px"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_focus_follows_the_page_and_is_seen() {
    let Some(browser) = Browser::start(Look::Light).await else { return };
    let (market, _app, pages) = furnished().await;
    let focusable = r"const all = [...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, summary, [tabindex]')];
        const shown = all.filter(element => element.checkVisibility());
        shown.forEach((element, index) => element.dataset.index = index);
        return shown.length;";
    let focused = r"const at = document.activeElement; const style = getComputedStyle(at);
        return [Number(at.dataset.index), style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2];";
    for page in &pages {
        browser.open(&format!("{}{page}", market.url)).await;
        let count = browser.run(focusable).await.as_u64().unwrap();
        for index in 0..count {
            browser.driver.action_chain().send_keys(Key::Tab).perform().await.unwrap();
            assert_eq!(
                browser.run(focused).await,
                json!([index, true]),
                "{page}, the focus after {} tabs",
                index + 1
            );
        }
    }
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_click_by_keyboard_title_and_focus_carry_the_verdict() {
    let Some(browser) = Browser::start(Look::Light).await else { return };
    let (market, app) = (Market::start().await, App::start().await);
    market.register_patient(&format!("{}/gate", app.url)).await;
    browser.open(&format!("{}/apps/1", market.url)).await;
    assert_eq!(browser.driver.title().await.unwrap(), "Test app · lifecycle simulator");
    let named = "return document.activeElement.textContent";
    for _ in 0..20 {
        browser.driver.action_chain().send_keys(Key::Tab).perform().await.unwrap();
        if browser.run(named).await == "Install" {
            break;
        }
    }
    browser.run("document.documentElement.dataset.old = 'yes'").await;
    browser.driver.action_chain().send_keys(Key::Enter).perform().await.unwrap();
    browser.another_page().await;
    let title = async || browser.driver.title().await.unwrap();
    assert_eq!(title().await, "Waiting for the app: Install for Acme · Test app · lifecycle simulator");
    app.open_gate(500);
    assert!(browser.verdict().await.starts_with("RETRIED: Install for Acme"));
    assert_eq!(title().await, "RETRIED: Install for Acme · Test app · lifecycle simulator");
    let focused = "const at = document.activeElement; return [at.className, at.getAttribute('role')]";
    assert_eq!(browser.run(focused).await, json!(["verdict warn", "status"]));
    // The next stop is what helps, not the top of the page.
    browser.driver.action_chain().send_keys(Key::Tab).perform().await.unwrap();
    assert_eq!(browser.run(named).await, "Send again");
    browser.quit().await;
}
