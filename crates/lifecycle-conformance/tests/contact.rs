//! First contact with servers that do not take a plain callback: one sentence says which of path, secret and app is wrong.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use lifecycle_conformance::{ContactError, Credentials, Exactness, Route, RouteKind, Target};

/// A server that gives the same bytes to whatever is sent, and closes.
fn serve(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let _ = stream.read(&mut [0; 16 * 1024]); // one read has the request, which is small
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

fn target(address: String, kind: RouteKind, path: &str) -> Target {
    let platform = if kind == RouteKind::Hook { "securityscorecard" } else { "seismic" };
    let credentials = Credentials {
        app: "a1".into(),
        current: "the-secret-of-this-test".into(),
        previous: None,
        tenant: None,
    };
    Target {
        name: "server".into(),
        address,
        routes: vec![Route {
            name: kind.name().into(),
            path: path.into(),
            platform: platform.into(),
            kind,
            event: None,
        }],
        credentials: BTreeMap::from([(platform.to_owned(), credentials)]),
        exactness: Exactness::Verdict,
    }
}

#[test]
fn a_server_that_does_not_take_a_plain_install_is_told_apart_by_its_answer() {
    for (answer, expected) in [
        (
            "404 Not Found\r\n\r\n",
            "404 in answer to a plain install at /seismic: nothing takes callbacks at this path",
        ),
        (
            "405 Method Not Allowed\r\nallow: GET\r\n\r\n",
            "405 in answer to a plain install at /seismic: nothing takes callbacks at this path",
        ),
        (
            "401 Unauthorized\r\n\r\n{\"code\":\"signature-mismatch\"}",
            "401 in answer to a plain, signed install at /seismic: the server has another signing secret, or verifies other bytes",
        ),
        (
            "403 Forbidden\r\n\r\nno",
            "403 in answer to a plain, signed install at /seismic: the server has another signing secret, or verifies other bytes",
        ),
        (
            "403 Forbidden\r\n\r\n{\"code\":\"refused\"}",
            "403 refused in answer to a plain install at /seismic",
        ),
        (
            "422 Unprocessable Content\r\n\r\n{\"code\":\"unexpected-app\"}",
            "the server refuses a plain install about the app a1: it expects another app",
        ),
        (
            "500 Internal Server Error\r\n\r\n{\"code\":\"\\u001b[2J\"}",
            "500 in answer to a plain install at /seismic",
        ),
        (
            "307 Temporary Redirect\r\nlocation: /seismic/?key=s3cr3t\r\n\r\n",
            "307 in answer to a plain install at /seismic: a redirect to /seismic/, which the platforms do not follow",
        ),
    ] {
        let answer = format!("HTTP/1.1 {answer}").leak();
        let error = target(serve(answer), RouteKind::Endpoint, "/seismic?key=s3cr3t").contact().unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_server_that_speaks_tls_or_nothing_is_told_apart() {
    for answer in [
        "\x15\x03\x01\x00\x02\x02\x46",
        "HTTP/1.1 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
    ] {
        let address = serve(answer);
        let error = target(address.clone(), RouteKind::Endpoint, "/seismic").contact().unwrap_err();
        assert_eq!(error, ContactError::NotHttp { address });
    }
    let closed = target(serve(""), RouteKind::Endpoint, "/seismic").contact().unwrap_err();
    assert!(matches!(closed, ContactError::Closed { .. }), "{closed}");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let gone = target(gone, RouteKind::Endpoint, "/seismic").contact().unwrap_err();
    let ContactError::Unreachable { kind, .. } = &gone else { panic!("{gone}") };
    assert_eq!(*kind, std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_hook_says_no_more_than_that_path_or_token_is_wrong() {
    let address = serve("HTTP/1.1 404 Not Found\r\n\r\n");
    let error = target(address, RouteKind::Hook, "/hook/{token}").contact().unwrap_err().to_string();
    assert_eq!(
        error,
        "404 in answer to a plain app.installed: the hook's path or its last part, the token, is another"
    );
}

#[test]
fn a_success_of_another_kind_is_for_the_fixtures_to_tell() {
    for answer in ["HTTP/1.1 202 Accepted\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nok"] {
        assert_eq!(target(serve(answer), RouteKind::Endpoint, "/seismic").contact(), Ok(()));
    }
}

#[test]
fn a_name_is_tried_at_each_of_its_addresses() {
    let address = serve("HTTP/1.1 202 Accepted\r\n\r\n"); // on 127.0.0.1, while localhost may mean ::1 first
    let port = address.rsplit_once(':').unwrap().1;
    let target = target(format!("localhost:{port}"), RouteKind::Endpoint, "/seismic");
    assert_eq!(target.contact(), Ok(()));
}
