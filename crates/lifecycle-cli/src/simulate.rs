//! `lifecycle simulate`: an offline marketplace on loopback, with a page to click on.

use std::fmt::Write;
use std::future::Future;
use std::path::PathBuf;

use clap::Args;
use lifecycle_core::seismic;
use lifecycle_simulator::{Error, Options, Simulator, StartingApp};
use serde_json::{Value, json};

use crate::answer::{Answer, Exit, write_out};
use crate::failure::Failure;
use crate::secret::OptionalSecretArgs;

const EXAMPLES: &str = "\
Examples:
  lifecycle simulate
  lifecycle simulate --app-url http://127.0.0.1:3000 --secret-env SEISMIC_SIGNING_SECRET
  lifecycle simulate --manifest http://127.0.0.1:3000/securityscorecard/manifest/HOOK-TOKEN
  lifecycle simulate --port 0 --database /tmp/try.db

Open the page that it prints, register your app, and click Install. The same actions for scripts are under /api/, which
the README of the crate lifecycle-simulator describes. Ctrl-C ends it; its state stays in the database.

For SecurityScorecard the app's installation page has to post to the simulator. The examples take it from
SECURITYSCORECARD_INSTALLATION_URL=http://127.0.0.1:4000/apps/installation-data";

/// Run an offline marketplace with a web page: click Install, and see whether your app would block an administrator
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SimulateArgs {
    /// The port on 127.0.0.1; 0 is any free one
    #[arg(long, value_name = "PORT", default_value_t = 4000)]
    port: u16,
    /// The SQLite file with the marketplace's state; made if there is none
    #[arg(long, value_name = "FILE", default_value = "lifecycle-simulator.db")]
    database: PathBuf,
    /// The file with the key that encrypts the secrets in the database; made along with the database [default: the
    /// database's name with .key added]
    #[arg(long, value_name = "FILE")]
    master_key_file: Option<PathBuf>,
    /// Register an app of Seismic that serves /seismic/install, /seismic/enable and so on at this address, as the
    /// example apps do
    #[arg(long, value_name = "URL")]
    app_url: Option<String>,
    /// Register an app of SecurityScorecard by its manifest
    #[arg(long, value_name = "URL")]
    manifest: Option<String>,
    #[command(flatten)]
    secret: OptionalSecretArgs,
}

impl SimulateArgs {
    pub(crate) fn run(&self, as_json: bool) -> Result<Answer, Failure> {
        let options = self.options()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
            Failure::new(format!("no threads to work with: {error}"), "free some resources")
        })?;
        let served = runtime.block_on(async {
            let stop = stop_requested()?;
            let simulator = Simulator::open(options).await?;
            let shown = if as_json { format!("{}\n", announced(&simulator)) } else { self.words(&simulator) };
            write_out(&shown);
            simulator.serve(stop).await
        });
        served.map_err(|error| Failure::new(error.to_string(), "see `lifecycle simulate --help`"))?;
        Ok(Answer { text: String::new(), json: json!({"stopped": true}), exit: Exit::Well })
    }

    fn options(&self) -> Result<Options, Failure> {
        let mut options = Options::default();
        options.port = self.port;
        options.database.clone_from(&self.database);
        options.master_key_file.clone_from(&self.master_key_file);
        options.manifest_url.clone_from(&self.manifest);
        let secret = self.secret.read(&seismic::PLATFORM)?;
        let Some(url) = &self.app_url else {
            return match secret {
                Some(_) => Err(Failure::new("a secret without an app", "name the app with --app-url URL")),
                None => Ok(options),
            };
        };
        let mut app = StartingApp::new(url.as_str());
        if let Some(secret) = secret {
            app.signing_secret = Some(secret.text().to_owned());
        }
        options.app = Some(app);
        Ok(options)
    }

    fn words(&self, simulator: &Simulator) -> String {
        let mut text = String::new();
        // A String takes every write.
        if let Some(secret) = simulator.generated_secret() {
            let _ = writeln!(text, "signing secret, made for this app and shown this once: {secret}");
            let _ = writeln!(text, "start the app with it: SEISMIC_SIGNING_SECRET={secret}");
        }
        let _ = writeln!(text, "state in {}", self.database.display());
        let _ = writeln!(text, "listening on {}", simulator.url());
        text
    }
}

fn announced(simulator: &Simulator) -> Value {
    let mut document = json!({"url": simulator.url()});
    if let Some(secret) = simulator.generated_secret() {
        document["signing_secret"] = Value::from(secret);
    }
    document
}

/// Completes when the process is asked to stop: SIGTERM, or Ctrl-C at a terminal.
#[cfg(unix)]
fn stop_requested() -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Serve)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Serve)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Completes when the process is asked to stop by Ctrl-C.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
fn stop_requested() -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
