//! Browser: a headless Chromium, with what the tests do in it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::support::install_provider;

/// The Debian packages that the tests in a browser need.
const PACKAGES: &str = "chromium chromium-driver";

/// A browser of its own for one test; it ends with this value. A failed test waits in its `drop` for the page that is loading, so
/// the simulator has to run on another thread: `flavor = "multi_thread"`.
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    _process: Process,
    _profile: TempDir,
}

/// How the browser is told to look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Look {
    Dark,
    Light,
    /// Light, and as narrow as a phone.
    Phone,
}

impl Browser {
    /// `None` where there is no browser; in CI that is a failure.
    pub(crate) async fn start(look: Look) -> Option<Self> {
        let mut chromedriver = Command::new("chromedriver");
        chromedriver
            .args(["--port=0", "--allowed-ips=127.0.0.1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = match chromedriver.spawn() {
            Ok(process) => Process(process),
            Err(error) => {
                assert!(!is_ci(), "chromedriver: {error}; install the packages {PACKAGES}");
                println!("skipped: chromedriver: {error}; install the packages {PACKAGES}");
                return None;
            }
        };
        let lines = BufReader::new(process.0.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.into_iter().find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = port.expect("chromedriver says where it listens");
        let profile = tempfile::tempdir().unwrap();
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--no-proxy-server",
            "--hide-scrollbars",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--blink-settings=preferredColorScheme={}", i32::from(look != Look::Dark)),
            "--window-size=1280,1100",
            &format!("--user-data-dir={}", profile.path().display()),
        ] {
            capabilities.add_arg(argument).unwrap();
        }
        if look == Look::Phone {
            // A window cannot be as narrow as a phone, so one is emulated.
            let metrics = json!({"width": 390, "height": 844, "pixelRatio": 1, "touch": false});
            capabilities
                .add_experimental_option("mobileEmulation", json!({"deviceMetrics": metrics}))
                .unwrap();
        }
        install_provider();
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await.unwrap();
        Some(Self { driver, _process: process, _profile: profile })
    }

    /// Makes the page that is open, and those that follow, as wide as a screen, and light or dark.
    pub(crate) async fn emulate(&self, width: u32, scheme: &str) {
        let metrics = json!({"width": width, "height": 1100, "deviceScaleFactor": 1, "mobile": width < 600});
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        let cdp = self.driver.cdp();
        cdp.send_raw("Emulation.setDeviceMetricsOverride", metrics).await.unwrap();
        cdp.send_raw("Emulation.setEmulatedMedia", media).await.unwrap();
    }

    pub(crate) async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// Clicks what an `XPath` names, such as a button by its text.
    pub(crate) async fn click(&self, xpath: &str) {
        let found =
            self.driver.find(By::XPath(xpath)).await.unwrap_or_else(|error| panic!("{xpath}: {error}"));
        found.scroll_into_view().await.unwrap();
        found.click().await.unwrap();
    }

    /// Clicks what leads to another page, and waits for that page.
    pub(crate) async fn follow(&self, xpath: &str) {
        self.run("document.documentElement.dataset.old = 'yes'").await;
        self.click(xpath).await;
        self.another_page().await;
    }

    /// Waits for a page in place of the one marked as old.
    pub(crate) async fn another_page(&self) {
        let there = "return document.readyState === 'complete' && !document.documentElement.dataset.old";
        // Between two pages there is none to run a script in.
        while !self.driver.execute(there, Vec::new()).await.is_ok_and(|there| there.json() == true) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Clicks a button in the card of a tenant.
    pub(crate) async fn act(&self, tenant: &str, button: &str) {
        self.follow(&format!("//form[.//h3='{tenant}']//button[.='{button}']")).await;
    }

    /// Replaces what stands in a field.
    pub(crate) async fn fill(&self, id: &str, text: &str) {
        let field = self.driver.find(By::Id(id)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// The verdict's label and the sentence under it, once the app has answered: until then the page comes back by itself.
    pub(crate) async fn verdict(&self) -> String {
        loop {
            // Between two pages there is none.
            let text = "return document.querySelector('.verdict')?.innerText";
            let shown = self.driver.execute(text, Vec::new()).await.ok();
            let shown = shown.and_then(|shown| Some(shown.json().as_str()?.to_owned())).unwrap_or_default();
            if !shown.is_empty() && !shown.starts_with("Waiting for the app") {
                let lines: Vec<&str> = shown.lines().filter(|line| !line.is_empty()).take(2).collect();
                return lines.join(": ");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What stands in the chip of a tenant.
    pub(crate) async fn status(&self, tenant: &str) -> String {
        let xpath = format!("//form[.//h3='{tenant}']//span[contains(@class, 'chip')]");
        self.driver.find(By::XPath(&xpath)).await.unwrap().text().await.unwrap()
    }

    pub(crate) async fn text(&self) -> String {
        self.driver.find(By::Tag("body")).await.unwrap().text().await.unwrap()
    }

    pub(crate) async fn run(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// Keeps a picture of the page for people to look at.
    pub(crate) async fn screenshot(&self, name: &str) {
        let folder = screenshots();
        std::fs::create_dir_all(&folder).unwrap();
        self.driver.screenshot(&folder.join(format!("{name}.png"))).await.unwrap();
    }

    pub(crate) async fn quit(self) {
        self.driver.quit().await.unwrap();
    }
}

/// Whether what is missing is a failure.
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|ci| ci == "true")
}

/// The driver's process, which ends with this value: also after a failed test, and the browser goes with it.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn screenshots() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    target.expect("cargo's folder for tests is in the target folder").join("screenshots")
}
