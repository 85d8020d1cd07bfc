//! `lifecycle conformance`: the fixture suite against a running server, in any language.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use lifecycle_conformance::{
    ContactError, Credentials, Exactness, Filter, Progress, ReportFile, Route, RouteKind, Suite, Target,
    run_target,
};
use lifecycle_core::seismic;
use reqwest::Url;
use serde_json::{Value, json};

use crate::answer::{Answer, Exit};
use crate::client;
use crate::failure::Failure;
use crate::secret::{PreviousSecretArgs, SigningSecretArgs};
use crate::shown::{BAD, GOOD};

mod fixtures {
    include!(concat!(env!("OUT_DIR"), "/fixtures.rs"));
}

/// The app whose callbacks are sent, unless another is named.
const APP: &str = "04bd6eda-4b04-4572-a744-7233ccc077cd";

const EXAMPLES: &str = "\
Examples:
  lifecycle conformance --url http://127.0.0.1:3000/seismic --secret-env SEISMIC_SIGNING_SECRET
  lifecycle conformance --url http://127.0.0.1:3000/seismic --secret-file new.txt --previous-secret-file old.txt
  lifecycle conformance --url http://127.0.0.1:3000/seismic --filter rotation --junit report.xml
  lifecycle conformance --hook-url http://127.0.0.1:3000/securityscorecard/hook/TOKEN
  lifecycle conformance --list --filter signature

The server is a black box: what the platform would notice is compared, which is the status, and what cannot be known from
outside is left out and named. Run it against a server for tests: its handler sees some hundred made-up callbacks. A plain
callback is sent first; if that is not taken, one line says why, and nothing else is sent.

Exit code 1 says that a case failed.";

/// Send the fixture suite to a running server, in any language
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConformanceArgs {
    /// Where the server takes all five callbacks of Seismic; http only, since each byte is chosen
    #[arg(long, value_name = "URL", required_unless_present_any = ["list", "hook_url"])]
    url: Option<String>,
    /// Where it takes SecurityScorecard's hook; its last part is the token
    #[arg(long, value_name = "URL")]
    hook_url: Option<String>,
    /// The id of the app that the receiver expects, if it expects one
    #[arg(long, value_name = "ID", default_value = APP)]
    app: String,
    /// Compare every byte of each answer, as this library gives it
    #[arg(long)]
    exact: bool,
    /// Only cases with this word in the fixture's name
    #[arg(long, value_name = "WORD")]
    filter: Option<String>,
    /// Print the fixtures and what each is for, and send nothing
    #[arg(long)]
    list: bool,
    /// Write an XML report for continuous integration, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    secret: SigningSecretArgs,
    #[command(flatten)]
    previous: PreviousSecretArgs,
}

