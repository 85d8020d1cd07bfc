//! A complete app on plain hyper that receives lifecycle callbacks: `cargo run -p example-hyper`.

mod routes;

use std::pin::pin;
use std::time::Duration;

use example_shared::{App, Failure};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::routes::Routes;

/// How long a head may take to come, and a connection may stay idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a stop waits for what is being answered.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    example_shared::log();
    let app = App::from_env("hyper").await?;
    let worker = app.start_worker();
    let listener = TcpListener::bind(app.address()).await?;
    app.listening(listener.local_addr()?);

    let routes = Routes::new(&app);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let connections = GracefulShutdown::new();
    let mut stop = pin!(example_shared::stop_requested());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                eprintln!("cannot accept a connection: {error}");
                sleep(Duration::from_millis(100)).await; // out of file descriptors, as a rule
                continue;
            }
        };
        let service = TowerToHyperService::new(routes.clone());
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await
                && !error.is_timeout()
            // an idle connection that was closed is no news
            {
                eprintln!("a connection broke: {error}");
            }
        });
    }
    drop(listener);
    if timeout(STOP_TIMEOUT, connections.shutdown()).await.is_err() {
        eprintln!("stopped before every connection was done");
    }
    Ok(worker.await?)
}
