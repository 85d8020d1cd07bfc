//! The least that receives Seismic's callbacks durably on actix-web:
//! `SEISMIC_SIGNING_SECRET=demo cargo run -p minimal-actix-web`. With the same secret, `lifecycle send seismic install --app demo-app
//! --url http://127.0.0.1:3000/seismic` sends it a callback.

use std::error::Error;

use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, Secret, Verifier, async_trait, seismic};
use lifecycle_inbox::{Inbox, Store};
use lifecycle_inbox_sqlite::SqliteEngine;
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

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = Secret::new(std::env::var("SEISMIC_SIGNING_SECRET")?)?;
    let verifier = Verifier::new(&seismic::PLATFORM, secret, "demo-app")?; // the app's id on the platform
    let engine = SqliteEngine::open("lifecycle.db")?;
    let (inbox, worker) = Store::new(engine.clone()).open(Accounts);

    let app = move || App::new().configure(|config| routes(config, verifier.clone(), inbox.clone()));
    let server = HttpServer::new(app).bind("127.0.0.1:3000")?.shutdown_signal(stop()).run();
    let (result, ()) = tokio::join!(server, worker.run(stop()));
    engine.close().await;
    Ok(result?)
}

fn routes(config: &mut ServiceConfig, verifier: Verifier, inbox: Inbox) {
    config.route("/seismic", lifecycle_actix::endpoint(verifier, inbox));
}

async fn stop() {
    let _ = signal::ctrl_c().await;
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::test::{TestRequest, call_service, init_service};
    use lifecycle_core::EventKind;
    use lifecycle_testing::{SigningKeys, sample};

    use super::*;

    #[actix_web::test]
    async fn an_install_is_acknowledged_and_handled() {
        let keys = SigningKeys::for_tests(&seismic::PLATFORM);
        let verifier = Verifier::new(&seismic::PLATFORM, keys.verifying(), "demo-app").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let engine = SqliteEngine::open(folder.path().join("lifecycle.db")).unwrap();
        let (inbox, worker) = Store::new(engine).open(Accounts);
        let signed = sample(&seismic::PLATFORM, &EventKind::Install).app("demo-app").sign(&keys);

        let app = init_service(App::new().configure(|config| routes(config, verifier, inbox))).await;
        let mut request = TestRequest::post().uri("/seismic").set_payload(signed.body);
        for header in signed.headers {
            request = request.insert_header(header);
        }
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(worker.run_until_idle().await.unwrap(), 1);
    }
}
