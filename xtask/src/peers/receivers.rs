//! Receivers: servers made with the vendors' libraries and with other receivers', as their documentation recommends, judged by the
//! conformance suite.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use lifecycle_conformance::{
    Case, Credentials, Difference, Exactness, Filter, Program, Progress, Report, Route, RouteKind, Suite,
    Symptom, Target, run_target,
};
use lifecycle_testing::{Sender, SigningKeys, registry, variable};

use super::{exchange, install};
use crate::Failure;
use crate::app::App;

/// The servers of `examples/peers` and the library that each is made with, by the platforms that it is for.
const RECEIVERS: &[Peer] = &[
    Peer { platform: "discord", file: "discord.mjs", library: "discord-interactions" },
    Peer { platform: "github", file: "github.mjs", library: "@octokit/webhooks" },
    Peer { platform: "linear", file: "linear.mjs", library: "@linear/sdk" },
    Peer { platform: "shopify", file: "shopify.mjs", library: "@shopify/shopify-api" },
    Peer { platform: "slack", file: "slack.mjs", library: "@slack/bolt" },
    Peer { platform: "standard-webhooks", file: "standard-webhooks.mjs", library: "standardwebhooks" },
    Peer { platform: "standard-webhooks", file: "svix.rs", library: "svix" },
    Peer { platform: "stripe", file: "stripe.mjs", library: "stripe" },
    Peer { platform: "discord", ..WEBHOOK_VERIFY },
    Peer { platform: "github", ..WEBHOOK_VERIFY },
    Peer { platform: "linear", ..WEBHOOK_VERIFY },
    Peer { platform: "shopify", ..WEBHOOK_VERIFY },
    Peer { platform: "slack", ..WEBHOOK_VERIFY },
    Peer { platform: "standard-webhooks", ..WEBHOOK_VERIFY },
    Peer { platform: "stripe", ..WEBHOOK_VERIFY },
    Peer { platform: "zoom", ..WEBHOOK_VERIFY },
];

/// It verifies for many platforms, one at a time here.
const WEBHOOK_VERIFY: Peer = Peer { platform: "", file: "webhook-verify.rs", library: "webhook-verify" };

struct Peer {
    platform: &'static str,
    file: &'static str,
    library: &'static str,
}

/// Our answers to what is proven, and says what no app can act on.
const OF_THE_CONTENT: &[&str] = &["contradiction", "undecodable", "unexpected-app", "unexpected-event"];

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What each of them made of the suite: a part of `docs/peers.md`.
pub(crate) fn document() -> Result<String, Failure> {
    let (node, rust) = (install::node()?, install::rust()?);
    let suite = Suite::load(&Path::new(ROOT).join("fixtures"))?;
    let (mut receivers, mut answers) = (String::new(), String::new());
    for Peer { platform, file, library } in RECEIVERS {
        let sender = registry().iter().find(|sender| sender.platform().name() == *platform);
        let sender = sender.ok_or_else(|| format!("there is no platform {platform}"))?;
        let executable = if let Some(program) = file.strip_suffix(".rs") {
            rust.join(program)
        } else {
            // Node looks for packages beside the file that imports them.
            fs::copy(Path::new(ROOT).join("examples/peers").join(file), node.join(file))?;
            node.join(file)
        };
        let log = node.with_file_name(format!("{platform}-{file}.log"));
        let report = judge(&suite, &Receiver::new(sender, executable, log)?)?;
        let otherwise = || report.cases.iter().filter(|case| !case.passed());
        let ours = |case: &Case| -> Vec<&str> {
            let fixture = suite.fixtures().iter().find(|fixture| fixture.id == case.fixture);
            let requests = fixture.into_iter().flat_map(|fixture| &fixture.requests);
            requests.filter_map(|request| request.answer.as_deref()).collect()
        };
        let of_the_content =
            otherwise().filter(|case| ours(case).iter().any(|answer| OF_THE_CONTENT.contains(answer)));
        let _ = writeln!(
            receivers,
            "| {platform} | [{file}](../examples/peers/{file}) | `{library}` | {} | {} | {} |",
            report.cases.len(),
            otherwise().count(),
            of_the_content.count(),
        );
        for case in otherwise() {
            let Case { fixture, why, differences, .. } = case;
            let theirs: Vec<String> = differences.iter().map(found).collect();
            let _ = writeln!(
                answers,
                "| `{library}` | [{fixture}](../fixtures/conformance/{platform}/{fixture}.json) | {why} | {} | {} |",
                ours(case).join(", "),
                theirs.join("; ")
            );
        }
    }
    Ok(format!("{HEAD}{receivers}{ANSWERS}{answers}"))
}

