//! Server: a key server over TLS on the loopback address, which answers as it is told to.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{KeySetClient, KeySetUrl};

/// What the server does with a request.
#[derive(Clone)]
pub(super) enum Behaviour {
    /// Answers this, byte for byte.
    Answer(String),
    /// Answers 200 without a length, with chunks that never end.
    Endless,
    /// Ends the connection before the TLS handshake.
    HangUp,
    /// Reads the request, and never answers.
    Silent,
    /// Answers one byte a second.
    Slow(String),
}

pub(super) struct Server {
    port: u16,
    certificate: String,
    behaviour: Arc<Mutex<Behaviour>>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    pub(super) async fn start(behaviour: Behaviour) -> Self {
        Self::named("localhost", behaviour).await
    }

    /// A server whose certificate is for this name.
    pub(super) async fn named(name: &str, behaviour: Behaviour) -> Self {
        let own = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            certificate: own.cert.pem(),
            behaviour: Arc::new(Mutex::new(behaviour)),
            requests: Arc::default(),
        };
        let (behaviour, requests) = (server.behaviour.clone(), server.requests.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                requests.fetch_add(1, SeqCst);
                let behaviour = behaviour.lock().unwrap().clone();
                tokio::spawn(serve(acceptor.clone(), stream, behaviour));
            }
        });
        server
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// How many connections were made: one for each fetch.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn url(&self) -> KeySetUrl {
        KeySetUrl::parse(&format!("https://localhost:{}/keys?v=1", self.port)).unwrap()
    }

    /// A client that trusts it.
    pub(super) fn client(&self) -> KeySetClient {
        KeySetClient::with_root_certificates(self.certificate.as_bytes()).unwrap()
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, behaviour: Behaviour) {
    if matches!(behaviour, Behaviour::HangUp) {
        return;
    }
    // A client that does not trust it ends the handshake.
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let head = read_head(&mut stream).await;
    assert!(head.is_empty() || head.starts_with("GET /keys?v=1 HTTP/1.1\r\n"), "{head}");
    let _ = answer(&mut stream, behaviour).await; // the client may be gone
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(length) => head.extend_from_slice(&buffer[..length]),
        }
    }
    String::from_utf8(head).unwrap()
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin), behaviour: Behaviour) -> std::io::Result<()> {
    match behaviour {
        Behaviour::Answer(text) => {
            stream.write_all(text.as_bytes()).await?;
            stream.shutdown().await
        }
        Behaviour::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            loop {
                stream.write_all(format!("1000\r\n{}\r\n", " ".repeat(0x1000)).as_bytes()).await?;
            }
        }
        Behaviour::HangUp | Behaviour::Silent => std::future::pending().await,
        Behaviour::Slow(text) => {
            for byte in text.bytes() {
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Ok(())
        }
    }
}

/// An answer of 200 with this body and these header lines.
pub(super) fn ok(headers: &str, body: &str) -> Behaviour {
    Behaviour::Answer(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()))
}

/// An answer without a body.
pub(super) fn status(line: &str) -> Behaviour {
    Behaviour::Answer(format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\n\r\n"))
}
