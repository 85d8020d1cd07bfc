//! Other languages: what verifies in Node and in Python, as programs that take their turns.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;
use crate::report;

use super::callbacks::{Callback, SECRET};
use super::child::Child;
use super::{Purpose, by_hand};

/// A way to verify, and the language's program that runs it.
pub(super) struct Peer {
    pub(super) name: &'static str,
    program: &'static str,
    /// As the script calls it.
    way: &'static str,
    /// Whether it can verify without decoding.
    pub(super) verifies: bool,
}

pub(super) const ALL: [Peer; 6] = [
    Peer { name: "Node, node:crypto", program: NODE, way: "node:crypto", verifies: true },
    Peer {
        name: "Node, @octokit/webhooks-methods",
        program: NODE,
        way: "@octokit/webhooks-methods",
        verifies: true,
    },
    Peer { name: "Node, standardwebhooks", program: NODE, way: "standardwebhooks", verifies: false },
    Peer { name: "Python, hmac.new", program: PYTHON, way: "hmac.new", verifies: true },
    Peer { name: "Python, hmac.digest", program: PYTHON, way: "hmac.digest", verifies: true },
    Peer { name: "Python, hmac keyed once", program: PYTHON, way: "hmac.copy", verifies: true },
];

const NODE: &str = "node";
const PYTHON: &str = "python3";

/// Pinned, so that reports can be compared.
const PACKAGES: [&str; 2] = ["@octokit/webhooks-methods@6.0.0", "standardwebhooks@1.1.1"];

/// The scripts and the callbacks that they judge, where the programs can read them.
pub(super) struct Stage {
    folder: PathBuf,
}

impl Stage {
    /// Beside the reports. Node finds packages there: they are installed if they are not yet and a registry can be
    /// reached; if not, what needs them cannot start.
    pub(super) fn set(callbacks: &[Callback]) -> Result<Self, Failure> {
        let folder = report::folder().join("other-languages");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("peers.mjs"), include_str!("peers.mjs"))?;
        fs::write(folder.join("peers.py"), include_str!("peers.py"))?;
        let pairs = callbacks
            .iter()
            .map(|callback| Ok((std::str::from_utf8(&callback.signed)?, by_hand::sign(&callback.signed))));
        let pairs: Vec<(&str, String)> = pairs.collect::<Result<_, Failure>>()?;
        fs::write(folder.join("callbacks.json"), serde_json::to_vec(&pairs)?)?;
        if !folder.join("node_modules").exists() {
            install(&folder);
        }
        Ok(Self { folder })
    }

    /// # Errors
    /// When the language or a package is not installed.
    pub(super) fn start(&self, peer: &Peer, purpose: Purpose) -> Result<Child, Failure> {
        let script = if peer.program == NODE { "peers.mjs" } else { "peers.py" };
        let purpose = match purpose {
            Purpose::Verify => "verify",
            Purpose::Decode => "decode",
        };
        let mut command = Command::new(peer.program);
        command.current_dir(&self.folder).args([script, peer.way, purpose, SECRET, "callbacks.json"]);
        Child::start(command.stderr(Stdio::null()))
    }
}

/// Packages of others run no code while they are installed.
fn install(folder: &Path) {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"])
        .args([OsStr::new("--prefix"), folder.as_os_str()])
        .args(PACKAGES);
    if !npm.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        eprintln!("bench: npm could not install {PACKAGES:?}: they are not measured");
    }
}
