//! The servers that are measured do what they are measured for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use lifecycle_core::{Secret, seismic};

const SECRET: &str = "s3cr3t";

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(words: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_benchmark-server"))
            .args(words)
            .env("SIGNING_SECRET", SECRET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { child, address }
    }

    /// The status that a body gets which is signed with this secret, or not at all.
    fn answer(&self, secret: Option<&str>, body: &str) -> String {
        let sign = |secret| seismic::SCHEME.sign(&Secret::new(secret).unwrap(), &[], body.as_bytes());
        let signature = secret.map(|secret| format!("x-seismic-signature: {}\r\n", sign(secret)));
        let request = format!(
            "POST /seismic HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n{}\r\n{body}",
            body.len(),
            signature.unwrap_or_default()
        );
        let mut stream = TcpStream::connect(self.address.trim()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn callback(id: u32) -> String {
    format!(r#"{{"type":"install","appId":"a","tenantId":"t","requestId":"{id}"}}"#)
}

#[test]
fn every_server_takes_genuine_callbacks_and_only_a_bare_route_takes_forged_ones() {
    for framework in ["axum", "actix-web", "warp", "hyper"] {
        for route in ["bare", "expert", "extractor", "middleware", "endpoint"] {
            let server = Server::start(&[framework, route]);
            assert_eq!(server.answer(Some(SECRET), &callback(1)), "202", "{framework} {route}");
            let refusal = if route == "bare" { "202" } else { "401" };
            assert_eq!(server.answer(Some("a guess"), &callback(1)), refusal, "{framework} {route}");
        }
    }
}

#[test]
fn the_flooded_server_refuses_each_forgery_for_what_it_is() {
    let server = Server::start(&["axum", "endpoint"]);
    assert_eq!(server.answer(None, &callback(1)), "401");
    assert_eq!(server.answer(Some("a guess"), &callback(1)), "401");
    assert_eq!(server.answer(Some("a guess"), &" ".repeat(300 * 1024)), "413");
}

#[test]
fn durable_servers_write_each_event_once() {
    for (name, table) in [("inbox", "lifecycle_inbox"), ("per-event", "event")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("events.db");
        let server = Server::start(&["durable", name, file.to_str().unwrap()]);
        for id in [1, 2, 2] {
            assert_eq!(server.answer(Some(SECRET), &callback(id)), "202", "{name}");
        }
        let connection = rusqlite::Connection::open(&file).unwrap();
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(connection.query_row(&count, [], |row| row.get::<_, i64>(0)), Ok(2), "{name}");
    }
}
