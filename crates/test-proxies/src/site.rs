//! Site: one proxy in front of one app, as the world sees it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Failure;
use crate::answer::PATIENCE;
use crate::certificate::{Certificate, NAME};
use crate::place::Place;
use crate::proxies::Proxy;
use crate::running::Running;

/// How a client speaks to the proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Front {
    Http1,
    Http2,
}

impl Front {
    pub(crate) const ALL: [Self; 2] = [Self::Http1, Self::Http2];
}

/// The attacker's address; everybody else comes from 127.0.0.1.
pub(crate) const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

pub(crate) const FRIEND: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A proxy that runs in front of an app.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) proxy: &'static Proxy,
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
    running: Mutex<Running>, // before its files, which must outlive it
    place: Place,
    crashes: AtomicUsize,
}

impl Site {
    /// Starts the proxy in front of the app at this address and port.
    pub(crate) fn start(
        proxy: &'static Proxy,
        app: &str,
        certificate: &Certificate,
    ) -> Result<Self, Failure> {
        let place = Place::new(proxy, app, certificate)?;
        let running = Mutex::new(Running::start(proxy, &place)?);
        let (http1, http2) = (certificate.client("http/1.1")?, certificate.client("h2")?);
        Ok(Self { proxy, http1, http2, running, place, crashes: AtomicUsize::new(0) })
    }

    /// A TCP connection from this address.
    pub(crate) async fn connect(&self, from: Ipv4Addr) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let stream = socket.connect(SocketAddr::from(([127, 0, 0, 1], self.place.port))).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// A TLS connection from this address.
    pub(crate) async fn open(&self, front: Front, from: Ipv4Addr) -> std::io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(NAME).map_err(std::io::Error::other)?;
        let client = match front {
            Front::Http1 => &self.http1,
            Front::Http2 => &self.http2,
        };
        let connector = TlsConnector::from(Arc::clone(client));
        timeout(PATIENCE, connector.connect(name, self.connect(from).await?)).await?
    }

    /// How often the proxy has ended by a known bug, and was started again.
    pub(crate) fn crashes(&self) -> usize {
        self.crashes.load(Ordering::Relaxed)
    }

    /// To be asked when an answer does not come: whether the proxy has crashed since it had done so this often. Then it
    /// runs again.
    pub(crate) async fn has_crashed_since(&self, crashes: usize) -> bool {
        sleep(Duration::from_millis(200)).await; // its end may take longer than that of its connections
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = self.proxy.known_crash else { return false };
        let times: usize = self.logs().iter().map(|(_, log)| log.matches(known).count()).sum();
        if running.has_ended().unwrap_or(false) && times > self.crashes() {
            match Running::start(self.proxy, &self.place) {
                Ok(restarted) => *running = restarted,
                Err(failure) => eprintln!("{failure}"),
            }
            self.crashes.fetch_add(1, Ordering::Relaxed);
        }
        self.crashes() > crashes
    }

    /// Whatever the proxy has printed or logged: file names, and what is in them.
    pub(crate) fn logs(&self) -> Vec<(String, String)> {
        let files = fs::read_dir(self.place.folder()).into_iter().flatten().filter_map(Result::ok);
        let logs =
            files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|it| it == "log"));
        logs.filter_map(|path| {
            let name = path.file_name()?.to_string_lossy().into_owned();
            Some((name, String::from_utf8_lossy(&fs::read(&path).ok()?).into_owned()))
        })
        .collect()
    }
}
