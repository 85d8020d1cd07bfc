//! `lifecycle conformance`: the fixture suite against a running server, in any language.

mod findings;
mod record;
mod server;
mod show;

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap_complete::engine::ArgValueCandidates;
use lifecycle_conformance::{ContactError, Filter, Level, Progress, Report, ReportFile, Suite, run_target};
use serde_json::{Value, json};

use self::findings::Shown;
use self::record::{Changes, Record};
use self::server::ServerArgs;
use crate::answer::{Answer, Exit};
use crate::client;
use crate::completions::cases;
use crate::failure::Failure;
use crate::fixtures;

const EXAMPLES: &str = "\
Examples:
  lifecycle conformance --url http://127.0.0.1:3000/seismic \\
      --secret-env SEISMIC_SIGNING_SECRET
  lifecycle conformance --platform stripe \\
      --url http://127.0.0.1:3000/stripe --secret-file whsec.txt
  lifecycle conformance --url http://127.0.0.1:3000/seismic \\
      --filter rotation --junit report.xml
  lifecycle conformance --url http://127.0.0.1:3000/seismic \\
      --show tampered-newline-added
  lifecycle conformance \\
      --hook-url http://127.0.0.1:3000/securityscorecard/hook/TOKEN
  lifecycle conformance --list --filter signature

The server is a black box: what the platform would notice is compared, which is the status, and what cannot be known from
outside is left out. Run it against a server for tests: its handler sees some hundred made-up callbacks. A plain
callback is sent first; if that is not taken, one line says why, and nothing else is sent.

What failed is grouped by cause, worst first: what must be (a forgery is accepted, or what the platform sends is not), what should be
(a hostile or a poor network), and what only a strict reader asks for. Exit code 1 says that a case of the --level failed.";

/// Send the fixture suite to a running server, and say what to do about failures
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConformanceArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Only cases with this word in the fixture's name
    #[arg(long, value_name = "WORD", add = ArgValueCandidates::new(cases))]
    filter: Option<String>,
    /// The least level whose failures count for exit code 1 [default: must; with --exact, strict]
    #[arg(long, value_name = "LEVEL", value_parser = level())]
    level: Option<Level>,
    /// Print the fixtures and what each is for, and send nothing
    #[arg(long)]
    list: bool,
    /// Print one case, as the bytes that are sent and as a command for curl, and send nothing
    #[arg(long, value_name = "CASE", conflicts_with = "list", add = ArgValueCandidates::new(cases))]
    show: Option<String>,
    /// Print every finding, and of each case why it failed
    #[arg(long)]
    all: bool,
    /// Print which cases are not sent, and why
    #[arg(long)]
    skipped: bool,
    /// Write an XML report for continuous integration, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The file with what came of the last run, for what is fixed and new [default: one for each server, among the user's state]
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
}

impl ConformanceArgs {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let filter = self.filter.as_deref().map_or_else(Filter::default, Filter::word);
        if self.list {
            return Ok(list(&suite(|_| true)?, &filter));
        }
        let target = self.server.target()?;
        let suite = suite(|platform| target.credentials.contains_key(platform))?;
        if let Some(id) = &self.show {
            return show::show(&suite, &target, id);
        }
        let junit = self.junit.as_deref().map(open).transpose()?;
        let record = Record::open(self.results.as_deref(), &target)?;
        target.contact().map_err(|error| no_contact(&error))?;
        let report = run_target(&suite, &target, &filter, &Progress::stderr());
        if report.cases.is_empty() {
            return Err(Failure::new(
                "no case matches",
                "see `lifecycle conformance --list` for their names",
            ));
        }
        let (changes, unkept) = match record.keep(&report) {
            Ok(changes) => (changes, None),
            Err(failure) => (Changes::default(), Some(failure)),
        };
        let unwritten = junit.and_then(|file| write(file, &report).err());
        let mut answer = self.answer(&suite, &report, &changes);
        // What was found is told in any case.
        for failure in unkept.into_iter().chain(unwritten) {
            answer.text = format!("{}error: {failure}\n", answer.text);
            answer.exit = Exit::Undecided;
        }
        Ok(answer)
    }

    fn answer(&self, suite: &Suite, report: &Report, changes: &Changes) -> Answer {
        let default = if self.server.exact { Level::Strict } else { Level::Must };
        let level = self.level.unwrap_or(default);
        let findings = suite.findings(report);
        let shown =
            Shown { report, findings: &findings, changes, level, all: self.all, skipped: self.skipped };
        let mut json = serde_json::from_str(&report.json()).unwrap_or(Value::Null);
        json["findings"] = findings::json(&findings);
        json["since"] = json!({"fixed": changes.fixed, "new": changes.new});
        Answer { text: shown.text(), json, exit: Exit::well_if(report.failed_at(level) == 0) }
    }
}

/// The built-in fixtures of these platforms.
fn suite(wanted: impl Fn(&str) -> bool) -> Result<Suite, Failure> {
    let platform = |file: &str| file.split(['/', '\\']).next().is_some_and(&wanted);
    let fixtures = fixtures::FIXTURES.iter().copied().filter(|(file, _)| platform(file));
    Suite::parse(fixtures::ANSWERS, fixtures::GROUPS, fixtures)
        .map_err(|error| Failure::new(format!("the built-in fixtures: {error}"), "report this as a bug"))
}

fn level() -> impl TypedValueParser<Value = Level> {
    PossibleValuesParser::new(Level::ALL.map(Level::name)).map(|name| {
        Level::ALL.into_iter().find(|level| level.name() == name).expect("the parser takes their names only")
    })
}

fn open(file: &Path) -> Result<ReportFile, Failure> {
    ReportFile::open(file).map_err(|error| Failure::unwritable(file, &error))
}

fn write(file: ReportFile, report: &Report) -> Result<(), Failure> {
    let document = report
        .junit()
        .map_err(|error| Failure::new(format!("no JUnit report: {error}"), "report this as a bug"))?;
    let path = file.path().to_owned();
    file.write(&document).map_err(|error| Failure::unwritable(&path, &error))
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
