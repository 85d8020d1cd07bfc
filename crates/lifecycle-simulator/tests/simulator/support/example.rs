//! Example: the example app on axum, built and run as its users run it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The signing secret that the example is started with.
pub(crate) const SECRET: &str = "the-secret-of-the-example";

/// The hook token, which the address of the manifest ends in.
const TOKEN: &str = "the-hook-token-of-the-example";

/// A running example app; it ends with this value.
pub(crate) struct Example {
    pub(crate) url: String,
    child: Child,
    _folder: TempDir,
}

impl Example {
    /// Starts the example; its installation page posts to this simulator.
    pub(crate) fn start(simulator: &str) -> Self {
        Self::start_with(simulator, [])
    }

    /// The same, with these settings.
    pub(crate) fn start_with(simulator: &str, settings: impl IntoIterator<Item = (String, String)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(program())
            .current_dir(folder.path()) // where it keeps its database
            .env("PORT", "0")
            .env("SEISMIC_SIGNING_SECRET", SECRET)
            .env("SECURITYSCORECARD_HOOK_TOKEN", TOKEN)
            .env("SECURITYSCORECARD_INSTALLATION_URL", format!("{simulator}/apps/installation-data"))
            .envs(settings)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        let url = lines.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        Self { url: url.expect("the example says where it listens"), child, _folder: folder }
    }
}

impl Example {
    /// Where its manifest is.
    pub(crate) fn manifest_url(&self) -> String {
        format!("{}/securityscorecard/manifest/{TOKEN}", self.url)
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds the example once, where `cargo xtask test` has not. It is no dependency of this crate, so only cargo knows how.
fn program() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        if let Some(folder) = std::env::var_os("LIFECYCLE_BUILT_EXAMPLES") {
            return PathBuf::from(folder).join("example-axum");
        }
        let output = Command::new(env!("CARGO"))
            .args(["build", "--package", "example-axum", "--message-format", "json-render-diagnostics"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        let executable = |line: &str| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            (message["target"]["name"] == "example-axum").then_some(message["executable"].as_str()?.into())
        };
        String::from_utf8_lossy(&output.stdout).lines().find_map(executable).expect("the example builds")
    };
    PROGRAM.get_or_init(build).clone()
}
