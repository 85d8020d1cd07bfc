//! The command on the page of a delivery works as it stands there: pasted into a shell, on every platform.
#![cfg(unix)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command};

use lifecycle_core::Proof;
use lifecycle_testing::{RSA_TEST_KEY, Sender, SigningKeys, registry, variable};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::Ran;
use crate::simulate::start;

/// A secret or a private key of any sort.
const KEY: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

/// A simulator in the built program, and the folder of the terminal.
struct Stage {
    host: String,
    child: Child,
    folder: TempDir,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (child, printed, _) = start(&folder, &["--quiet"]);
        let url = printed.split("listening on http://").nth(1).unwrap();
        Self { host: url.trim().trim_end_matches('/').to_owned(), child, folder }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let (host, length) = (&self.host, body.len());
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        serde_json::from_str(&self.ask("POST", path, &body.to_string())).unwrap()
    }

    /// Has the first event of a platform sent to nobody; its number.
    fn delivery(&self, sender: &Sender) -> i64 {
        let name = sender.platform().name();
        let mut new = json!({"platform": name, "name": "Test app", "url": "http://127.0.0.1:1/x"});
        if SigningKeys::parse(sender.platform(), KEY).is_ok() {
            new["signing_secret"] = json!(KEY);
        }
        let app = self.post("/api/apps", &new)["id"].clone();
        let tenants: Value = serde_json::from_str(&self.ask("GET", "/api/tenants", "")).unwrap();
        let own = |tenant: &&Value| tenant["platform"] == name;
        let tenant = tenants.as_array().unwrap().iter().find(own).unwrap()["id"].clone();
        let sent = ["install", sender.names()[0]].into_iter().find_map(|action| {
            let path = format!("/api/apps/{app}/actions");
            self.post(&path, &json!({"tenant": tenant, "action": action}))["deliveries"][0]["id"].as_i64()
        });
        sent.expect("something is sent")
    }

    /// What the page of a delivery offers to paste.
    fn command(&self, delivery: i64) -> Option<String> {
        let page = self.ask("GET", &format!("/deliveries/{delivery}"), "");
        let (_, rest) = page.split_once("id=\"explain-command\">")?;
        let (command, _) = rest.split_once("</pre>")?;
        Some(command.replace("&#x2f;", "/").replace("&#x27;", "'").replace("&amp;", "&"))
    }

    /// Pastes it into a terminal in which this variable is set.
    fn paste(&self, command: &str, variable: &str, value: &str) -> Ran {
        let programs = Path::new(env!("CARGO_BIN_EXE_lifecycle")).parent().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let ran = Command::new("sh")
            .args(["-c", command])
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env(variable, value)
            .output()
            .unwrap();
        Ran {
            code: ran.status.code().unwrap(),
            out: String::from_utf8(ran.stdout).unwrap(),
            err: String::from_utf8(ran.stderr).unwrap(),
        }
    }
}

#[test]
fn the_command_on_the_page_of_a_delivery_works_as_it_stands_there() {
    let stage = Stage::new();
    for sender in registry().iter().copied() {
        let platform = sender.platform();
        if matches!(platform.proof(), Proof::UnguessableUrl) {
            continue; // nothing proves it, so nothing is explained
        }
        let keys = SigningKeys::parse(platform, KEY)
            .or_else(|_| SigningKeys::parse(platform, RSA_TEST_KEY))
            .unwrap();
        if let Some(key) = keys.public_key() {
            std::fs::write(stage.folder.path().join("public-key.pem"), key).unwrap();
        }
        let delivery = stage.delivery(sender);
        let command = stage.command(delivery).expect("there is one");
        let secret = variable(platform, "SIGNING_SECRET");
        let ran = stage.paste(&command, &secret, KEY);
        assert_eq!(ran.code, 0, "{command}: {ran:?}");
        assert!(ran.out.starts_with("the signature matches this "), "{command}: {ran:?}");
        assert!(!ran.out.contains("line break"), "which a key may end with: {ran:?}");
    }
    let delivery = stage.delivery(Sender::of(&lifecycle_core::seismic::PLATFORM).unwrap());
    let ran = stage.paste(&stage.command(delivery).unwrap(), "SEISMIC_SIGNING_SECRET", "another secret");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("is it the secret of this app?"), "{ran:?}");
}