/// What begins this part of the page.
pub(crate) const TITLE: &str = "## Receivers made with them\n";

const HEAD: &str = "
```sh
cargo xtask peers --conformance           # starts each receiver, sends it the fixtures, and compares with this part of the page
cargo xtask peers --conformance --write   # writes this part
```

The servers of [examples/peers](../examples/peers/README.md) are made in the way that each library's documentation recommends, and get all
fixtures of their platform that need neither a second secret nor other settings. What the platform would notice is compared: whether
the answer is a success, and which, and whether the receiver goes on. A duplicate is a success too: none of these libraries keeps a
handler from running again. The versions are those above; of the libraries for Rust, those in [Cargo.toml](../examples/peers/Cargo.toml).

| Platform | Receiver | Library | Cases | Otherwise | Of these, by the content |
| --- | --- | --- | --: | --: | --: |
";

const ANSWERS: &str = "
Each answer of another kind, with the fixture that was sent. What ours calls `undecodable` or a `contradiction` is proven and says what
no app can act on; these libraries leave most of that to the handler, and the handlers here take everything. Stripe's library
has another function for thin events, which are for a URL of their own.

| Library | Case | Rule | Ours | The receiver's |
| --- | --- | --- | --- | --- |
";

/// The same in each run: how late an answer was is not.
fn found(difference: &Difference) -> String {
    let Difference { what, expected, got, .. } = difference;
    match what.strip_suffix(": time") {
        Some(request) => format!("{request}: not within {}", expected.trim_start_matches("at most ")),
        None => format!("{}: {got} instead of {expected}", what.trim_end_matches(": status")),
    }
}

fn judge(suite: &Suite, receiver: &Receiver) -> Result<Report, Failure> {
    let (mut report, is_alive) = receiver.get(suite, &Filter::default())?;
    if is_alive {
        return Ok(report);
    }
    // One case has ended the process, so the others tell nothing: each gets a process to itself.
    let mut cases = Vec::new();
    for Case { fixture, .. } in report.cases {
        let (alone, is_alive) = receiver.get(suite, &Filter::id(fixture))?;
        cases.extend(alone.cases);
        if let Some(case) = cases.last_mut().filter(|_| !is_alive) {
            let (expected, got) = ("a server that goes on".to_owned(), "its process ends".to_owned());
            case.differences =
                vec![Difference { symptom: Symptom::NoAnswer, what: "afterwards".to_owned(), expected, got }];
        }
    }
    report.cases = cases;
    Ok(report)
}

/// One of the programs, with the key of its platform.
struct Receiver {
    program: Program,
    setting: (String, String),
    log: PathBuf,
    credentials: Credentials,
}

impl Receiver {
    fn new(sender: &'static Sender, executable: PathBuf, log: PathBuf) -> Result<Self, Failure> {
        let platform = sender.platform();
        let [key, _] = exchange::keys(platform);
        let setting = match SigningKeys::parse(platform, key)?.public_key() {
            Some(public) => (variable(platform, "PUBLIC_KEY"), public),
            None => (variable(platform, "SIGNING_SECRET"), key.to_owned()),
        };
        let (_, event) = sender.events().next().ok_or("a platform without events")?;
        let sample = sender.sample(event).ok_or("an event without a sample")?;
        let app = sample.delivery().event().app().to_owned();
        Ok(Self {
            program: Program { name: platform.name().to_owned(), executable },
            setting,
            log,
            credentials: Credentials { app, current: key.to_owned(), previous: None, tenant: None },
        })
    }

    /// Starts it and sends it these fixtures. Whether it takes a genuine request afterwards is told, too.
    fn get(&self, suite: &Suite, filter: &Filter) -> Result<(Report, bool), Failure> {
        let (setting, value) = &self.setting;
        let app = App::start(&self.program, &[(setting.as_str(), value)], &self.log)?;
        let name = &self.program.name;
        let route = Route {
            name: "endpoint".to_owned(),
            path: format!("/{name}"),
            platform: name.clone(),
            kind: RouteKind::Endpoint,
            event: None,
        };
        let target = Target {
            name: name.clone(),
            address: app.address()?.trim_start_matches("http://").to_owned(),
            routes: vec![route],
            credentials: BTreeMap::from([(name.clone(), self.credentials.clone())]),
            exactness: Exactness::Verdict,
        };
        target.contact()?;
        let report = run_target(suite, &target, filter, &Progress::stderr());
        Ok((report, target.contact().is_ok()))
    }
}
