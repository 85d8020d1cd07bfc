//! `lifecycle scenario`: a real sequence of callbacks, with a verdict for each step.

mod report;
mod script;

use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter};
use lifecycle_core::Platform;
use lifecycle_testing::{Sample, Sender, SigningKeys};
use reqwest::Url;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::{Answer, Exit};
use crate::body;
use crate::client::{self, Framing, Outgoing};
use crate::completions::{scenarios, scenarios_and_files};
use crate::failure::Failure;
use crate::platform::{self, PlatformArgs, signs};
use crate::private::Private;
use crate::secret::{Key, PreviousSecretArgs, SigningSecretArgs};
use crate::send::Courier;
use crate::shown::{self, HEADING, nearest, one_line, wrapped};
use crate::signing::{Signed, Told};
use crate::verdict::Judge;
use report::{Done, Played};
use script::{BUILT_IN, Script, Signing, Step};

/// What a callback's URL holds in place of its kind, where each event has a URL of its own.
const EVENT: &str = "{event}";

const EXAMPLES: &str = "\
Examples:
  lifecycle scenario install-to-uninstall \\
      --url http://127.0.0.1:3000/seismic --secret-env SEISMIC_SIGNING_SECRET
  lifecycle scenario rotation-day --url http://127.0.0.1:3000/seismic \\
      --secret-file new.txt --previous-secret-file old.txt
  lifecycle scenario out-of-order --url 'http://127.0.0.1:3000/seismic/{event}'
  lifecycle scenario --print duplicates > mine.json
  lifecycle scenario mine.json --url http://127.0.0.1:3000/seismic --dry-run
  lifecycle scenario install-to-uninstall --platform github \\
      --url http://127.0.0.1:3000/github
  lifecycle scenario --list

Exit code 1 says that an administrator would have been blocked, or that a forged callback was accepted; 2 that it could
not be found out.";

/// Send a sequence of events, and say where an administrator would have been blocked
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ScenarioArgs {
    /// The name of a built-in scenario, or a file; - for the standard input
    #[arg(
        value_name = "NAME|FILE",
        required_unless_present_any = ["list", "print"],
        add = ArgValueCompleter::new(scenarios_and_files)
    )]
    scenario: Option<PathBuf>,
    /// Where the callbacks are sent to; {event} in it stands for the kind, where each event has a URL of its own
    #[arg(long, value_name = "URL", required_unless_present_any = ["list", "print"])]
    url: Option<String>,
    /// List the built-in scenarios, and do nothing else
    #[arg(long)]
    list: bool,
    /// Print a built-in scenario as a file that can be adapted, and do nothing else
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(scenarios))]
    print: Option<String>,
    /// The app's id
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    /// The tenant's id [default: a new one for each run]
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Wait this long for an answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Show each request as it is sent and its answer as it came, signatures and all; of several the first
    #[arg(short, long, conflicts_with = "dry_run")]
    verbose: bool,
    /// Show what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    secret: SigningSecretArgs,
    #[command(flatten)]
    previous: PreviousSecretArgs,
}

impl ScenarioArgs {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        if self.list {
            return list();
        }
        if let Some(name) = &self.print {
            return print(name);
        }
        let (Some(scenario), Some(url)) = (&self.scenario, &self.url) else {
            return Err(Failure::new("no scenario or no --url", "see `lifecycle scenario --help`"));
        };
        let script = Script::parse(&text(scenario)?)?;
        let sender = self.platform.platform;
        let platform = sender.platform();
        let secrets = Secrets {
            platform,
            // A platform whose proof is the URL signs nothing.
            current: signs(platform).then(|| self.secret.read(platform)).transpose()?,
            previous: self.previous.read(platform)?,
        };
        if script.needs_previous() && secrets.previous.is_none() {
            return Err(Failure::new(
                "this scenario signs with a previous secret",
                "give --previous-secret-env NAME or --previous-secret-file FILE, as the receiver knows it",
            ));
        }
        let url = |kind: &str| client::parse_url(&url.replace(EVENT, kind));
        let tenant = self.tenant.clone().unwrap_or_else(|| another_tenant(sender));
        let ends_in_token = !signs(platform);
        let shown = Played {
            scenario: one_line(&scenario.display().to_string()),
            script: &script,
            url: shown::url(&url("event")?, ends_in_token),
            private: secrets.private(ends_in_token.then(|| url("event")).transpose()?.as_ref()),
            verbose: self.verbose,
            steps: self.play(&script, sender, &secrets, &tenant, url)?,
            tenant,
        };
        Ok(if self.dry_run { shown.preview() } else { shown.answer() })
    }

    fn play<'s>(
        &self,
        script: &'s Script,
        sender: &'static Sender,
        secrets: &Secrets,
        tenant: &str,
        url: impl Fn(&str) -> Result<Url, Failure>,
    ) -> Result<Vec<Done<'s>>, Failure> {
        let courier = Courier::new(Duration::from_millis(self.timeout))?;
        let mut labelled: HashMap<&str, (String, Sample)> = HashMap::new();
        let mut steps: Vec<Done<'s>> = Vec::new();
        for step in &script.steps {
            if !self.dry_run {
                std::thread::sleep(Duration::from_millis(step.pause_ms));
            }
            let (name, sample) = match step.again.as_deref().and_then(|label| labelled.get(label)) {
                Some(known) => known.clone(),
                None => self.event(step, sender, tenant)?,
            };
            let body = sample.body().into_bytes();
            let told = Told::new(&sample, &body);
            let keys = secrets.of(step.sign);
            let mut signed = Signed::new(sender.platform(), &sample, body, keys.as_ref());
            let signatures = std::mem::take(&mut signed.signatures);
            if step.tamper {
                signed = signed.tampered(sender.platform());
            }
            let request = Outgoing {
                method: signed.method.clone(),
                url: signed.url(&url(&name)?),
                headers: signed.headers,
                body: signed.body.into(),
                framing: Framing {
                    chunked: step.chunked,
                    slow: step.slow_body_ms.map(Duration::from_millis),
                },
            };
            let judged = keys.iter().fold(sample.clone(), Sample::judged_by);
            let judge =
                Judge { ack: sender.platform().ack(), of: &|answer, took| judged.judge(answer, took) };
            let times = if self.dry_run { 0 } else { step.repeat as usize };
            let delivered = courier.deliver(
                (0..times).map(|_| request.clone()),
                step.concurrency as usize,
                &judge,
                step.intent(),
                &format!("step {} of {}, {}: ", steps.len() + 1, script.steps.len(), step.title()),
            )?;
            if let Some(label) = &step.label {
                labelled.insert(label, (name, sample));
            }
            let is_stopped = delivered.len() < times;
            steps.push(Done { step, request, told, signatures, delivered });
            if is_stopped {
                break; // by Ctrl-C
            }
        }
        Ok(steps)
    }

    /// The name of a new event, and the event.
    fn event(&self, step: &Step, sender: &'static Sender, tenant: &str) -> Result<(String, Sample), Failure> {
        let name = step.send.clone().unwrap_or_default();
        let ago = Duration::from_secs(step.sent_seconds_ago.into());
        let at = SystemTime::now().checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut sample = platform::sample(sender, &name)?.tenant(tenant).at(at);
        if let Some(app) = &self.app {
            sample = sample.app(app);
        }
        for (member, value) in &step.set {
            sample = sample.set(member, value.clone());
        }
        Ok((name, step.unset.iter().fold(sample, Sample::without)))
    }
}

