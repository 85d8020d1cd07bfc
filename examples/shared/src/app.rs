//! App: the business of the demo app, whatever framework serves it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use lifecycle_core::{
    ConfigError, Delivery, EndpointHandler, EventKind, ExpectedApp, Reply, Secret, TenantGate, TenantKey,
    Verifier, securityscorecard, seismic,
};
use lifecycle_inbox::{EnabledGate, EngineError, Inbox, InstallationFilter, Store};
use lifecycle_securityscorecard::{
    Action, ActionRequest, DeclaredSecret, InstallPage, InstallPageError, InstallQuery, InstallStates,
    Manifest,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::cookies;
use crate::database::Database;
use crate::describe;
use crate::failure::Failure;
use crate::page::Page;
use crate::settings::{Settings, random};
use crate::shutdown::Shutdown;

/// The demo app: verifiers, a handler, and the answers of its other routes. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    settings: Settings,
    database: Database,
    store: Store,
    inbox: Inbox,
    base: OnceLock<String>,
    /// Made once: a verifier remembers when it last warned of what, and a server may ask for it in each of its threads.
    seismic: Verifier,
    hook: Verifier,
    others: Vec<(String, Verifier)>,
    states: InstallStates,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// The name of the cookie that binds a detour to the browser that began it. It is the state's own, so that a second tab does
/// not take the first one's away.
fn cookie_name(state: &str) -> String {
    format!("__Host-install-{}", state.get(..8).unwrap_or_default())
}

impl App {
    /// An app with the settings of the environment, and the worker on what its inbox accepts. Without `DATABASE_URL` it keeps
    /// its inbox in `lifecycle-NAME.db`. The worker ends when the process is asked to stop: wait for it then.
    ///
    /// # Errors
    /// A setting that cannot be used, or a database that cannot be opened.
    pub async fn start(name: &str, shutdown: Shutdown) -> Result<(Self, JoinHandle<()>), Failure> {
        let settings = Settings::from_env()?;
        let hook = Verifier::new(&securityscorecard::PLATFORM, settings.token.clone(), ExpectedApp::Any)?;
        let (seismic, base) = (seismic(&settings)?, OnceLock::new());
        let mut others = Vec::new();
        for own in &settings.platforms {
            let verifier = own.verifier().await?;
            others.extend(own.paths().map(|(path, _)| (path, verifier.clone())));
        }
        let states = InstallStates::default();
        let default = format!("sqlite:lifecycle-{name}.db");
        let database = Database::open(settings.database_url.as_deref().unwrap_or(&default)).await?;
        let (store, inbox, mut worker) = database.inbox();
        if let Some(lease) = settings.worker_lease {
            worker = worker.lease(lease).poll(lease); // nobody tells of a lease that ends: a poll finds it
        }
        let worker = tokio::spawn(worker.run(shutdown.requested()));
        Ok((
            Self(Arc::new(Inner { settings, database, store, inbox, base, seismic, hook, others, states })),
            worker,
        ))
    }

    /// Closes the database, once the server and the worker have ended.
    pub async fn close(&self) {
        self.0.database.close().await;
    }

    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.0.settings.port).into()
    }

    /// Says where the app listens, and how to send it a first callback. Call it once the address is known.
    pub fn listening(&self, address: SocketAddr) {
        let local = format!("http://{address}");
        let base = self.0.settings.public_url.clone().unwrap_or_else(|| local.clone());
        self.0.base.get_or_init(|| base.trim_end_matches('/').to_owned());
        let settings = &self.0.settings;
        if let Some(secret) = &settings.made_up.secret
            && let Ok(signing) = Secret::new(secret.as_str())
        {
            // The inbox outlives the app and runs nothing twice, so each run of the demo needs new ids.
            let command = |kind: &str, id: &str| {
                let body = format!(
                    r#"{{"type":"{kind}","appId":"demo-app","tenantId":"demo-tenant","requestId":"{id}","version":"1.0.0"}}"#
                );
                let signature = seismic::SCHEME.sign(&signing, &[], body.as_bytes());
                format!("  curl -i {local}/seismic -H 'x-seismic-signature: {signature}' -d '{body}'")
            };
            println!(
                "The signing secret was made up for this run. In another terminal, for the program `lifecycle`:\n"
            );
            println!("  export SEISMIC_SIGNING_SECRET={secret}\n");
            println!("First signed callbacks, and what the app made of them:\n");
            println!("{}", command("install", &random()));
            println!("{}", command("enable", &random()));
            println!("  curl {local}/deliveries");
            println!(
                "  curl {local}/features -H 'x-tenant: demo-tenant' # there for tenants that have the app enabled\n"
            );
        }
        if settings.made_up.token {
            println!(
                "SecurityScorecard's manifest: {local}/securityscorecard/manifest/{}\n",
                settings.token_text
            );
        }
        let made_up: Vec<&str> =
            settings.platforms.iter().filter_map(|platform| platform.made_up.as_deref()).collect();
        if !made_up.is_empty() {
            println!("Generated too, for whoever plays another platform:\n\n  {}\n", made_up.join("\n  "));
        }
        println!("listening on {local}");
    }

    /// Receives all five events of Seismic on one URL.
    pub fn seismic(&self) -> Verifier {
        self.0.seismic.clone()
    }

    /// Receives one event of Seismic on a separate URL.
    pub fn seismic_only(&self, kind: EventKind) -> Verifier {
        self.seismic().expect_event(kind)
    }

    /// Receives SecurityScorecard's hook, which nothing signs.
    pub fn hook(&self) -> Verifier {
        self.0.hook.clone()
    }

    /// Receive the platforms that need nothing but an endpoint, each at its path.
    pub fn others(&self) -> impl Iterator<Item = (String, Verifier)> + use<'_> {
        self.0.others.iter().cloned()
    }

    /// What an endpoint asks: the inbox has the app decide, writes the event down, once, and accepts it.
    pub fn handler(&self) -> impl EndpointHandler + use<> {
        self.0.inbox.clone()
    }

    /// Whether the app may act for a tenant.
    pub fn installation_gate(&self) -> impl TenantGate + use<> {
        EnabledGate::new(self.0.database.installations())
    }

    /// The tenant of a request to `GET /features`, from its headers `x-app` (`demo-app` without) and `x-tenant`. The demo
    /// believes them; a real app asks its own session.
    pub fn tenant(app: Option<&str>, tenant: Option<&str>) -> Option<TenantKey> {
        Some(TenantKey::new(seismic::PLATFORM.name(), app.unwrap_or("demo-app"), tenant?))
    }

    /// `GET /features`: only for tenants that have the app enabled.
    pub fn features(&self, tenant: &TenantKey) -> Reply {
        describe::page(&json!({"tenant": tenant.tenant, "features": ["notifications"]}))
    }

    /// What a route that was handed a verified delivery answers: how long its body was, as that route read it.
    pub fn receipt(&self, delivery: &Delivery, body: &[u8]) -> Reply {
        let receipt = json!({"length": body.len(), "sha256": describe::sha256(body)});
        Reply::new(delivery.platform().ack().status(), "application/json", receipt.to_string())
    }

    /// A page that depends on nothing in the request.
    pub async fn page(&self, page: Page) -> Reply {
        let shown = match page {
            Page::Deliveries => self.0.database.handled().await.map(|list| describe::page(&list.into())),
            Page::Routes => Ok(crate::routes::routes(&self.0.settings.platforms)),
            Page::Health => self.0.store.check().await.map(|()| Reply::empty(200)).map_err(Failure::from),
            Page::Inbox => self.inbox_stats().await.map_err(Failure::from),
            Page::Installations => self.installations().await.map_err(Failure::from),
        };
        shown.unwrap_or_else(|failure| {
            tracing::error!(%failure, "a page cannot be shown");
            Reply::problem(503, "unavailable", "This page cannot be shown now", None)
        })
    }

    /// `GET /securityscorecard/install`: asks for the declared secrets, which the browser posts to the platform, and
    /// offers a step of the app's own on the way. `query` is the query of the request, without its question mark.
    pub fn install_page(&self, query: &str) -> Reply {
        self.begin_installation(query).unwrap_or_else(|refusal| refusal)
    }

    /// `GET /securityscorecard/connect`: stands for the callback of the app's own OAuth. The state, and the cookie of
    /// the browser that began, give the installation back, and what the step gave is filled in.
    /// `cookies` are the lines of that header.
    pub fn connect(&self, query: &str, cookies: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Reply {
        self.continue_installation(query, cookies).unwrap_or_else(|refusal| refusal)
    }

    /// `GET /securityscorecard/manifest/{token}`: the manifest, for who knows the hook's token: it names the hook's URL.
    /// Give its URL only to the platform.
    pub fn manifest(&self, token: &str) -> Reply {
        if self.0.settings.token.matches(token) { self.build_manifest().reply() } else { Reply::empty(404) }
    }

    /// `POST /securityscorecard/actions/notify_channel`: acts with the secrets of the user whose rule fired.
    pub fn notify_channel(&self, request: &ActionRequest) -> Reply {
        match request.secrets().require(self.build_manifest().required_secrets()) {
            // Here a real app would post to the user's channel with `request.secrets().get("ACCESS_TOKEN")`.
            Ok(()) => Reply::empty(200),
            Err(error) => error.reply(),
        }
    }

    async fn inbox_stats(&self) -> Result<Reply, EngineError> {
        let stats = self.0.store.stats().await?;
        let oldest = stats.oldest.map(|age| age.as_secs_f64());
        Ok(describe::page(&json!({
            "pending": stats.pending,
            "leased": stats.leased,
            "dead": stats.dead,
            "oldest_seconds": oldest,
        })))
    }

    async fn installations(&self) -> Result<Reply, EngineError> {
        let store = self.0.database.installations();
        let mut filter = InstallationFilter::default();
        let mut shown = Vec::new();
        loop {
            let page = store.installations(&filter).await?;
            shown.extend(page.iter().map(|(key, installation)| describe::installation(key, installation)));
            let Some((last, _)) = page.into_iter().next_back() else { break };
            filter.after = Some(last);
        }
        Ok(describe::page(&Value::from(shown)))
    }

    fn begin_installation(&self, query: &str) -> Result<Reply, Reply> {
        let installation = InstallQuery::default().read(query)?;
        let issued = self.0.states.issue_bound(installation.clone(), SystemTime::now())?;
        let step = format!("connect?state={}", issued.state.expose());
        let page = self.build_page()?;
        let form = page.form(&installation).step("Connect a channel first", &step)?;
        let cookie = cookies::keep(&cookie_name(issued.state.expose()), issued.browser.expose());
        Ok(form.render().header("set-cookie", cookie))
    }

    fn continue_installation(
        &self,
        query: &str,
        cookies: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Reply, Reply> {
        let state = query.split('&').find_map(|pair| pair.strip_prefix("state=")).unwrap_or_default();
        let cookie = cookie_name(state);
        let browser = cookies::read(cookies, &cookie).unwrap_or_default();
        let installation = self.0.states.redeem_bound(state, &browser, SystemTime::now())?;
        let form = self.build_page()?.form(&installation).prefill("CHANNEL", "#connected")?.render();
        Ok(form.header("set-cookie", cookies::forget(&cookie)))
    }

    fn build_page(&self) -> Result<InstallPage, InstallPageError> {
        let page = InstallPage::new(&self.build_manifest())?;
        match &self.0.settings.installation_url {
            Some(url) => page.platform_url(url),
            None => Ok(page),
        }
    }

    fn build_manifest(&self) -> Manifest {
        let base = self.0.base.get().map_or("", String::as_str);
        let at = |path: &str| format!("{base}/securityscorecard/{path}");
        Manifest {
            hook_url: Some(at(&format!("hook/{}", self.0.settings.token_text))),
            install_url: Some(at("install")),
            secrets: vec![
                DeclaredSecret::required("ACCESS_TOKEN", "The token of your chat workspace"),
                DeclaredSecret::optional("CHANNEL", "Where to post, unless in #general"),
            ],
            actions: vec![Action::new("notify_channel", "Notify Channel", at("actions/notify_channel"))],
            ..Manifest::new("Acme Notifier", "acme_notifier")
        }
    }
}

fn seismic(settings: &Settings) -> Result<Verifier, ConfigError> {
    let app = settings.app_id.as_deref().map_or(ExpectedApp::Any, ExpectedApp::from);
    let verifier = Verifier::new(&seismic::PLATFORM, settings.secrets.clone(), app)?;
    match settings.max_age {
        Some(age) => verifier.with_max_age(age),
        None => Ok(verifier),
    }
}
