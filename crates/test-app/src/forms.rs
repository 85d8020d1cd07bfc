//! Forms: one handler at an endpoint without an inbox, and behind one, as programs that keep the contract of the example apps.

use std::env;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::routing::get;
use axum::{Json, Router};
use lifecycle_core::{
    Decision, Deduplicated, Delivery, EndpointHandler, EventKind, ExpectedApp, HandlerError, HookToken,
    LifecycleHandler, Secret, Secrets, SigningSecret, Trust, Verifier, securityscorecard, seismic,
};
use lifecycle_inbox::{MemoryEngine, Store};
use lifecycle_tower::LifecycleEndpoint;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Where the handler runs.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// At the endpoint, which does everything while the platform waits.
    Bare,
    /// Behind an inbox: a worker does the rest.
    Durable,
}

/// Serves the endpoints of both platforms until the process ends.
///
/// # Errors
/// A setting that cannot be used, or no free port.
pub async fn serve(form: Form) -> Result<(), Failure> {
    let handler = Scripted::default();
    let store = Store::new(MemoryEngine::new());
    let endpoint: Arc<dyn EndpointHandler> = match form {
        Form::Bare => Arc::new(Deduplicated::new(handler.clone())),
        Form::Durable => {
            let (inbox, worker) = store.open(handler.clone());
            tokio::spawn(worker.run(std::future::pending()));
            Arc::new(inbox)
        }
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, callbacks(&endpoint)?.merge(pages(handler, store))).await?;
    Ok(())
}

fn callbacks(handler: &Arc<dyn EndpointHandler>) -> Result<Router, Failure> {
    let endpoint = |verifier| LifecycleEndpoint::new(verifier, Arc::clone(handler));
    let seismic = seismic_verifier()?;
    let hook = HookToken::new(&env::var("SECURITYSCORECARD_HOOK_TOKEN")?)?;
    let hook = endpoint(Verifier::new(&securityscorecard::PLATFORM, hook, ExpectedApp::Any)?);
    let routes = Router::new()
        .route_service("/seismic", endpoint(seismic.clone()))
        .route_service("/hook", hook.clone())
        .route_service("/hook/{token}", hook);
    Ok(EventKind::KNOWN.into_iter().fold(routes, |routes, kind| {
        let path = format!("/seismic/{}", kind.name());
        routes.route_service(&path, endpoint(seismic.clone().expect_event(kind)))
    }))
}

fn seismic_verifier() -> Result<Verifier, Failure> {
    let mut secrets =
        Secrets::from(SigningSecret::new("current", &Secret::new(env::var("SEISMIC_SIGNING_SECRET")?)?));
    if let Ok(previous) = env::var("SEISMIC_PREVIOUS_SIGNING_SECRET") {
        secrets = secrets.or(SigningSecret::new("previous", &Secret::new(previous)?));
    }
    let app = env::var("SEISMIC_APP_ID").map_or(ExpectedApp::Any, ExpectedApp::from);
    let verifier = Verifier::new(&seismic::PLATFORM, secrets, app)?;
    match env::var("SEISMIC_MAX_AGE_SECONDS") {
        Ok(age) => Ok(verifier.with_max_age(Duration::from_secs(age.parse()?))?),
        Err(_) => Ok(verifier),
    }
}

fn pages(handler: Scripted, store: Store) -> Router {
    let route = |path: &str, platform: &str, kind: &str| json!({"name": path, "path": path, "platform": platform, "kind": kind});
    let mut routes =
        vec![route("/seismic", "seismic", "endpoint"), route("/hook/{token}", "securityscorecard", "hook")];
    routes.extend(EventKind::KNOWN.map(|kind| {
        let mut route = route(&format!("/seismic/{}", kind.name()), "seismic", "endpoint-one");
        route["event"] = kind.name().into();
        route
    }));
    let deliveries = async move || Json(handler.seen());
    let inbox = async move || {
        let stats = store.stats().await.unwrap_or_default();
        Json(json!({"pending": stats.pending, "leased": stats.leased}))
    };
    Router::new()
        .route("/routes", get(async || Json(routes)))
        .route("/deliveries", get(deliveries))
        .route("/inbox", get(inbox))
}

/// A handler that misbehaves as the fixtures ask, and records what it handled.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<Vec<Value>>>);

impl Scripted {
    fn seen(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl LifecycleHandler for Scripted {
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        let callback = delivery.payload::<seismic::Callback>().ok();
        match callback.and_then(|callback| callback.tenant).as_deref() {
            Some("refuse-me") => return Ok(Decision::refuse("this tenant is refused on request")),
            Some("fail-me") => return Err("this tenant fails on request".into()),
            Some("sleep-me") => tokio::time::sleep(Duration::from_secs(10)).await,
            _ => {}
        }
        Ok(Decision::Accept)
    }

    async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let event = delivery.event();
        let trust = match delivery.trust() {
            Trust::Signed { secret, header } => {
                json!({"signed": {"secret": secret.as_str(), "header": header}})
            }
            _ => json!("unguessable-url"),
        };
        let seen = json!({
            "platform": delivery.platform().name(),
            "kind": event.kind().name(),
            "app": event.app(),
            "tenant": event.tenant(),
            "version": event.version(),
            "prior_version": event.prior_version(),
            "request_id": event.request_id(),
            "trust": trust,
            "idempotency_key": delivery.idempotency_key(),
            "body_length": delivery.body().len(),
            "body_sha256": const_hex::encode(Sha256::digest(delivery.body())),
        });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        Ok(())
    }
}
