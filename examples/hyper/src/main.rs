//! A complete app on plain hyper that receives lifecycle callbacks: `cargo run -p example-hyper`.

mod routes;

use example_shared::{App, Failure, Limits, Shutdown, serve};
use tokio::net::TcpListener;

use crate::routes::Routes;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    example_shared::log();
    let shutdown = Shutdown::on_signal()?; // first of all: a signal may come at any moment
    let app = App::from_env("hyper").await?;
    let worker = app.start_worker(shutdown.clone());
    let listener = TcpListener::bind(app.address()).await?;
    app.listening(listener.local_addr()?);
    serve(listener, Routes::new(&app), Limits::SMALL, shutdown).await; // hyper itself is called there
    worker.await?;
    app.close().await;
    Ok(())
}
