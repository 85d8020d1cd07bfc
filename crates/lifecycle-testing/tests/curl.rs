//! What a command sends when a shell runs it, byte for byte.
#![cfg(unix)] // the commands are for a POSIX shell

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;

use lifecycle_testing::{SigningKeys, curl_command, registry};

/// A request as it arrived.
#[derive(Debug, Default, Eq, PartialEq)]
struct Received {
    /// Method and target.
    start: String,
    /// Names in lower case, in their order, without those that curl adds.
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Headers of the connection, and those that curl adds.
const OWN: [&str; 5] = ["host", "content-length", "transfer-encoding", "user-agent", "accept"];

/// What arrives when a shell runs the command for this request to this target.
fn run(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> (Received, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let receiving = thread::spawn(move || receive(BufReader::new(listener.accept().unwrap().0)));
    let lines = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    let command = curl_command(method, &format!("http://{address}{target}"), lines, body).unwrap();
    let script = format!("curl() {{ command curl -qsS --max-time 10 --noproxy '*' \"$@\"; }}\n{command}");
    let status = Command::new("sh").args(["-c", &script]).stdout(Stdio::null()).status();
    assert!(status.unwrap().success(), "{command}");
    (receiving.join().unwrap(), command)
}

fn receive(mut stream: BufReader<std::net::TcpStream>) -> Received {
    let mut line = || {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        line.trim_end_matches("\r\n").to_owned()
    };
    let start = line().strip_suffix(" HTTP/1.1").unwrap().to_owned();
    let mut all = Vec::new();
    loop {
        let line = line();
        let Some((name, value)) = line.split_once(':') else { break };
        all.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let told = |name: &str| all.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let mut body = Vec::new();
    if told("transfer-encoding").is_some() {
        loop {
            let mut size = String::new();
            stream.read_line(&mut size).unwrap();
            let mut chunk = vec![0; usize::from_str_radix(size.trim(), 16).unwrap() + 2];
            stream.read_exact(&mut chunk).unwrap();
            if chunk == b"\r\n" {
                break;
            }
            body.extend(&chunk[..chunk.len() - 2]);
        }
    } else {
        body.resize(told("content-length").map_or(0, |length| length.parse().unwrap()), 0);
        stream.read_exact(&mut body).unwrap();
    }
    assert_eq!(told("expect"), None, "curl waits for nothing");
    stream
        .get_mut()
        .write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .unwrap();
    all.retain(|(name, _)| !OWN.contains(&name.as_str()));
    Received { start, headers: all, body }
}

/// Whether there is no curl to try with. In CI that is an error.
fn is_missing() -> bool {
    let version = Command::new("curl").arg("--version").stdout(Stdio::null()).status();
    let missing = !version.is_ok_and(|status| status.success());
    assert!(!missing || std::env::var_os("CI").is_none(), "curl is missing");
    missing
}

#[test]
fn curl_sends_whatever_a_body_holds() {
    if is_missing() {
        return;
    }
    let long = "x'".repeat(40_000);
    let texts = [
        "{\"a\":\"it's\"}",
        "a\nb\r\nc\n",
        "@file",
        "@",
        "",
        "$HOME `id` \\n %s \"'",
        "\0",
        "\u{9b}2J",
        "é\u{202e}",
        "\t",
        "-d",
    ];
    let bodies = texts.iter().map(|text| text.as_bytes()).chain([
        &b"\xff\x00\n\n"[..],
        &[b'x'; 2000],
        long.as_bytes(),
    ]);
    for body in bodies {
        for headers in [&[("content-type", "a/b")][..], &[]] {
            let (received, command) = run("POST", "/x", headers, body);
            let headers =
                headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(
                received,
                Received { start: "POST /x".into(), headers, body: body.to_vec() },
                "{command}"
            );
        }
    }
}

#[test]
fn curl_sends_whatever_a_head_holds() {
    if is_missing() {
        return;
    }
    let headers = [
        ("x-empty", ""),
        ("x-quote", "it's; \"$HOME\" \\"),
        ("x-utf8", "é"),
        ("x-twice", "1"),
        ("x-twice", "2"),
    ];
    for method in ["GET", "POST", "DELETE", "HEAD", "PROPFIND"] {
        for target in ["/", "/a?b=c&d='e'", "/[1-3]/{a,b}?q=[]", "/a/../b/./c", "/$HOME"] {
            let (received, command) = run(method, target, &headers, b"");
            assert_eq!(received.start, format!("{method} {target}"), "{command}");
            let got: Vec<_> =
                received.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(got, headers, "{command}");
        }
    }
    let (chunked, command) = run("POST", "/", &[("Transfer-Encoding", "chunked")], b"");
    assert_eq!(chunked.body, b"", "{command}");
    let (chunked, command) = run("POST", "/", &[("Transfer-Encoding", "chunked")], b"{}");
    assert_eq!(chunked.body, b"{}", "{command}");
}

#[test]
fn a_host_is_given_only_where_the_url_tells_another() {
    let command = |host: &str| {
        curl_command("GET", "http://127.0.0.1:3000/x", [("Host", host.as_bytes())], b"").unwrap()
    };
    assert_eq!(command("127.0.0.1:3000"), "curl -i -X GET http://127.0.0.1:3000/x");
    assert!(command("app.example").ends_with("-H 'Host: app.example'"));
}

#[test]
fn a_header_that_is_no_text_cannot_be_sent() {
    assert_eq!(curl_command("GET", "http://127.0.0.1/", [("x", &b"\xff"[..])], b""), None);
}

#[test]
fn curl_sends_every_event_of_every_platform_as_it_is() {
    if is_missing() {
        return;
    }
    for sender in registry() {
        let keys = SigningKeys::for_tests(sender.platform());
        let handshake = sender.handshake().map(|handshake| handshake.event());
        for name in sender.names().into_iter().chain(handshake) {
            let request = sender.named(name).unwrap().sign(&keys);
            let headers: Vec<(&str, &str)> =
                request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let (mut received, command) = run(request.method, &request.target, &headers, &request.body);
            let mut sent = request.headers.clone();
            sent.retain(|(name, _)| !OWN.contains(&name.as_str()));
            received.headers.sort();
            sent.sort();
            let start = format!("{} {}", request.method, request.target);
            assert_eq!(
                received,
                Received { start, headers: sent, body: request.body },
                "{sender:?} {name}: {command}"
            );
        }
    }
}
