//! Pictures: those of the README, taken of the page as it is now.

use std::path::Path;

use serde_json::json;

use crate::browser::{Browser, Look};
use crate::support::Market;
use crate::support::app::App;
use crate::support::example::{Example, SECRET};

async fn picture(browser: &Browser, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images");
    browser.driver.screenshot(&folder.join(name)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it writes docs/images"]
async fn the_pictures_of_the_readme_are_taken() {
    let market = Market::start().await;
    let example = Example::start(&market.url);
    let url = format!("{}/seismic", example.url);
    for secret in [SECRET, "another secret"] {
        let new = json!({"platform": "seismic", "name": "Example app", "url": url, "signing_secret": secret});
        assert_eq!(market.post("/api/apps", new).await.status, 201);
    }
    let browser = Browser::start(Look::Light).await.expect("a browser");
    browser.emulate(1280, "light").await;
    browser.open(&format!("{}/apps/1", market.url)).await;
    for button in ["Install", "Enable", "Upgrade"] {
        browser.act("Acme", button).await;
        assert!(browser.verdict().await.starts_with("Went through: "));
    }
    picture(&browser, "simulator-light.png").await;

    // An app that takes everything.
    let careless = App::start().await;
    let new = json!({"platform": "seismic", "name": "Careless app", "url": format!("{}/202", careless.url)});
    assert_eq!(market.post("/api/apps", new).await.status, 201);
    let forged = json!({"tenant": 1, "forgery": "unsigned"});
    market.post("/api/apps/3/forgeries", forged).await;
    browser.emulate(1280, "dark").await;
    browser.open(&format!("{}/apps/3", market.url)).await;
    browser.click("//summary[.='Try to fool it']").await;
    browser.run("scrollTo(0, 0)").await;
    picture(&browser, "simulator-forgery.png").await;

    browser.emulate(390, "light").await;
    browser.open(&format!("{}/apps/2", market.url)).await;
    browser.act("Acme", "Install").await;
    assert!(browser.verdict().await.starts_with("BLOCKED: "));
    picture(&browser, "simulator-blocked.png").await;
    browser.quit().await;
}
