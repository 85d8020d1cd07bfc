//! Axe: the accessibility rules of axe-core, run over a page in the browser.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::browser::{Browser, is_ci};

/// Where it is pinned, by version and digest.
const PINNED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/axe");

/// Each violation by its rule, with the elements that it is about.
const RUN: &str = r"
const done = arguments[arguments.length - 1];
const told = rule => rule.nodes.map(node => `${rule.id}: ${node.html.slice(0, 120)}: ${node.failureSummary}`);
const rules = arguments[0] && { runOnly: arguments[0] };
axe.run(document, { resultTypes: ['violations'], ...rules }).then(
    result => done(result.violations.flatMap(told)), error => done([String(error)]));";

/// Which of its rules.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rules {
    All,
    OfColour,
}

/// The script that has the rules.
pub(crate) struct Axe(String);

impl Axe {
    /// Installs it below the target folder, if it is not there yet. `None` where it cannot be had; in CI that is a failure.
    pub(crate) fn install() -> Option<Self> {
        match installed() {
            Ok(script) => Some(Self(script)),
            Err(error) => {
                assert!(!is_ci(), "axe-core: {error}");
                println!("skipped: axe-core: {error}");
                None
            }
        }
    }

    /// What the page that a browser shows does wrong.
    pub(crate) async fn violations(&self, browser: &Browser, rules: Rules) -> Vec<String> {
        if browser.run("return typeof axe").await == "undefined" {
            browser.run(&self.0).await;
        }
        let only = match rules {
            Rules::All => Value::Null,
            Rules::OfColour => json!(["color-contrast", "link-in-text-block"]),
        };
        let told = browser.driver.execute_async(RUN, vec![only]).await.unwrap().json().clone();
        let Value::Array(told) = told else { panic!("axe tells no list: {told}") };
        told.iter().map(|violation| violation.as_str().unwrap_or_default().to_owned()).collect()
    }
}

fn installed() -> Result<String, String> {
    let failed = |error: std::io::Error| error.to_string();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("axe");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    let lock = "package-lock.json";
    let pinned = std::fs::read(Path::new(PINNED).join(lock)).map_err(failed)?;
    if !script.exists() || std::fs::read(folder.join(lock)).ok().as_ref() != Some(&pinned) {
        std::fs::create_dir_all(&folder).map_err(failed)?;
        for file in [".npmrc", "package.json", lock] {
            std::fs::copy(Path::new(PINNED).join(file), folder.join(file)).map_err(failed)?;
        }
        let npm = Command::new("npm")
            .args(["ci", "--loglevel=error"])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .status()
            .map_err(|error| format!("npm: {error}"))?;
        if !npm.success() {
            let _ = std::fs::remove_file(folder.join(lock)); // so that the next run tries again
            return Err(format!("npm ci: {npm}"));
        }
    }
    std::fs::read_to_string(script).map_err(failed)
}
