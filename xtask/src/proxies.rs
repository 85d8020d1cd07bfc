//! `cargo xtask proxies`: the example apps behind real reverse proxies, attacked.

use std::path::Path;
use std::process::ExitCode;

use lexopt::prelude::{Long, Short, ValueExt};
use lifecycle_conformance::Program;

use crate::app::App;
use crate::cargo::cargo;
use crate::{CANNOT, Failure, examples};

const USAGE: &str = "\
Usage: cargo xtask proxies [OPTIONS]

Puts HAProxy, nginx, Apache and Caddy in front of the example apps, by the files of docs/guide/proxies, and attacks them.
No attack may succeed, and every genuine callback beside one has to be acknowledged. A proxy that is not installed is a
failure; .ci/setup installs them on Debian. Nothing here needs root or a fixed port.
The last line is `N passed, N failed`, in attacks on a proxy in front of an app; the exit code is 1 if any failed.

  --proxy NAME    only apache, caddy, haproxy or nginx
  --app NAME      only in front of this example
  --long          also what held tells how it was answered";

/// What the apps are started with, and what is sent to them.
const SECRET: &str = "proxies-signing-secret";
const TOKEN: &str = "proxies-hook-token-of-32-letters";

#[derive(Default)]
struct Options {
    app: Option<String>,
    proxy: Option<String>,
    is_long: bool,
}

pub(crate) fn run(arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let Some(options) = Options::parse(arguments)? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no parent folder")?;
    let mut programs = examples::build(root)?;
    programs.retain(|program| options.app.as_ref().is_none_or(|name| *name == program.name));
    let folder = tempfile::Builder::new().prefix("lifecycle-proxies-").tempdir()?;
    let apps: Vec<(&Program, App)> = programs
        .iter()
        .map(|program| Ok((program, start(program, folder.path())?)))
        .collect::<Result<_, Failure>>()?;

    let mut test = cargo();
    test.args(["run", "--locked", "--quiet", "--package", "test-proxies", "--"])
        .env("SEISMIC_SIGNING_SECRET", SECRET)
        .env("SECURITYSCORECARD_HOOK_TOKEN", TOKEN);
    for (program, app) in &apps {
        let address = app.address()?;
        test.arg("--app").arg(format!("{}={}", program.name, address.trim_start_matches("http://")));
    }
    if let Some(proxy) = &options.proxy {
        test.args(["--proxy", proxy]);
    }
    if options.is_long {
        test.arg("--long");
    }
    match test.status()?.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(code) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(CANNOT))),
        None => Err("the test was killed".into()),
    }
}

fn start(program: &Program, folder: &Path) -> Result<App, Failure> {
    let file = |extension: &str| folder.join(format!("{}.{extension}", program.name));
    let database = format!("sqlite:{}", file("db").display());
    let settings = [
        ("DATABASE_URL", &*database),
        ("SECURITYSCORECARD_HOOK_TOKEN", TOKEN),
        ("SEISMIC_SIGNING_SECRET", SECRET),
    ];
    App::start(program, &settings, &file("log"))
}

impl Options {
    /// `None` for `--help`.
    fn parse(mut arguments: lexopt::Parser) -> Result<Option<Self>, Failure> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next()? {
            match argument {
                Short('h') | Long("help") => return Ok(None),
                Long("app") => options.app = Some(arguments.value()?.string()?),
                Long("long") => options.is_long = true,
                Long("proxy") => options.proxy = Some(arguments.value()?.string()?),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(options))
    }
}
