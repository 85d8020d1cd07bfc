//! The least that receives Seismic's callbacks durably on axum:
//! `SEISMIC_SIGNING_SECRET=demo cargo run -p minimal-axum`. With the same secret, `lifecycle send seismic install --app demo-app
//! --url http://127.0.0.1:3000/seismic` sends it a callback.

use std::error::Error;
use std::future::IntoFuture;

use axum::Router;
use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, Secret, Verifier, async_trait, seismic};
use lifecycle_inbox::{Inbox, Store};
use lifecycle_inbox_sqlite::SqliteEngine;
use lifecycle_tower::LifecycleEndpoint;
use tokio::net::TcpListener;
use tokio::signal;

/// What the app does about a callback. Methods that are not here accept and do nothing.
struct Accounts;

#[async_trait]
impl LifecycleHandler for Accounts {
    async fn install(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        println!("making an account for {}", delivery.event().tenant());
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = Secret::new(std::env::var("SEISMIC_SIGNING_SECRET")?)?;
    let verifier = Verifier::new(&seismic::PLATFORM, secret, "demo-app")?; // the app's id on the platform
    let engine = SqliteEngine::open("lifecycle.db")?;
    let (inbox, worker) = Store::new(engine.clone()).open(Accounts);

    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let server = axum::serve(listener, routes(verifier, inbox)).with_graceful_shutdown(stop());
    let (result, ()) = tokio::join!(server.into_future(), worker.run(stop()));
    engine.close().await;
    Ok(result?)
}

fn routes(verifier: Verifier, inbox: Inbox) -> Router {
    Router::new().route_service("/seismic", LifecycleEndpoint::new(verifier, inbox))
}

async fn stop() {
    let _ = signal::ctrl_c().await;
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use lifecycle_core::EventKind;
    use lifecycle_testing::{SigningKeys, sample};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn an_install_is_acknowledged_and_handled() {
        let keys = SigningKeys::for_tests(&seismic::PLATFORM);
        let verifier = Verifier::new(&seismic::PLATFORM, keys.verifying(), "demo-app").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let engine = SqliteEngine::open(folder.path().join("lifecycle.db")).unwrap();
        let (inbox, worker) = Store::new(engine).open(Accounts);
        let signed = sample(&seismic::PLATFORM, &EventKind::Install).app("demo-app").sign(&keys);

        let mut request = Request::post("/seismic");
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(signed.body)).unwrap();
        let response = routes(verifier, inbox).oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(worker.run_until_idle().await.unwrap(), 1);
    }
}