impl ConformanceArgs {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let suite = Suite::parse(fixtures::ANSWERS, fixtures::GROUPS, fixtures::FIXTURES.iter().copied())
            .map_err(|error| {
                Failure::new(format!("the built-in fixtures: {error}"), "report this as a bug")
            })?;
        let filter = self.filter.as_deref().map_or_else(Filter::default, Filter::word);
        if self.list {
            return Ok(list(&suite, &filter));
        }
        let target = self.target()?;
        let junit = self.junit.as_deref().map(open).transpose()?;
        target.contact().map_err(|error| no_contact(&error))?;
        let report = run_target(&suite, &target, &filter, &Progress::stderr());
        if report.cases.is_empty() {
            return Err(Failure::new(
                "no case matches",
                "see `lifecycle conformance --list` for their names",
            ));
        }
        if let Some(file) = junit {
            let document = report
                .junit()
                .map_err(|error| Failure::new(format!("no JUnit report: {error}"), "report this as a bug"))?;
            let path = file.path().to_owned();
            file.write(&document).map_err(|error| Failure::unwritable(&path, &error))?;
        }
        let well = report.failed() == 0;
        let style = if well { GOOD } else { BAD };
        let table = report.table();
        let (body, last) = table.trim_end().rsplit_once('\n').unwrap_or(("", table.trim_end()));
        let json = serde_json::from_str(&report.json()).unwrap_or(Value::Null);
        Ok(Answer { text: format!("{body}\n{style}{last}{style:#}\n"), json, exit: Exit::well_if(well) })
    }

    fn target(&self) -> Result<Target, Failure> {
        let mut routes = Vec::new();
        let mut token = None;
        let mut hosts = Vec::new();
        if let Some(url) = &self.url {
            let url = plain(url)?;
            hosts.push(address(&url));
            routes.push(route("seismic", RouteKind::Endpoint, target_of(&url)));
        }
        if let Some(url) = &self.hook_url {
            let mut url = plain(url)?;
            hosts.push(address(&url));
            token = url.path_segments().and_then(|mut parts| parts.next_back()).map(str::to_owned);
            if let Ok(mut parts) = url.path_segments_mut() {
                parts.pop();
            }
            let path = format!("{}/{{token}}", url.path().trim_end_matches('/'));
            routes.push(route("securityscorecard", RouteKind::Hook, path));
        }
        if hosts.windows(2).any(|pair| pair[0] != pair[1]) {
            return Err(Failure::new(
                "--url and --hook-url name different servers",
                "test them one after the other",
            ));
        }
        Ok(Target {
            name: "server".into(),
            address: hosts.into_iter().next().unwrap_or_default(),
            routes,
            credentials: self.credentials(token)?,
            exactness: if self.exact { Exactness::Bytes } else { Exactness::Verdict },
        })
    }

    /// By platform.
    fn credentials(&self, token: Option<String>) -> Result<BTreeMap<String, Credentials>, Failure> {
        let mut all = BTreeMap::new();
        if self.url.is_some() {
            let platform = &seismic::PLATFORM;
            let current = self.secret.read(platform)?.text().to_owned();
            let previous = self.previous.read(platform)?.map(|secret| secret.text().to_owned());
            let signing = Credentials { app: self.app.clone(), current, previous, tenant: None };
            all.insert(platform.name().to_owned(), signing);
        }
        if let Some(token) = token {
            let hook = Credentials { app: self.app.clone(), current: token, previous: None, tenant: None };
            all.insert("securityscorecard".to_owned(), hook);
        }
        Ok(all)
    }
}

fn plain(text: &str) -> Result<Url, Failure> {
    let url = client::parse_url(text)?;
    if url.scheme() != "http" {
        return Err(Failure::new(
            "the suite chooses each byte that is sent, so it cannot use https",
            "give the app's own address, in front of which TLS ends",
        ));
    }
    Ok(url)
}

fn address(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80))
}

fn target_of(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

fn route(platform: &str, kind: RouteKind, path: String) -> Route {
    Route { name: kind.name().to_owned(), path, platform: platform.to_owned(), kind, event: None }
}

fn open(file: &Path) -> Result<ReportFile, Failure> {
    ReportFile::open(file).map_err(|error| Failure::unwritable(file, &error))
}

/// One sentence in place of some hundred failures.
fn no_contact(error: &ContactError) -> Failure {
    let next = match error {
        ContactError::App { .. } => "name it with --app ID",
        ContactError::Closed { .. } => {
            "is it an HTTP server, and does TLS end in front of it? its log may tell"
        }
        ContactError::NotHttp { .. } => "give the app's own address, in front of which TLS ends",
        ContactError::Path { .. } => {
            "does --url end with the path of the app's route, as in http://127.0.0.1:3000/seismic?"
        }
        ContactError::Redirect { .. } => "give the URL that it leads to, if that takes callbacks",
        ContactError::Secret { .. } => {
            "give the secret that the server has: --secret-env NAME or --secret-file FILE; `lifecycle explain` finds other causes"
        }
        ContactError::Silent { .. } => "is the app stuck, or still starting?",
        ContactError::Token { .. } => "is --hook-url right to its last letter?",
        ContactError::Unreachable { address, kind, why } => {
            return client::no_connection(address, &io::Error::new(*kind, why.as_str()));
        }
        _ => "its log may tell why; `lifecycle send` shows the whole answer",
    };
    Failure::new(error.to_string(), next)
}

fn list(suite: &Suite, filter: &Filter) -> Answer {
    let mut text = String::new();
    let mut all = Vec::new();
    for fixture in suite.fixtures().iter().filter(|fixture| filter.admits_fixture(fixture)) {
        let routes: Vec<&str> = fixture.routes.iter().map(|kind| kind.name()).collect();
        // A String takes every write.
        let _ = writeln!(
            text,
            "{}/{} [{}]\n    {}",
            fixture.platform,
            fixture.id,
            routes.join(", "),
            fixture.why
        );
        all.push(
            json!({"fixture": fixture.id, "platform": fixture.platform, "routes": routes, "why": fixture.why}),
        );
    }
    let _ = writeln!(text, "{} fixtures", all.len());
    Answer { text, json: json!({"fixtures": all}), exit: Exit::Well }
}
