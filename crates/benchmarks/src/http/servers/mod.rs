//! Servers: the same routes in each framework, bare, written by hand, and with the library.

mod actix_web;
mod axum;
mod durable;
mod expert;
mod hyper;
mod warp;

use std::ffi::OsString;
use std::io::{Read, stdin};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use lifecycle_core::{LifecycleHandler, Receiver, Secret, SecretError, seismic};
use tokio::runtime::{Builder, Runtime};

use super::callback::SECRET;
use crate::Failure;

/// What stands behind a framework's `POST /seismic`. All of them answer 202.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Face {
    /// Reads the body, verifies nothing.
    Bare,
    /// Verified and decoded by hand; see [`expert`].
    Expert,
    /// Ours, as what the framework's routes take as an argument.
    Extracted,
    /// Ours, as middleware around a route that reads the body.
    Verified,
    /// Ours, as the whole route.
    Endpoint,
}

impl Face {
    pub(super) const ALL: [Self; 5] =
        [Self::Bare, Self::Expert, Self::Extracted, Self::Verified, Self::Endpoint];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Expert => "expert",
            Self::Extracted => "extracted",
            Self::Verified => "verified",
            Self::Endpoint => "endpoint",
        }
    }
}

/// A framework's name, and the function that serves one of the faces by it.
pub(super) type Framework = (&'static str, fn(Face, TcpListener) -> Result<(), Failure>);

pub(super) const FRAMEWORKS: [Framework; 4] =
    [("axum", axum::serve), ("actix-web", actix_web::serve), ("warp", warp::serve), ("hyper", hyper::serve)];

/// Serves what the words name, such as `axum expert` or `durable inbox FILE`, on one thread and a port of its own,
/// which it prints. Ends when its input does.
pub(crate) fn serve(words: impl Iterator<Item = OsString>) -> Result<(), Failure> {
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?);
    thread::spawn(|| {
        let _ = stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    serve_by(&words, listener)
}

fn serve_by(words: &[String], listener: TcpListener) -> Result<(), Failure> {
    let unknown = || format!("there is no server {words:?}");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["durable", name, file] => durable::serve(name, file.as_ref(), listener),
        [framework, face] => {
            let (_, serve) =
                FRAMEWORKS.into_iter().find(|(name, _)| *name == framework).ok_or_else(unknown)?;
            let face = Face::ALL.into_iter().find(|own| own.name() == face).ok_or_else(unknown)?;
            serve(face, listener)
        }
        _ => Err(unknown().into()),
    }
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn asynchronous(listener: TcpListener) -> std::io::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

fn receiver() -> Result<Receiver, SecretError> {
    Ok(Receiver::new(&seismic::PLATFORM, Secret::new(SECRET)?))
}

struct AcceptAll;

impl LifecycleHandler for AcceptAll {}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::super::callback::{Forgery, forged, genuine};
    use super::super::load::Connection;
    use super::*;

    fn start(words: &[&str]) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        thread::spawn(move || serve_by(&words, listener).unwrap());
        address
    }

    /// The answers to each request, on a connection of its own.
    fn answers<const N: usize>(address: SocketAddr, requests: [bytes::Bytes; N]) -> [u16; N] {
        let runtime = runtime().unwrap();
        requests.map(|request| {
            let exchange = async { Connection::open(address).await?.exchange(&request).await };
            runtime.block_on(exchange).unwrap()
        })
    }

    #[test]
    fn what_is_measured_takes_genuine_callbacks_and_only_the_bare_route_takes_forged_ones() {
        let forged = forged(Forgery::WrongSignature).unwrap();
        for (framework, _) in FRAMEWORKS {
            for face in Face::ALL {
                let answers =
                    answers(start(&[framework, face.name()]), [genuine(0).unwrap(), forged.clone()]);
                let refusal = if face == Face::Bare { 202 } else { 401 };
                assert_eq!(answers, [202, refusal], "{framework} {}", face.name());
            }
        }
    }

    #[test]
    fn every_forgery_is_refused_for_what_it_is() {
        let address = start(&["axum", "endpoint"]);
        for (forgery, status) in
            [(Forgery::WrongSignature, 401), (Forgery::NoSignature, 401), (Forgery::Oversized, 413)]
        {
            assert_eq!(answers(address, [forged(forgery).unwrap()]), [status], "{forgery:?}");
        }
    }

    #[test]
    fn both_durable_servers_write_each_event_once() {
        for (name, table) in [("inbox", "lifecycle_inbox"), ("per-event", "event")] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("events.db");
            let address = start(&["durable", name, file.to_str().unwrap()]);
            let requests = [0, 1, 1].map(|number| genuine(number).unwrap());
            assert_eq!(answers(address, requests), [202; 3], "{name}");
            let count = rusqlite::Connection::open(&file).unwrap().query_row(
                &format!("SELECT count(*) FROM {table}"),
                [],
                |row| row.get::<_, i64>(0),
            );
            assert_eq!(count, Ok(2), "{name}");
        }
    }
}
