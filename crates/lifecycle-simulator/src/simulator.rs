//! Simulator: the marketplace, opened and listening, ready to be served.

use std::fmt;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::app::App;
use crate::error::Error;
use crate::marketplace::{AppInput, Marketplace, Rotation};
use crate::options::{Options, StartingApp};
use crate::outcome::Outcomes;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::site;
use crate::store::Store;

/// An offline marketplace that listens and has its state at hand. Its page and its API are served by
/// [`serve`](Self::serve).
pub struct Simulator {
    listener: TcpListener,
    address: SocketAddr,
    marketplace: Marketplace,
    generated: Option<Zeroizing<String>>,
    unread: Option<String>,
}

impl Simulator {
    /// Opens the database, registers the apps of the options, and begins to listen.
    ///
    /// # Errors
    /// [`Error`] says what is in the way and what to do about it.
    pub async fn open(options: Options) -> Result<Self, Error> {
        let key = options.master_key_file.unwrap_or_else(|| {
            let mut name = options.database.clone().into_os_string();
            name.push(".key");
            PathBuf::from(name)
        });
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let failed = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let marketplace = Marketplace::new(Store::open(&options.database, &key)?, address);
        let mut generated = None;
        if let Some(app) = options.app {
            generated = register(&marketplace, app).await.map_err(|problem| said(&problem))?;
        }
        let mut unread = None;
        if let Some(url) = options.manifest_url {
            unread = register_manifest(&marketplace, &url).await.map_err(|problem| said(&problem))?;
        }
        Ok(Self { listener, address, marketplace, generated, unread })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The page to open in a browser.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The signing secret that was made for the app of the options, to be told to the app. It is told here only.
    pub fn generated_secret(&self) -> Option<&str> {
        self.generated.as_deref().map(String::as_str)
    }

    /// Why the manifest of the options could not be fetched again: the app may not have started yet. It is registered as it was.
    pub fn unread_manifest(&self) -> Option<&str> {
        self.unread.as_deref()
    }

    /// What comes of each delivery from now on.
    pub fn outcomes(&self) -> Outcomes {
        Outcomes(self.marketplace.outcomes())
    }

    /// Serves until `shutdown` completes; deliveries on their way are waited for.
    ///
    /// # Errors
    /// [`Error::Serve`] when the system does not let it go on.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let form_token = self.marketplace.form_token().await.map_err(|problem| said(&problem))?;
        let router = site::router(self.marketplace.clone(), self.address, &form_token);
        axum::serve(self.listener, router).with_graceful_shutdown(shutdown).await.map_err(Error::Serve)?;
        self.marketplace.settled().await;
        Ok(())
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Opens a [`Simulator`], tells where it listens, and serves until `shutdown` completes.
///
/// # Errors
/// Those of [`Simulator::open`] and [`Simulator::serve`].
pub async fn serve(
    options: Options,
    listening: impl FnOnce(&Simulator),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let simulator = Simulator::open(options).await?;
    listening(&simulator);
    simulator.serve(shutdown).await
}

async fn register(marketplace: &Marketplace, app: StartingApp) -> Result<Option<Zeroizing<String>>, Problem> {
    let platform = Platform::of(app.platform);
    let url = app.callback_url.trim().to_owned();
    let secret = app.signing_secret.map(Zeroizing::new);
    let first = platform.events().first().copied().unwrap_or_default();
    let path = platform.sample(first).map_or("", |sample| sample.path());
    let address = reqwest::Url::parse(&format!("{url}{path}")).map(String::from).unwrap_or_default();
    let known = marketplace.apps().await?.into_iter().find(|known: &App| {
        let registered = known.callbacks().and_then(|callbacks| callbacks.urls.get(first));
        known.platform() == platform && registered == Some(&address)
    });
    let registered = match (known, secret) {
        (None, secret) => {
            let name = url.split("://").last().unwrap_or_default().to_owned();
            let input = AppInput { name, url: Some(url), secret, ..AppInput::default() };
            marketplace.register(platform, input).await?
        }
        (Some(known), Some(secret)) => {
            if !marketplace.has_secret(&known, &secret).await? {
                marketplace
                    .rotate(known.id, Rotation { window_minutes: 0, signing_secret: Some(secret) })
                    .await?;
            }
            return Ok(None);
        }
        (Some(_), None) => return Ok(None),
    };
    Ok(registered.generated)
}

/// Registers the app, or reads its manifest again. An app that is registered already may start later: then this says why its
/// manifest could not be fetched.
async fn register_manifest(marketplace: &Marketplace, url: &str) -> Result<Option<String>, Problem> {
    let known = marketplace.apps().await?.into_iter().find(|known: &App| {
        known.scorecard().is_some_and(|registered| registered.manifest_url == url.trim())
    });
    let Some(known) = known else { return marketplace.register_manifest(url).await.map(|_| None) };
    match marketplace.refresh_manifest(known.id).await {
        Err(problem) if problem.code == Problem::UNREACHABLE => Ok(Some(problem.detail)),
        read => read.map(|_| None),
    }
}

/// One line, whatever the number of problems.
fn said(problem: &Problem) -> Error {
    Error::Registration(problem.detail.replace('\n', "; "))
}
