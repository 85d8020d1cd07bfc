//! `lifecycle simulate`: an offline marketplace on loopback, with a page to click on.

use std::fmt::Write;
use std::future::Future;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::Args;
use lifecycle_simulator::{Error, Options, Outcomes, Simulator, StartingApp};
use serde_json::{Value, json};

use crate::answer::{Answer, Exit, write_out};
use crate::failure::Failure;
use crate::platform::PlatformArgs;
use crate::secret::{OptionalSecretArgs, default_variable};

const EXAMPLES: &str = "\
Examples:
  lifecycle simulate --open
  lifecycle simulate --app-url http://127.0.0.1:3000 \\
      --secret-env SEISMIC_SIGNING_SECRET
  lifecycle simulate --platform github \\
      --callback-url http://127.0.0.1:3000/webhooks --secret-file secret.txt
  lifecycle simulate --manifest \\
      http://127.0.0.1:3000/securityscorecard/manifest/HOOK-TOKEN
  lifecycle simulate --port 0 --database /tmp/try.db

Open the page that it prints, register your app, and click Install. Each delivery
is a line here; with --json, an object. The same actions for scripts are under
/api/, which the page /api describes. Ctrl-C ends it; its state stays in the
database.

For SecurityScorecard the app's installation page has to post to the simulator.
The examples take it from SECURITYSCORECARD_INSTALLATION_URL, which is
http://127.0.0.1:4000/apps/installation-data";

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
    #[command(flatten)]
    platform: PlatformArgs,
    /// Register an app of the platform that serves its events where the example apps do, such as /seismic, at this address
    #[arg(long, value_name = "URL", conflicts_with = "callback_url")]
    app_url: Option<String>,
    /// Register an app of the platform whose events go to this URL
    #[arg(long, value_name = "URL")]
    callback_url: Option<String>,
    /// Register an app of SecurityScorecard by its manifest
    #[arg(long, value_name = "URL")]
    manifest: Option<String>,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
    /// Print no line for each delivery
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    secret: OptionalSecretArgs,
}

impl SimulateArgs {
    pub(crate) fn run(&self, as_json: bool) -> Result<Answer, Failure> {
        let options = self.options()?;
        self.check_folder()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
            Failure::new(format!("no threads to work with: {error}"), "free some resources")
        })?;
        let served = runtime.block_on(async {
            let stop = stop_requested()?;
            let simulator = Simulator::open(options).await?;
            let shown = if as_json { format!("{}\n", announced(&simulator)) } else { self.words(&simulator) };
            write_out(&shown).map_err(Error::Serve)?;
            if self.open {
                open(&simulator.url());
            }
            let printing = (!self.quiet).then(|| tokio::spawn(print(simulator.outcomes(), as_json)));
            let served = simulator.serve(stop).await;
            if let Some(printing) = printing {
                let _ = printing.await; // it ends with the simulator
            }
            served
        });
        served.map_err(|error| Failure::new(error.to_string(), "see `lifecycle simulate --help`"))?;
        Ok(Answer { text: String::new(), json: json!({"stopped": true}), exit: Exit::Well })
    }

    /// SQLite would say of a missing folder that there is no such file, which is the one to be made.
    fn check_folder(&self) -> Result<(), Failure> {
        match self.database.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => Err(Failure::new(
                format!("there is no folder {} for the database", folder.display()),
                "make it, or name another file with --database",
            )),
            _ => Ok(()),
        }
    }

    fn options(&self) -> Result<Options, Failure> {
        let mut options = Options::default();
        options.port = self.port;
        options.database.clone_from(&self.database);
        options.master_key_file.clone_from(&self.master_key_file);
        options.manifest_url.clone_from(&self.manifest);
        let platform = self.platform.platform.platform();
        let secret = self.secret.read(platform)?;
        let url = match (&self.callback_url, &self.app_url) {
            (Some(url), _) => url.clone(),
            (None, Some(app)) => format!("{}/{}", app.trim().trim_end_matches('/'), platform.name()),
            (None, None) if secret.is_some() => {
                return Err(Failure::new(
                    "a secret without an app",
                    "name the app with --app-url URL or --callback-url URL",
                ));
            }
            (None, None) => return Ok(options),
        };
        let mut app = StartingApp::new(url);
        app.platform = platform;
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
            let variable = default_variable(self.platform.platform.platform());
            let _ = writeln!(text, "signing secret, made for this app and shown this once: {secret}");
            let _ = writeln!(text, "start the app with it: {variable}={secret}");
        }
        if let Some(reason) = simulator.unread_manifest() {
            let _ = writeln!(text, "the app is as it was when its manifest was last read. {reason}");
        }
        let _ = writeln!(text, "state in {}", self.database.display());
        let _ = writeln!(text, "listening on {}", simulator.url());
        text
    }
}

/// A line for each delivery, or an object.
async fn print(mut outcomes: Outcomes, as_json: bool) {
    while let Some(outcome) = outcomes.next().await {
        let line = if as_json { json!(outcome).to_string() } else { outcome.to_string() };
        let _ = write_out(&format!("{line}\n")); // it is on the page, too
    }
}

/// Opens the page in the browser, if the system knows how; the address is printed in any case.
fn open(url: &str) {
    let (program, arguments): (&str, &[&str]) = if cfg!(windows) {
        ("cmd", &["/C", "start", "", url])
    } else if cfg!(target_os = "macos") {
        ("open", &[url])
    } else {
        ("xdg-open", &[url])
    };
    let started = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if let Err(error) = started {
        eprintln!("the browser cannot be opened: {program}: {error}");
    }
}

fn announced(simulator: &Simulator) -> Value {
    let mut document = json!({"url": simulator.url()});
    if let Some(secret) = simulator.generated_secret() {
        document["signing_secret"] = Value::from(secret);
    }
    if let Some(reason) = simulator.unread_manifest() {
        document["unread_manifest"] = Value::from(reason);
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
