//! An axum app that was there before, and now receives Seismic's webhooks: `SEISMIC_SIGNING_SECRET=demo cargo run -p existing-app`.
//! Its routes, state, sign-in, CORS, access log and sqlx pool are as they were. What was added has a comment that begins with "New".

use std::error::Error;
use std::future::{Future, IntoFuture};
use std::path::Path;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{StatusCode, request::Parts};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::{Extension, Router, routing::get};
use futures_util::FutureExt;
use lifecycle_core::{Delivery, HandlerError, Secret, TenantKey, Verifier, seismic};
use lifecycle_inbox::{EnabledGate, Inbox, Store, Worker};
use lifecycle_inbox_sqlite::{SqliteEngine, Transaction, TransactionalHandler};
use lifecycle_tower::{LifecycleEndpoint, RequireEnabledLayer};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use tokio::net::TcpListener;
use tokio::signal;
use tower_http::cors::{Any, CorsLayer};
use tower_http::trace::TraceLayer;
use tracing::{Span, info_span};

type Failure = Box<dyn Error + Send + Sync>;

/// The app's id at Seismic.
const APP: &str = "demo-app";

/// The customer whose request this is.
#[derive(Clone)]
struct Customer(String);

/// New: what an event does to the app's own table, in the transaction that completes its delivery. So each event has its effect
/// exactly once. What takes longer, such as a mail, belongs into an ordinary `LifecycleHandler`.
struct Seats;

impl TransactionalHandler for Seats {
    fn install(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
        let tenant = delivery.event().tenant();
        transaction
            .execute("INSERT INTO seats (tenant, free) VALUES (?1, 10) ON CONFLICT DO NOTHING", [tenant])?;
        Ok(())
    }

    fn uninstall(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
        transaction.execute("DELETE FROM seats WHERE tenant = ?1", [delivery.event().tenant()])?;
        Ok(())
    }
}

/// All that is opened at the start and closed at the end.
struct App {
    pool: SqlitePool,
    engine: SqliteEngine,
    routes: Router,
    worker: Worker,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    tracing_subscriber::fmt().init();
    let secret = Secret::new(std::env::var("SEISMIC_SIGNING_SECRET")?)?;
    let verifier = Verifier::new(&seismic::PLATFORM, secret, APP)?;
    let app = App::open(Path::new("app.db"), verifier).await?;
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    app.run(listener, stop()).await
}

impl App {
    async fn open(file: &Path, verifier: Verifier) -> Result<Self, Failure> {
        // New: the inbox is in the app's own file, beside its tables.
        let engine = SqliteEngine::open(file)?;
        let (inbox, worker) = Store::new(engine.clone()).open_with(engine.runner(Seats));
        let gate = EnabledGate::new(Arc::new(engine.clone()));

        let options = SqliteConnectOptions::new().filename(file).journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePool::connect_with(options).await?;
        let table = "CREATE TABLE IF NOT EXISTS seats (tenant TEXT PRIMARY KEY, free INTEGER NOT NULL)";
        sqlx::query(table).execute(&pool).await?;
        let routes = routes(pool.clone(), verifier, inbox, gate);
        Ok(Self { pool, engine, routes, worker })
    }

