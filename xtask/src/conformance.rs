//! `cargo xtask conformance`: builds every example app and sends every fixture to every face of it.

use std::ffi::OsString;
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use lifecycle_conformance::{Filter, Program, Progress, Suite, run_programs};
use serde_json::Value;

use crate::Failure;

const USAGE: &str = "\
Usage: cargo xtask conformance [OPTIONS]

Builds the apps under examples/, starts them, sends them all fixtures, and prints a table.
The last line is `N passed, N failed`; the exit code is 1 if any failed.

  --filter WORD   only cases with WORD in the fixture's name, the app's name or the face's path
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
    let programs = build(root)?;
    let report = run_programs(&suite, &programs, &options.filter, &Progress::stderr())?;

    if let Some(file) = &options.junit {
        write(file, &report.junit()?)?;
    }
    match &options.json {
        Some(file) if file == Path::new("-") => print!("{}", report.json()),
        file => {
            if let Some(file) = file {
                write(file, &report.json())?;
            }
            print!("{}", report.table());
        }
    }
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
    let mut out = std::io::stdout().lock();
    let mut count = 0;
    for fixture in suite.fixtures().iter().filter(|fixture| options.filter.admits_fixture(fixture)) {
        let faces: Vec<&str> = fixture.faces.iter().map(|kind| kind.name()).collect();
        // A reader that has seen enough, such as `head`, may close the pipe.
        if writeln!(out, "{}/{} [{}]\n    {}", fixture.platform, fixture.id, faces.join(", "), fixture.why)
            .is_err()
        {
            return;
        }
        count += 1;
    }
    let _ = writeln!(out, "{count} fixtures");
}

/// Builds the packages under `examples/` that have a program, so that a new example cannot be forgotten.
fn build(root: &Path) -> Result<Vec<Program>, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let metadata = Command::new(&cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()?;
    let metadata: Value = serde_json::from_slice(&metadata.stdout)?;
    let examples = root.join("examples");
    let packages: Vec<&str> = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|package| {
            package["manifest_path"].as_str().is_some_and(|path| Path::new(path).starts_with(&examples))
        })
        .filter(|package| has_program(package))
        .filter_map(|package| package["name"].as_str())
        .collect();
    if packages.is_empty() {
        return Err("there is no package with a program under examples/".into());
    }

    if std::io::stderr().is_terminal() {
        eprintln!("building {}", packages.join(", "));
    }
    let built = Command::new(&cargo)
        .args(["build", "--message-format", "json-render-diagnostics"])
        .args(packages.iter().flat_map(|package| ["--package", *package]))
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()?;
    if !built.status.success() {
        return Err("the examples do not build".into());
    }
    let mut programs: Vec<Program> = String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter_map(|message| {
            let name = message["target"]["name"].as_str().filter(|name| packages.contains(name))?;
            let executable = PathBuf::from(message["executable"].as_str()?);
            Some(Program { name: name.trim_start_matches("example-").to_owned(), executable })
        })
        .collect();
    programs.sort_by(|one, other| one.name.cmp(&other.name));
    if programs.len() != packages.len() {
        return Err(
            format!("of {packages:?} only {} built a program of the package's name", programs.len()).into()
        );
    }
    Ok(programs)
}

fn has_program(package: &Value) -> bool {
    let targets = package["targets"].as_array().into_iter().flatten();
    targets.flat_map(|target| target["kind"].as_array().into_iter().flatten()).any(|kind| kind == "bin")
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()).into())
}
