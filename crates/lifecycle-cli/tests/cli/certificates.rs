//! Certificates: a server whose authority nobody knows, and the setting that makes it known.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::{fs, thread};

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};

use crate::program::{SECRET, lifecycle_with};

/// A server that answers 202 over TLS, and its certificate's file.
fn secured(name: &str) -> (String, String) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&file, own.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut connection) =
                (stream.unwrap(), ServerConnection::new(config.clone()).unwrap());
            let mut secured = Stream::new(&mut connection, &mut stream);
            // Both fail where the client trusts nobody.
            if secured.read(&mut [0; 16 * 1024]).is_ok() {
                let _ = secured.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
            }
        }
    });
    (format!("https://localhost:{port}/seismic"), file.to_str().unwrap().to_owned())
}

#[test]
fn an_unknown_authority_is_told_with_the_setting_that_makes_it_known() {
    let (url, file) = secured("known.pem");
    let send = ["send", "seismic", "install", "--secret", SECRET, "--url", &url];
    let unknown = lifecycle_with(send, &[], b"");
    assert_eq!((unknown.code, unknown.out.as_str()), (2, ""), "{unknown:?}");
    assert!(unknown.err.starts_with("error: the certificate of localhost:"), "{unknown:?}");
    assert!(
        unknown.err.contains("is not trusted: ") && unknown.err.contains("SSL_CERT_FILE=ca.pem"),
        "{unknown:?}"
    );
    if cfg!(target_os = "linux") {
        let known = lifecycle_with(send, &[("SSL_CERT_FILE", &file)], b"");
        assert_eq!(known.code, 0, "{known:?}");
    }
}

#[test]
fn a_port_that_speaks_no_tls_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/seismic", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("s.db").display().to_string();
    let sent = lifecycle_with(["send", "seismic", "install", "--secret", SECRET, "--url", &url], &[], b"");
    let simulated =
        lifecycle_with(["simulate", "--port", "0", "--database", &database, "--manifest", &url], &[], b"");
    for ran in [sent, simulated] {
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(ran.err.contains("does not speak TLS") && ran.err.contains("write http://"), "{ran:?}");
    }
}

#[test]
fn the_marketplace_tells_it_too() {
    let (url, _) = secured("unknown.pem");
    let database = Path::new(env!("CARGO_TARGET_TMPDIR")).join("certificates.db");
    let database = database.to_str().unwrap();
    let ran =
        lifecycle_with(["simulate", "--port", "0", "--database", database, "--manifest", &url], &[], b"");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("is not trusted: ") && ran.err.contains("SSL_CERT_FILE=ca.pem"), "{ran:?}");
}
