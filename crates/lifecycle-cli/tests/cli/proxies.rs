//! Proxies: what the environment names, which never stands between the program and this machine itself.

use std::net::TcpListener;
use std::time::Duration;

use crate::program::{Ran, SECRET, lifecycle_with};
use crate::servers::{answering, app};

const PROXIES: [&str; 3] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY"];

/// A port that refuses connections.
fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// The address of a server that answers so.
fn proxy(answer: &'static str) -> String {
    let url = answering(answer, Duration::ZERO);
    url.trim_start_matches("http://").trim_end_matches("/seismic").to_owned()
}

fn run(arguments: &[&str], url: &str, variable: &str, proxy: &str) -> Ran {
    let arguments = [arguments, &["--url", url, "--secret", SECRET]].concat();
    lifecycle_with(arguments, &[(variable, &format!("http://user:hunter2@{proxy}"))], b"")
}

#[test]
fn no_command_reaches_loopback_through_a_proxy() {
    let app = app("example-axum");
    let url = app.url("/seismic");
    let unavailable = proxy("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
    for proxy in [&refusing(), &unavailable] {
        for variable in PROXIES {
            for arguments in [
                &["send", "seismic", "install"][..],
                &["scenario", "install-to-uninstall"],
                &["conformance", "--filter", "tampered-reserialized"],
            ] {
                let ran = run(arguments, &url, variable, proxy);
                assert_eq!(ran.code, 0, "{variable} {arguments:?}: {ran:?}");
            }
        }
    }
}

#[test]
fn the_marketplace_reaches_loopback_without_a_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("simulator.db");
    let missing = answering("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", Duration::ZERO);
    let database = database.to_str().unwrap();
    let arguments = ["simulate", "--port", "0", "--database", database, "--manifest", &missing];
    let ran = lifecycle_with(arguments, &[("http_proxy", &format!("http://{}", refusing()))], b"");
    assert!(ran.err.contains("answered 404"), "{ran:?}");
}

#[test]
fn a_proxy_that_fails_is_named_and_the_app_is_not_blamed() {
    let url = "http://app.example/seismic";
    for arguments in [&["send", "seismic", "install"][..], &["scenario", "install-to-uninstall"]] {
        let gone = refusing();
        let ran = run(arguments, url, "HTTP_PROXY", &gone);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        let expected = format!(
            "error: no connection to app.example:80 by way of the proxy {gone}: connection refused by the proxy: "
        );
        assert!(ran.err.starts_with(&expected), "{ran:?}");

        for (answer, status) in [
            ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", "503"),
            ("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", "407"),
        ] {
            let failing = proxy(answer);
            let ran = run(arguments, url, "HTTP_PROXY", &failing);
            assert_eq!(ran.code, 2, "{ran:?}");
            let told = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                told.contains(&format!("it is not known what the app answers: {status}, after")),
                "{ran:?}"
            );
            assert!(
                told.contains(&format!("may be the answer of the proxy {failing} in its place")),
                "{ran:?}"
            );
            assert!(!ran.out.contains("hunter2") && !ran.out.contains("blocked:"), "{ran:?}");
        }
    }
}

#[test]
fn a_proxy_without_a_tunnel_is_named() {
    let failing = proxy("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
    let ran = run(&["send", "seismic", "install"], "https://app.example/seismic", "HTTPS_PROXY", &failing);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
    let expected = format!("error: no connection to app.example:443 by way of the proxy {failing}: ");
    assert!(ran.err.starts_with(&expected) && !ran.err.contains("hunter2"), "{ran:?}");
}

#[test]
fn what_went_through_a_proxy_is_told() {
    let working = proxy("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
    let ran = run(&["send", "seismic", "install"], "http://app.example/seismic", "HTTP_PROXY", &working);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains(&format!("by way of the proxy {working}, whose time counts too")), "{ran:?}");
}
