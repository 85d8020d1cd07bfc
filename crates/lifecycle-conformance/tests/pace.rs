//! Pace: a sender that writes slowly, against servers that take their time.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use lifecycle_conformance::{
    Credentials, Exactness, Filter, Progress, Route, RouteKind, Suite, Target, run_target,
};

/// Longer than the pauses of the slow cases: what is sent after a body has come by then.
const LATE: Duration = Duration::from_millis(500);

#[test]
fn nothing_follows_a_whole_body_before_its_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, received) = channel();
    thread::spawn(move || sender.send(late(listener.accept().unwrap().0)));
    let suite = Suite::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")).unwrap();
    let report = run_target(&suite, &target(address), &Filter::id("forged-slow"), &Progress::silent());
    assert_eq!(
        received.recv().unwrap(),
        "",
        "a server that closes now resets the connection, and its answer is lost"
    );
    assert_eq!((report.passed(), report.failed()), (1, 0), "{}", report.table());
}

/// Reads a whole request, gives what comes after it before the answer, and answers.
fn late(mut stream: TcpStream) -> String {
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "the request ends early");
        request.extend(&buffer[..count]);
    }
    stream.set_read_timeout(Some(LATE)).unwrap();
    let mut buffer = [0; 4096];
    let count = stream.read(&mut buffer).unwrap_or(0); // nothing, in time
    let answer = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(answer).unwrap();
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    request.len() >= head.len() + 4 + length.parse::<usize>().unwrap()
}

fn target(address: String) -> Target {
    let credentials =
        Credentials { app: "a1".into(), current: "a secret".into(), previous: None, tenant: None };
    Target {
        name: "late".into(),
        address,
        routes: vec![Route {
            name: "endpoint".into(),
            path: "/seismic".into(),
            platform: "seismic".into(),
            kind: RouteKind::Endpoint,
            event: None,
        }],
        credentials: BTreeMap::from([("seismic".to_owned(), credentials)]),
        exactness: Exactness::Verdict,
    }
}
