//! `cargo xtask conformance`: builds every example app and sends every fixture to every route of it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lifecycle_conformance::{Filter, Progress, ReportFile, Suite, run_programs};

use crate::{Failure, examples};

const USAGE: &str = "\
Usage: cargo xtask conformance [OPTIONS]

Builds the apps under examples/, starts them, sends them all fixtures, and prints a table.
The last line is `N passed, N failed`; the exit code is 1 if any failed.

  --filter WORD   only cases with WORD in the fixture's name, the app's name or the route's path
  --json FILE     write every case as JSON; - for standard output, in place of the table
  --junit FILE    write a JUnit report
  --list          print the fixtures and what each is for, and send nothing";

#[derive(Default)]
struct Options {
    filter: Filter,
    json: Option<PathBuf>,
    junit: Option<PathBuf>,
    list: bool,
}

pub(crate) fn run(arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let Some(options) = Options::parse(arguments)? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no parent folder")?;
    let suite = Suite::load(&root.join("fixtures"))?;
    if options.list {
        list(&suite, &options);
        return Ok(ExitCode::SUCCESS);
    }
    let open = |file: &PathBuf| ReportFile::open(file).map_err(|error| unwritable(file, &error));
    let junit = options.junit.as_ref().map(open).transpose()?;
    let json = options.json.as_ref().filter(|file| *file != Path::new("-")).map(open).transpose()?;
    let programs = examples::build(root)?;
    let report = run_programs(&suite, &programs, &options.filter, &Progress::stderr())?;

    if let Some(file) = junit {
        write(file, &report.junit()?)?;
    }
    if let Some(file) = json {
        write(file, &report.json())?;
    }
    let is_json_shown = options.json.as_deref() == Some(Path::new("-"));
    print!("{}", if is_json_shown { report.json() } else { report.table() });
    if report.cases.is_empty() {
        return Err("no case matches the filter".into());
    }
    Ok(if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Options {
    /// `None` for `--help`.
    fn parse(mut arguments: lexopt::Parser) -> Result<Option<Self>, lexopt::Error> {
        use lexopt::prelude::{Long, Short, ValueExt};

        let mut options = Self::default();
        while let Some(argument) = arguments.next()? {
            match argument {
                Short('h') | Long("help") => return Ok(None),
                Long("filter") => options.filter = Filter::word(arguments.value()?.string()?),
                Long("json") => options.json = Some(arguments.value()?.into()),
                Long("junit") => options.junit = Some(arguments.value()?.into()),
                Long("list") => options.list = true,
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(options))
    }
}

fn list(suite: &Suite, options: &Options) {
    let mut out = io::stdout().lock();
    let mut count = 0;
    for fixture in suite.fixtures().iter().filter(|fixture| options.filter.admits_fixture(fixture)) {
        let routes: Vec<&str> = fixture.routes.iter().map(|kind| kind.name()).collect();
        // A reader that has seen enough, such as `head`, may close the pipe.
        if writeln!(out, "{}/{} [{}]\n    {}", fixture.platform, fixture.id, routes.join(", "), fixture.why)
            .is_err()
        {
            return;
        }
        count += 1;
    }
    let _ = writeln!(out, "{count} fixtures");
}

fn write(file: ReportFile, text: &str) -> Result<(), Failure> {
    let path = file.path().to_owned();
    file.write(text).map_err(|error| unwritable(&path, &error))
}

fn unwritable(file: &Path, error: &io::Error) -> Failure {
    format!("{}: {error}", file.display()).into()
}
