//! `cargo xtask siege`: hostile HTTP against the example apps, themselves and behind proxies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use lexopt::prelude::{Long, Short, ValueExt};
use lifecycle_conformance::Program;

use crate::app::App;
use crate::cargo::cargo;
use crate::marketplace::{Marketplace, SECRET, Settings};
use crate::usage::{Bound, Growth, Usage};
use crate::{Failure, examples};

const USAGE: &str = "\
Usage: cargo xtask siege [OPTIONS]

Attacks each example app, and each behind nginx and HAProxy, over sockets: lengths that conflict, requests in requests, folded
lines, bare line feeds, NUL, large heads, wrong tokens, connections that are held, and floods of what is unsigned, forged, too
large or of an unknown key. Nothing of it may be acknowledged or hide a request, and every genuine callback among it
has to be acknowledged before its platform gives up. In the end an app's memory and descriptors are what they were, within a bound.
The last line is `N passed, N failed`; the exit code is 1 if any failed.

  --seconds N     how long a flood lasts; 5 by default
  --app NAME      only this example
  --long          also what held tells how it was answered";

/// What an app may have more of in the end, memory in KiB: allocators keep some of what a thousand connections took, and a server
/// opens some descriptors of its own for the first of them.
const BOUND: Bound = Bound { memory: 64 * 1024, descriptors: 32 };

/// A log may have so many bytes: a line for each request of a flood would fill the disk that the inbox is on.
const LOG: u64 = 256 * 1024;

/// How long an app may take to let go of what its last clients had.
const SETTLE: Duration = Duration::from_secs(30);

struct Options {
    app: Option<String>,
    is_long: bool,
    seconds: u64,
}

/// An app under siege.
struct Besieged {
    name: String,
    app: App,
    log: PathBuf,
    before: Usage,
}

pub(crate) fn run(arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let Some(options) = Options::parse(arguments)? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no parent folder")?;
    let mut programs = examples::build(root)?;
    // It is no subject of the suite, for it serves only what its adapter can do.
    programs.extend(examples::named(root, &["example-poem".to_owned()])?);
    programs.retain(|program| options.app.as_ref().is_none_or(|name| *name == program.name));
    let folder = tempfile::Builder::new().prefix("lifecycle-siege-").tempdir()?;
    let (_, settings) = Marketplace::all(folder.path())?;

    let mut attack = cargo();
    attack.args(["run", "--locked", "--quiet", "--package", "test-proxies", "--"]);
    attack.args(["--siege", &options.seconds.to_string()]);
    attack.env("SEISMIC_SIGNING_SECRET", SECRET).env("SECURITYSCORECARD_HOOK_TOKEN", SECRET);
    if options.is_long {
        attack.arg("--long");
    }
    let mut apps = Vec::new();
    for program in &programs {
        let (besieged, address) = Besieged::start(program, &settings, folder.path())?;
        attack.arg("--app").arg(format!("{}={address}", program.name));
        apps.push(besieged);
    }
    let has_held = match attack.status()?.code() {
        Some(0) => true,
        Some(1) => false,
        _ => return Err("the attack could not be made".into()),
    };
    let mut faults = 0;
    for besieged in &apps {
        faults += besieged.judge()?;
    }
    drop(apps);
    if has_held && faults == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    println!("logs are in {}", folder.keep().display());
    Ok(ExitCode::FAILURE)
}

impl Besieged {
    /// Starts it, and gives its address and port.
    fn start(program: &Program, settings: &Settings, folder: &Path) -> Result<(Self, String), Failure> {
        let file = |extension: &str| folder.join(format!("{}.{extension}", program.name));
        let database = format!("sqlite:{}", file("db").display());
        let mut settings: Vec<(&str, &str)> =
            settings.iter().map(|(variable, value)| (&**variable, &**value)).collect();
        settings.push(("DATABASE_URL", &database));
        let app = App::start(program, &settings, &file("log"))?;
        let address = app.address()?.trim_start_matches("http://").to_owned();
        let before = Usage::of(app.id())?;
        Ok((Self { name: program.name.clone(), app, log: file("log"), before }, address))
    }

    /// Says what it has now, and gives the number of faults.
    fn judge(&self) -> Result<usize, Failure> {
        let deadline = Instant::now() + SETTLE;
        let growth = loop {
            let growth = Growth { before: self.before, after: Usage::of(self.app.id())? };
            if growth.is_within(BOUND) || Instant::now() > deadline {
                break growth;
            }
            thread::sleep(Duration::from_millis(200));
        };
        let log = fs::read_to_string(&self.log)?;
        println!("{}: {growth}, {} bytes of log", self.name, log.len());
        let faults = [
            (!growth.is_within(BOUND), "has more than it may have"),
            (log.len() as u64 > LOG, "logs too much"),
            (log.contains(SECRET), "logs a secret"),
            (log.contains("panicked"), "panics"),
        ];
        let found = faults.into_iter().filter(|(is_so, _)| *is_so);
        Ok(found.inspect(|(_, what)| println!("{} {what}", self.name)).count())
    }
}

impl Options {
    /// `None` for `--help`.
    fn parse(mut arguments: lexopt::Parser) -> Result<Option<Self>, Failure> {
        let mut options = Self { app: None, is_long: false, seconds: 5 };
        while let Some(argument) = arguments.next()? {
            match argument {
                Short('h') | Long("help") => return Ok(None),
                Long("app") => options.app = Some(arguments.value()?.string()?),
                Long("long") => options.is_long = true,
                Long("seconds") => options.seconds = arguments.value()?.parse()?,
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(options))
    }
}
