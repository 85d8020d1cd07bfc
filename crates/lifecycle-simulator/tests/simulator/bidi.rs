//! Names that are written from right to left do not turn the verdict around, on the page and in the terminal.

use lifecycle_simulator::Simulator;
use serde_json::json;

use crate::browser::{Browser, Look};
use crate::support::app::App;
use crate::support::{Market, options};

/// A company, in Hebrew.
const NAME: &str = "חברת דוגמה";

#[tokio::test(flavor = "multi_thread")]
async fn a_name_from_right_to_left_stays_where_it_stands_in_the_sentence() {
    let Some(browser) = Browser::start(Look::Light).await else { return };
    let (market, app) = (Market::start().await, App::start().await);
    market.register(&format!("{}/mismatch", app.url), "s").await;
    let tenant = market.post("/api/tenants", json!({"platform": "seismic", "name": NAME})).await.body;
    market.act(1, json!({"tenant": tenant["id"], "action": "install"})).await;
    // Where each word is drawn: without isolation the status would stand on the other side of the name.
    let drawn = r"
        const [selector, words, name] = arguments;
        const sentence = [...document.querySelectorAll(selector)].find(at => at.textContent.includes(name));
        const texts = document.createTreeWalker(sentence, NodeFilter.SHOW_TEXT);
        const at = word => { texts.currentNode = sentence; while (texts.nextNode()) {
            const start = texts.currentNode.data.indexOf(word);
            if (start < 0) continue;
            const range = document.createRange();
            range.setStart(texts.currentNode, start); range.setEnd(texts.currentNode, start + word.length);
            return range.getBoundingClientRect().left; } };
        return words.map(at);";
    for (page, sentence, words) in [
        ("/apps/1", ".verdict p + p", ["Install", NAME, "401"]),
        ("/deliveries/1", ".verdict p + p", ["Install", NAME, "401"]),
        ("/", "ul.apps p + p", ["Install", NAME, ","]),
    ] {
        browser.open(&format!("{}{page}", market.url)).await;
        let arguments = vec![json!(sentence), json!(words), json!(NAME)];
        let places = browser.driver.execute(drawn, arguments).await.unwrap();
        let places: Vec<f64> = serde_json::from_value(places.json().clone()).unwrap();
        assert!(places.is_sorted(), "{page}: {words:?} are drawn at {places:?}");
    }
    browser.quit().await;
}

#[tokio::test]
async fn where_no_element_can_isolate_a_name_marks_do() {
    let (market, app) = (Market::start().await, App::start().await);
    market.register(&format!("{}/401", app.url), "s").await;
    let tenant =
        market.post("/api/tenants", json!({"platform": "seismic", "name": NAME})).await.body["id"].clone();
    let sent = market.act(1, json!({"tenant": tenant, "action": "install"})).await;
    let isolated = format!("\u{2068}{NAME}\u{2069}");
    let expected = format!("BLOCKED: Install for {isolated}: status 401");
    assert!(sent[0]["verdict"].as_str().unwrap().starts_with(&expected), "{sent}");
    let title = format!("<title>BLOCKED: Install for {isolated} · Test app");
    assert!(market.page("/apps/1?click=1").await.contains(&title));
    assert!(market.page("/").await.contains(&format!("aria-label=\"Remove {isolated} of Seismic")));
    let not_now = market.post("/api/apps/1/actions", json!({"tenant": tenant, "action": "enable"})).await;
    assert!(not_now.body["detail"].as_str().unwrap().contains(&isolated), "{not_now:?}");
}

#[tokio::test]
async fn the_terminal_shows_a_name_by_itself_and_marks_no_other() {
    let app = App::start().await;
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::open(options(&folder)).await.unwrap();
    let mut outcomes = simulator.outcomes();
    let url = format!("http://{}", simulator.address());
    let served = tokio::spawn(simulator.serve(std::future::pending()));
    let client = crate::support::client();
    let post = async |path: &str, body: serde_json::Value| {
        let answer = client.post(format!("{url}{path}")).body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
    };
    let new = json!({"platform": "seismic", "name": "Test app", "url": format!("{}/202", app.url)});
    post("/api/apps", new).await;
    post("/api/tenants", json!({"platform": "seismic", "name": NAME})).await;
    for (tenant, shown) in [(5, format!("\u{2068}{NAME}\u{2069}")), (1, "  Acme  ".to_owned())] {
        post("/api/apps/1/actions", json!({"tenant": tenant, "action": "install"})).await;
        let line = outcomes.next().await.unwrap().to_string();
        assert!(line.contains(&shown), "{line}");
        assert_eq!(line.contains('\u{2068}'), tenant == 5, "{line}");
    }
    served.abort();
}

#[tokio::test]
async fn a_name_cannot_hold_what_turns_text_around() {
    let market = Market::start().await;
    for control in ['\u{202e}', '\u{2067}', '\u{200f}', '\u{61c}'] {
        let tenant = json!({"platform": "seismic", "name": format!("a{control}b")});
        assert_eq!(market.post("/api/tenants", tenant).await.status, 422, "{control:?}");
        let app =
            json!({"platform": "seismic", "name": format!("a{control}b"), "url": "http://127.0.0.1:1/x"});
        assert_eq!(market.post("/api/apps", app).await.status, 422, "{control:?}");
    }
    let family = json!({"platform": "seismic", "name": "Family 👩\u{200d}👧"});
    assert_eq!(market.post("/api/tenants", family).await.status, 201, "emoji are joined by U+200D");
}

#[tokio::test]
async fn what_an_app_answers_turns_nothing_around() {
    let (market, app) = (Market::start().await, App::start().await);
    let manifest = json!("x\u{202e}y");
    app.set_manifest(manifest);
    market.register(&format!("{}/manifest.json", app.url), "s").await;
    market.act(1, json!({"action": "install"})).await;
    let page = market.page("/deliveries/1").await;
    assert!(!page.contains('\u{202e}') && page.contains("\\u202e"), "{page}");
}
