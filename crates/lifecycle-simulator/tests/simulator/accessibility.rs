//! Accessibility basics, measured in a real browser: labels, headings, focus, contrast, and no sideways scrolling.

use serde_json::{Value, json};
use thirtyfour::Key;

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
    let mut pages: Vec<String> =
        ["/", "/register", "/register?platform=discord", "/api", "/nothing", "/apps/1/secret"]
            .map(str::to_owned)
            .into();
    pages.extend([1, 2, 3, 4].map(|app| format!("/apps/{app}")));
    pages.extend([1, 3, 4, 5, 6, 7].map(|delivery| format!("/deliveries/{delivery}")));
    pages.push(format!("/installations/{installation}"));
    (market, app, pages)
}

/// Opens everything that is folded away, so that it is looked at as well.
const UNFOLD: &str = "for (const part of document.querySelectorAll('details')) part.open = true;";

/// The texts whose contrast to their background is less than WCAG 2 AA asks for.
const TOO_FAINT: &str = r"
const parse = color => { const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number); return {r, g, b, a}; };
const light = ({r, g, b}) => { const f = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
const behind = element => { for (let at = element; at; at = at.parentElement) {
    const color = parse(getComputedStyle(at).backgroundColor); if (color.a > 0) return color; }
    return {r: 255, g: 255, b: 255}; };
const faint = [];
for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    const field = element.matches('input:not([type=hidden]), select, textarea');
    if (!(own || field) || !element.checkVisibility()) continue;
    const styles = [getComputedStyle(element)];
    if (element.placeholder) styles.push(getComputedStyle(element, '::placeholder'));
    for (const style of styles) {
        const [one, other] = [light(parse(style.color)), light(behind(element))];
        const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (contrast < (large ? 3 : 4.5)) faint.push(`${element.outerHTML.slice(0, 80)}: ${contrast.toFixed(2)}`);
    }
}
return faint;";

/// Fields without a label, controls without a name, and what is wrong with the page's outline.
const UNNAMED: &str = r"
const problems = [];
for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea'))
    if (![...field.labels].some(label => label.textContent.trim())) problems.push(`no label: ${field.outerHTML}`);
for (const control of document.querySelectorAll('button, a, summary'))
    if (!control.textContent.trim()) problems.push(`no text: ${control.outerHTML}`);
const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) problems.push(`twice: #${id}`);
for (const element of document.querySelectorAll('[aria-labelledby], [aria-describedby]'))
    for (const id of `${element.getAttribute('aria-labelledby') || ''} ${element.getAttribute('aria-describedby') || ''}`.trim().split(/\s+/))
        if (!document.getElementById(id)) problems.push(`nothing has the id ${id}`);
if (document.querySelectorAll('h1').length !== 1) problems.push('not one h1');
let level = 0;
for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) problems.push(`a level is left out before ${heading.outerHTML}`);
    level = own;
}
if (!document.documentElement.lang) problems.push('no language');
if (!document.title.includes('lifecycle simulator')) problems.push('no title');
if ([...document.scripts].some(script => script.text || !script.src.startsWith(location.origin))) problems.push('a script');
return problems;";

#[tokio::test]
async fn every_text_stands_out_in_light_and_in_dark() {
    for look in [Look::Light, Look::Dark] {
        let Some(browser) = Browser::start(look).await else { return };
        let (market, _app, pages) = furnished().await;
        for page in &pages {
            browser.open(&format!("{}{page}", market.url)).await;
            let dark = browser.run("return matchMedia('(prefers-color-scheme: dark)').matches").await;
            assert_eq!(dark, json!(look == Look::Dark));
            browser.run(UNFOLD).await;
            assert_eq!(browser.run(TOO_FAINT).await, json!([]), "{page}, {look:?}");
        }
        browser.quit().await;
    }
}

#[tokio::test]
async fn every_field_has_a_label_and_every_page_an_outline() {
    let Some(browser) = Browser::start(Look::Light).await else { return };
    let (market, _app, pages) = furnished().await;
    for page in &pages {
        browser.open(&format!("{}{page}", market.url)).await;
        assert_eq!(browser.run(UNNAMED).await, json!([]), "{page}");
    }
    browser.quit().await;
}

#[tokio::test]
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
    // After a click it begins at the verdict, which is read out so.
    browser.open(&format!("{}/apps/2?click=4", market.url)).await;
    assert_eq!(browser.run("return document.activeElement.className").await, "verdict bad");
    browser.quit().await;
}

#[tokio::test]
async fn an_action_is_done_with_the_keyboard_alone() {
    let Some(browser) = Browser::start(Look::Light).await else { return };
    let (market, app) = (Market::start().await, App::start().await);
    market.register(&format!("{}/202", app.url), "s").await;
    browser.open(&format!("{}/apps/1", market.url)).await;
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
    assert!(browser.verdict().await.starts_with("Went through: Install for Acme"));
    browser.quit().await;
}

#[tokio::test]
async fn nothing_is_wider_than_a_phone() {
    let Some(browser) = Browser::start(Look::Phone).await else { return };
    let (market, _app, pages) = furnished().await;
    for page in &pages {
        browser.open(&format!("{}{page}", market.url)).await;
        browser.run(UNFOLD).await;
        let sizes =
            browser.run("const page = document.documentElement; return [page.scrollWidth, innerWidth]").await;
        let [width, screen] = [&sizes[0], &sizes[1]].map(Value::as_u64);
        assert!(screen == Some(390) && width <= screen, "{page}: {sizes}");
        if page == "/apps/2" {
            browser.screenshot("blocked-phone").await;
        }
    }
    browser.quit().await;
}
