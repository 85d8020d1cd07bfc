//! The servers that the benchmarks load: the same route in each framework, bare, written by hand, and with the library.
//!
//! They are a program of their own because the other one counts allocations, which takes time.

mod actix_web;
mod axum;
mod durable;
mod expert;
mod hyper;
mod warp;

use std::io::{Read, stdin};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use lifecycle_core::{ExpectedApp, LifecycleHandler, Secret, Verifier, seismic};
use tokio::runtime::{Builder, Runtime};

/// Why it could not serve.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What stands behind a framework's `POST /seismic`. All of them answer 202.
#[derive(Clone, Copy, Debug)]
enum Route {
    /// Reads the body, verifies nothing.
    Bare,
    /// Verified and decoded by hand; see [`expert`].
    Expert,
    /// Ours, as what the framework's routes take as an argument.
    Extractor,
    /// Ours, as middleware around a route that reads the body.
    Middleware,
    /// Ours, as the whole route.
    Endpoint,
}

/// Serves what the arguments name, such as `axum expert` or `durable inbox FILE`, on one thread and a port of its own,
/// which it prints. The secret is in `SIGNING_SECRET`. Ends when its input does.
fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?);
    thread::spawn(|| {
        let _ = stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["durable", name, file] => durable::serve(name, file.as_ref(), listener),
        ["axum", "signed"] => axum::serve_signed(listener),
        ["axum", route] => axum::serve(Route::named(route)?, listener),
        ["actix-web", route] => actix_web::serve(Route::named(route)?, listener),
        ["hyper", route] => hyper::serve(Route::named(route)?, listener),
        ["warp", route] => warp::serve(Route::named(route)?, listener),
        _ => Err(format!("there is no server {words:?}").into()),
    }
}

impl Route {
    fn named(name: &str) -> Result<Self, Failure> {
        Ok(match name {
            "bare" => Self::Bare,
            "expert" => Self::Expert,
            "extractor" => Self::Extractor,
            "middleware" => Self::Middleware,
            "endpoint" => Self::Endpoint,
            _ => return Err(format!("there is no route {name}").into()),
        })
    }
}

fn secret() -> Result<String, Failure> {
    std::env::var("SIGNING_SECRET").map_err(|_| "SIGNING_SECRET is not set".into())
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn asynchronous(listener: TcpListener) -> std::io::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

fn verifier() -> Result<Verifier, Failure> {
    Ok(Verifier::new(&seismic::PLATFORM, Secret::new(secret()?)?, ExpectedApp::Any).unwrap())
}

struct AcceptAll;

impl LifecycleHandler for AcceptAll {}
