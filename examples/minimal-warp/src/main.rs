//! The least that receives Seismic's callbacks durably on warp:
//! `SEISMIC_SIGNING_SECRET=demo cargo run -p minimal-warp`. With the same secret, `lifecycle send seismic install --app demo-app
//! --url http://127.0.0.1:3000/seismic` sends it a callback.

use std::error::Error;

use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, Secret, Verifier, async_trait, seismic};
use lifecycle_inbox::{Inbox, Store};
use lifecycle_inbox_sqlite::SqliteEngine;
use tokio::net::TcpListener;
use tokio::signal;
use warp::{Filter, Rejection, Reply};

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
    let server = warp::serve(routes(verifier, inbox)).incoming(listener).graceful(stop()).run();
    tokio::join!(server, worker.run(stop()));
    engine.close().await;
    Ok(())
}

fn routes(
    verifier: Verifier,
    inbox: Inbox,
) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    warp::path!("seismic").and(lifecycle_warp::endpoint(verifier, inbox))
}

async fn stop() {
    let _ = signal::ctrl_c().await;
}

#[cfg(test)]
mod tests {
    use lifecycle_core::EventKind;
    use lifecycle_testing::{SigningKeys, sample};
    use warp::http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn an_install_is_acknowledged_and_handled() {
        let keys = SigningKeys::for_tests(&seismic::PLATFORM);
        let verifier = Verifier::new(&seismic::PLATFORM, keys.verifying(), "demo-app").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let engine = SqliteEngine::open(folder.path().join("lifecycle.db")).unwrap();
        let (inbox, worker) = Store::new(engine).open(Accounts);
        let signed = sample(&seismic::PLATFORM, &EventKind::Install).app("demo-app").sign(&keys);

        let mut request = warp::test::request().method("POST").path("/seismic").body(signed.body);
        for (name, value) in signed.headers {
            request = request.header(name, value);
        }
        let response = request.reply(&routes(verifier, inbox)).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(worker.run_until_idle().await.unwrap(), 1);
    }
}
