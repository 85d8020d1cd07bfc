//! The page as people use it: everything by clicks in a real browser.

use serde_json::json;

use crate::browser::{Browser, Look};
use crate::support::app::{App, nobody};
use crate::support::example::{Example, SECRET};
use crate::support::{Market, told_by};

/// Registers the example on the page, as a new user does.
async fn register(browser: &Browser, market: &Market, url: &str, secret: &str) {
    browser.open(&format!("{}/register", market.url)).await;
    browser.fill("name", "Example app").await;
    browser.fill("url", url).await;
    browser.fill("signing_secret", secret).await;
    browser.follow("//button[.='Register the Seismic app']").await;
}

async fn add_tenant(browser: &Browser, name: &str) {
    browser.fill("new-tenant", name).await;
    browser.follow("//button[.='Add']").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_installed_enabled_upgraded_disabled_and_uninstalled() {
    let Some(browser) = Browser::start(Look::Light).await else { return };
    let market = Market::start().await;
    let example = Example::start(&market.url);
    browser.open(&market.url).await;
    assert!(browser.text().await.contains("Try your app on a marketplace"));
    browser.screenshot("register-light").await;
    register(&browser, &market, &format!("{}/seismic", example.url), SECRET).await;
    assert!(browser.verdict().await.starts_with("Nothing sent yet"));
    for (button, status) in [
        ("Install", "installed · 1.0.0"),
        ("Enable", "enabled · 1.0.0"),
        ("Upgrade", "enabled · 1.0.1"),
        ("Disable", "disabled · 1.0.1"),
        ("Uninstall", "uninstalled"),
    ] {
        browser.act("Acme", button).await;
        let verdict = browser.verdict().await;
        let expected = format!("Went through: {button} for Acme went through in ");
        assert!(verdict.starts_with(&expected), "{verdict}");
        assert_eq!(browser.status("Acme").await, status);
        if button == "Upgrade" {
            browser.screenshot("app-light").await;
        }
    }
    assert_eq!(browser.status("Globex").await, "not installed");
    let deliveries = format!("{}/deliveries", example.url);
    let seen = told_by(&deliveries, |seen| seen.as_array().is_some_and(|seen| seen.len() == 5)).await;
    let kinds: Vec<&str> = seen.as_array().unwrap().iter().filter_map(|one| one["kind"].as_str()).collect();
    assert_eq!(kinds, ["install", "enable", "upgrade", "disable", "uninstall"], "the app saw them arrive");
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_cause_of_a_blocked_action_is_seen_at_a_glance() {
    let Some(browser) = Browser::start(Look::Dark).await else { return };
    let market = Market::start().await;
    let example = Example::start(&market.url);
    register(&browser, &market, &format!("{}/seismic", example.url), SECRET).await;
    browser.act("Acme", "Install").await;
    for (tenant, cause) in [
        ("refuse-me", "403 refused after "),
        ("fail-me", "500 handler-failed after "),
        ("sleep-me", "503 deadline-exceeded after "),
    ] {
        add_tenant(&browser, tenant).await;
        browser.act(tenant, "Install").await;
        let verdict = browser.verdict().await;
        assert!(verdict.starts_with(&format!("BLOCKED: Install for {tenant}: {cause}")), "{verdict}");
        assert_eq!(browser.status(tenant).await, "not installed");
    }
    browser.screenshot("blocked-dark").await;
    browser.follow("//a[.='Look at the request and the answer']").await;
    let text = browser.text().await;
    assert!(
        text.contains("503") && text.contains("deadline-exceeded") && text.contains("x-seismic-signature")
    );
    browser.screenshot("delivery-dark").await;

    register(&browser, &market, &format!("{}/seismic", example.url), "another secret").await;
    browser.act("Acme", "Install").await;
    assert!(browser.verdict().await.contains("401 signature-mismatch after "));
    register(&browser, &market, &format!("{}/healthz", example.url), SECRET).await;
    browser.act("Acme", "Install").await;
    assert!(
        browser.verdict().await.starts_with("BLOCKED: Install for Acme: status 405"),
        "it takes no callback"
    );
    register(&browser, &market, &nobody().await, SECRET).await;
    browser.act("Acme", "Install").await;
    assert!(browser.verdict().await.contains("connection refused: is the app running at 127.0.0.1:"));
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_two_clicks_from_enabled() {
    let Some(browser) = Browser::start(Look::Light).await else { return };
    let market = Market::start().await;
    let example = Example::start(&market.url);
    register(&browser, &market, &format!("{}/seismic", example.url), "").await;
    browser.follow("//a[.='Continue to Example app']").await;
    browser.act("Acme", "Install").await;
    assert!(browser.verdict().await.starts_with("BLOCKED: Install for Acme: 401 signature-mismatch"));
    browser.fill("own-secret", SECRET).await;
    browser.follow("//button[.='Use it and send again']").await;
    assert!(browser.verdict().await.starts_with("Went through: Install for Acme"));
    browser.act("Acme", "Enable").await;
    assert!(browser.verdict().await.starts_with("Went through: Enable for Acme"));
    assert_eq!(browser.status("Acme").await, "enabled · 1.0.0");
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_tab_sees_the_verdict_of_its_own_click() {
    let Some(browser) = Browser::start(Look::Light).await else { return };
    let (market, app) = (Market::start().await, App::start().await);
    market.register_patient(&format!("{}/gate", app.url)).await;
    let page = format!("{}/apps/1", market.url);
    let slow = browser.driver.window().await.unwrap();
    browser.open(&page).await;
    let quick = browser.driver.new_tab().await.unwrap();
    browser.driver.switch_to_window(quick.clone()).await.unwrap();
    browser.open(&page).await;
    browser.driver.switch_to_window(slow.clone()).await.unwrap();
    browser.act("Acme", "Install").await;
    app.arrival().await;
    let change = json!({"url": format!("{}/200", app.url)}).to_string();
    market.send(reqwest::Method::PATCH, "/api/apps/1", change).await;
    browser.driver.switch_to_window(quick.clone()).await.unwrap();
    browser.act("Globex", "Install").await;
    assert!(browser.verdict().await.starts_with("Acknowledged: Install for Globex"));

    browser.driver.switch_to_window(slow).await.unwrap();
    assert!(browser.driver.title().await.unwrap().starts_with("Waiting for the app: Install for Acme"));
    app.open_gate(500);
    assert!(browser.verdict().await.starts_with("RETRIED: Install for Acme: status 500"));
    assert!(browser.text().await.contains("Newer: Acknowledged: Install for Globex"));
    browser.driver.switch_to_window(quick).await.unwrap();
    browser.driver.refresh().await.unwrap();
    assert!(browser.verdict().await.starts_with("Acknowledged: Install for Globex"));
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_duplicated_held_back_sent_late_and_sent_again() {
    let Some(browser) = Browser::start(Look::Light).await else { return };
    let market = Market::start().await;
    let example = Example::start(&market.url);
    register(&browser, &market, &format!("{}/seismic", example.url), SECRET).await;
    browser.click("//form[.//h3='Acme']//option[@value='twice']").await;
    browser.act("Acme", "Install").await;
    assert!(browser.text().await.contains("Two copies were sent at once."));
    browser.click("//form[.//h3='Acme']//option[@value='held']").await;
    browser.act("Acme", "Enable").await;
    assert!(browser.verdict().await.starts_with("Held back: "));
    assert_eq!(browser.status("Acme").await, "installed · 1.0.0");
    browser.act("Acme", "Enable").await;
    browser.act("Acme", "Disable").await;
    browser.follow("//ol[@class='deliveries']//a[contains(., 'held back')]").await;
    browser.follow("//button[.='Send it now']").await;
    assert!(browser.verdict().await.starts_with("Acknowledged: Enable for Acme arrived late"));
    browser.follow("//button[.='Send twice at once']").await;
    assert!(browser.verdict().await.starts_with("Acknowledged: Enable for Acme (sent again)"));
    browser.follow("//a[.='Example app']").await;
    assert_eq!(browser.status("Acme").await, "disabled · 1.0.0");
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_rotated_while_the_app_still_has_the_previous_one() {
    let Some(browser) = Browser::start(Look::Light).await else { return };
    let market = Market::start().await;
    let example = Example::start(&market.url);
    register(&browser, &market, &format!("{}/seismic", example.url), SECRET).await;
    browser.click("//summary[.='Rotate the secret']").await;
    browser.fill("window_minutes", "5").await;
    browser.follow("//button[.='Rotate the secret']").await;
    assert!(browser.text().await.contains("Copy the signing secret now."));
    browser.screenshot("secret-light").await;
    browser.follow("//a[.='Continue to Example app']").await;
    assert!(browser.text().await.contains("A rotation is on until"));
    browser.act("Acme", "Install").await;
    assert!(browser.verdict().await.starts_with("Went through: "), "the previous secret still signs");
    browser.follow("//a[.='Look at the request and the answer']").await;
    let text = browser.text().await;
    assert!(text.contains("signed by secret 2, the new one"), "{text}");
    assert!(
        text.contains("x-seismic-signature-old") && text.contains("signed by secret 1, the previous one")
    );
    browser.follow("//a[.='Example app']").await;
    browser.follow("//button[.='End the window now']").await;
    browser.act("Acme", "Enable").await;
    assert!(browser.verdict().await.starts_with("BLOCKED: Enable for Acme: 401 signature-mismatch"));
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_installs_an_app_of_securityscorecard_through_its_form() {
    let Some(browser) = Browser::start(Look::Phone).await else { return };
    let market = Market::start().await;
    let example = Example::start(&market.url);
    browser.open(&format!("{}/register", market.url)).await;
    browser.follow("//a[.='SecurityScorecard']").await;
    browser.fill("manifest_url", &example.manifest_url()).await;
    browser.follow("//button[.='Register by manifest']").await;
    browser.act("jordan.lee@example.com", "Install").await;
    let url = browser.driver.current_url().await.unwrap().to_string();
    assert!(
        url.starts_with(&format!("{}/securityscorecard/install?installation=ins_", example.url)),
        "{url}"
    );
    let field = browser.driver.find(thirtyfour::By::Name("ACCESS_TOKEN")).await.unwrap();
    field.send_keys("s3cr3t-of-the-user").await.unwrap();
    browser.follow("//button").await;
    let url = browser.driver.current_url().await.unwrap().to_string();
    assert!(url.starts_with(&format!("{}/installations/", market.url)), "{url}");
    assert!(browser.verdict().await.starts_with("Complete: "), "{}", browser.verdict().await);
    browser.screenshot("installation-phone").await;
    browser.follow("//button[.='Invoke']").await;
    assert!(
        browser.verdict().await.starts_with("Acknowledged: Action notify_channel for jordan.lee@example.com")
    );
    let text = browser.text().await;
    assert!(
        text.contains("x-ssc-app-secrets") && text.contains("ACCESS_TOKEN are sent, not shown"),
        "{text}"
    );
    assert!(!text.contains("s3cr3t-of-the-user"));
    browser.follow("//a[.='Acme Notifier']").await;
    assert_eq!(browser.status("jordan.lee@example.com").await, "complete");
    browser.act("sam.rivera@example.org", "Install").await;
    browser.open(&format!("{}/apps/1", market.url)).await;
    assert_eq!(browser.status("sam.rivera@example.org").await, "waiting for the app's page");
    browser.quit().await;
}