/// A tenant that no run had before, in the form of the one in the vendor's samples: digits, behind a word and a colon where it has
/// those, or any text.
fn another_tenant(sender: &'static Sender) -> String {
    let id = Uuid::new_v4();
    let vendors = sender.events().next().and_then(|(_, event)| sender.sample(event)).map(|it| it.delivery());
    let vendors = vendors.as_ref().map_or("", |delivery| delivery.event().tenant());
    let (sort, number) = vendors.split_at(vendors.rfind(':').map_or(0, |colon| colon + 1));
    if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{sort}{}", id.as_u64_pair().0 >> 12); // below 2^52, which every JSON parser takes
    }
    id.to_string()
}

/// The secrets of a run.
struct Secrets {
    platform: &'static Platform,
    current: Option<Key>,
    previous: Option<Key>,
}

impl Secrets {
    /// What no output may repeat: they, and the token that ends this URL.
    fn private(&self, url: Option<&Url>) -> Private {
        let keys = self.current.iter().chain(&self.previous).map(Key::hidden).cloned();
        Private {
            keys: keys.collect(),
            sent: url.and_then(Private::token).into_iter().collect(),
            signatures: Vec::new(),
        }
    }

    /// Those that sign.
    fn of(&self, signing: Signing) -> Option<SigningKeys> {
        let current = self.current.as_ref()?.signing();
        let previous = self.previous.as_ref().map(Key::signing);
        match (signing, previous) {
            (Signing::Both, Some(previous)) => Some(current.clone().with_previous(previous.clone())),
            (Signing::Both | Signing::Current, _) => Some(current.clone()),
            (Signing::None, _) => None,
            (Signing::Previous, _) => previous.cloned(),
            (Signing::Unknown, _) => Some(Key::unknown(self.platform).signing().clone()),
        }
    }
}

/// The names of the built-in scenarios.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// The text of a built-in scenario, or of a file.
fn text(scenario: &Path) -> Result<String, Failure> {
    match BUILT_IN.iter().find(|(name, _)| Path::new(name) == scenario) {
        Some((_, text)) => Ok((*text).to_owned()),
        None if scenario == Path::new("-") || scenario.exists() => body::read_text(scenario),
        None => Err(unknown(&scenario.display().to_string())),
    }
}

fn list() -> Result<Answer, Failure> {
    let mut text = String::new();
    let mut all = Vec::new();
    for (name, document) in BUILT_IN {
        let script = Script::parse(document)?;
        let about = wrapped(&format!("    {}", script.about), 4);
        let _ = writeln!(text, "{HEADING}{name}{HEADING:#}  {} steps\n{about}", script.steps.len());
        all.push(json!({"name": name, "about": script.about, "steps": script.steps.len()}));
    }
    Ok(Answer { text, json: json!({"scenarios": all}), exit: Exit::Well })
}

fn print(name: &str) -> Result<Answer, Failure> {
    let (_, text) = BUILT_IN.iter().find(|(own, _)| *own == name).ok_or_else(|| unknown(name))?;
    let json = serde_json::from_str(text).unwrap_or(Value::Null);
    Ok(Answer { text: (*text).to_owned(), json, exit: Exit::Well })
}

fn unknown(name: &str) -> Failure {
    let next = match nearest(name, names()) {
        Some(near) => format!("did you mean {near}?"),
        None => "`lifecycle scenario --list` shows the built-in ones".to_owned(),
    };
    Failure::new(format!("there is no scenario and no file {name}"), next)
}