    /// Serves until it is told to stop. Requests and handlers that are under way come to their end.
    async fn run(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Failure> {
        let stop = stop.shared();
        let server = axum::serve(listener, self.routes).with_graceful_shutdown(stop.clone());
        let (served, ()) = tokio::join!(server.into_future(), self.worker.run(stop)); // New: the same signal stops both.
        self.pool.close().await;
        self.engine.close().await; // New: leaves one whole file.
        Ok(served?)
    }
}

fn routes(pool: SqlitePool, verifier: Verifier, inbox: Inbox, gate: EnabledGate) -> Router {
    let signed_in = Router::new()
        .route("/seats", get(seats))
        .route_layer(RequireEnabledLayer::new(gate, tenant)) // New: for customers that have the app enabled.
        .route_layer(from_fn(sign_in)); // It runs first.
    let api = Router::new()
        .route("/about", get(async || "An app with seats"))
        .merge(signed_in)
        .layer(CorsLayer::new().allow_origin(Any).allow_headers([AUTHORIZATION]));
    // New: a route of its own, outside of sign-in and CORS. No layer here may change or limit its body.
    let webhooks = Router::new().route_service("/seismic", LifecycleEndpoint::new(verifier, inbox));
    Router::new()
        .nest("/api", api)
        .nest("/webhooks", webhooks)
        .with_state(pool)
        .layer(TraceLayer::new_for_http().make_span_with(access_log))
}

/// Names the route, and neither path nor query: some platforms have a token there.
fn access_log(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    info_span!("request", method = %request.method(), route)
}

/// Stands for the app's own sign-in: a real one looks a session up.
async fn sign_in(mut request: Request, next: Next) -> Result<Response, StatusCode> {
    let session = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let customer = session.and_then(|session| session.strip_prefix("Bearer session-of-"));
    let customer = Customer(customer.ok_or(StatusCode::UNAUTHORIZED)?.to_owned());
    request.extensions_mut().insert(customer);
    Ok(next.run(request).await)
}

/// New: whose installation a request is about. It reads what sign-in has proven, and nothing that the caller may choose.
fn tenant(head: &Parts) -> Option<TenantKey> {
    let customer: &Customer = head.extensions.get()?;
    Some(TenantKey::new("seismic", APP, &*customer.0))
}

async fn seats(
    State(pool): State<SqlitePool>,
    Extension(customer): Extension<Customer>,
) -> Result<String, StatusCode> {
    let free: Result<i64, _> =
        sqlx::query_scalar("SELECT free FROM seats WHERE tenant = ?").bind(customer.0).fetch_one(&pool).await;
    free.map(|free| free.to_string()).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// Ctrl-C, or what systemd and Kubernetes send.
async fn stop() {
    let terminated = async {
        #[cfg(unix)]
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut terminated) => _ = terminated.recv().await,
            Err(_) => std::future::pending().await,
        }
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = signal::ctrl_c() => {}
        () = terminated => {}
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Method;
    use lifecycle_core::EventKind;
    use lifecycle_testing::{SigningKeys, sample};
    use tokio::sync::oneshot;
    use tower::ServiceExt;

    use super::*;

    async fn open(folder: &tempfile::TempDir) -> App {
        let keys = SigningKeys::for_tests(&seismic::PLATFORM);
        let verifier = Verifier::new(&seismic::PLATFORM, keys.verifying(), APP).unwrap();
        App::open(&folder.path().join("app.db"), verifier).await.unwrap()
    }

    /// What Seismic sends about acme, and what the worker does with it.
    async fn happens(app: &App, kind: EventKind) -> StatusCode {
        let keys = SigningKeys::for_tests(&seismic::PLATFORM);
        let signed = sample(&seismic::PLATFORM, &kind).app(APP).tenant("acme").sign(&keys);
        let mut request = Request::post("/webhooks/seismic");
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(signed.body)).unwrap();
        let status = app.routes.clone().oneshot(request).await.unwrap().status();
        app.worker.run_until_idle().await.unwrap();
        status
    }

    async fn ask(app: &App, method: Method, path: &str, session: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).header(AUTHORIZATION, session);
        let response = app.routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1024).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_customer_has_seats_from_the_enable_to_the_uninstall() {
        let folder = tempfile::tempdir().unwrap();
        let app = open(&folder).await;
        let seats = async || ask(&app, Method::GET, "/api/seats", "Bearer session-of-acme").await;

        assert_eq!(seats().await.0, StatusCode::FORBIDDEN);
        assert_eq!(happens(&app, EventKind::Install).await, StatusCode::ACCEPTED);
        assert_eq!(happens(&app, EventKind::Enable).await, StatusCode::ACCEPTED);
        assert_eq!(seats().await, (StatusCode::OK, "10".to_owned()));
        assert_eq!(happens(&app, EventKind::Uninstall).await, StatusCode::ACCEPTED);
        assert_eq!(seats().await.0, StatusCode::FORBIDDEN);
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM seats").fetch_one(&app.pool).await.unwrap();
        assert_eq!(left, 0);
    }

    #[tokio::test]
    async fn what_was_there_before_is_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let app = open(&folder).await;
        assert_eq!(
            ask(&app, Method::GET, "/api/about", "").await,
            (StatusCode::OK, "An app with seats".to_owned())
        );
        assert_eq!(ask(&app, Method::GET, "/api/seats", "").await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(ask(&app, Method::OPTIONS, "/api/seats", "").await.0, StatusCode::OK); // CORS asks without a session
        assert_eq!(ask(&app, Method::POST, "/webhooks/seismic", "").await.0, StatusCode::UNAUTHORIZED); // unsigned
    }

    #[tokio::test]
    async fn one_signal_stops_server_and_worker_and_leaves_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let app = open(&folder).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(app.run(listener, async { _ = stopped.await }));
        stop.send(()).unwrap();
        running.await.unwrap().unwrap();
        let files: Vec<_> = folder.path().read_dir().unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, ["app.db"]);
    }
}
