//! `cargo xtask test`: all that has to hold and needs nothing but Rust.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::cargo::{cargo, metadata};
use crate::step::{Queue, Step, run_cargo, run_queues};
use crate::{Failure, examples};

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    Ok(Plan::new(Machine::OnlyRust)?.carry_out())
}

/// What a machine has besides Rust.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Machine {
    /// A PostgreSQL server to start, a browser and its driver, node and python3: a test that lacks one fails.
    Everything,
    /// Nothing for sure: tests that need more are left out, or say that they were skipped.
    OnlyRust,
}

/// The packages whose tests start a PostgreSQL server.
const WITH_POSTGRES: [&str; 3] = ["benchmarks", "lifecycle-inbox-postgres", "test-postgres"];

/// The test programs that take longest, by cargo's names. They are begun first, so that none is left alone at the end.
const LONG: [&str; 6] = ["cli", "simulator", "engine", "wire", "adapter", "routes"];

/// How many programs run at a time: most of them wait more than they compute.
const AT_A_TIME: usize = 3;

/// All that has to hold: what runs a program, and beside it what compiles and checks.
pub(crate) struct Plan {
    machine: Machine,
    /// The folder of the built example apps.
    apps: PathBuf,
    runs: VecDeque<Step>,
    checks: VecDeque<Step>,
    apart: VecDeque<Step>,
}

impl Plan {
    /// Looks at the format, and builds the programs that are run, which takes all of the machine.
    pub(crate) fn new(machine: Machine) -> Result<Self, Failure> {
        run_cargo("fmt --all --check")?;
        let left_out = match machine {
            Machine::Everything => String::new(),
            Machine::OnlyRust => {
                println!("== left out, as they need PostgreSQL: {}", WITH_POSTGRES.join(", "));
                WITH_POSTGRES.map(|package| format!(" --exclude {package}")).concat()
            }
        };
        let tests = tests(&format!("test --workspace --all-features --locked{left_out}"))?;
        let mut plan = Self {
            machine,
            apps: apps()?,
            runs: VecDeque::new(),
            checks: VecDeque::new(),
            apart: VecDeque::new(),
        };
        plan.check(Step::cargo(
            "clippy --workspace --all-targets --all-features --locked --quiet -- -D warnings",
        ));
        plan.check(Step::cargo(&format!("test --doc --workspace --all-features --locked --quiet{left_out}")));
        plan.check(Step::task("docs"));
        each_alone()?.into_iter().for_each(|step| plan.check(step));
        tests.into_iter().rev().for_each(|step| plan.run(step));
        plan.run(Step::task("conformance"));
        Ok(plan)
    }

    /// Adds what runs a program. The last is begun first.
    pub(crate) fn run(&mut self, step: Step) {
        let step = step.env(examples::BUILT, &self.apps);
        self.runs.push_front(self.prepare(step));
    }

    /// Adds what compiles. It gives way to what runs, which is to be answered in time.
    pub(crate) fn check(&mut self, step: Step) {
        self.checks.push_back(self.prepare(step.gives_way()));
    }

    /// Adds what compiles into a folder of its own, for which no other cargo waits. It gives way, too.
    pub(crate) fn apart(&mut self, step: Step) {
        self.apart.push_back(self.prepare(step.gives_way()));
    }

    fn prepare(&self, step: Step) -> Step {
        match self.machine {
            Machine::Everything => step.env("CI", "true"),
            Machine::OnlyRust => step.env_remove("CI"),
        }
    }

    /// Does it all, also after something has failed.
    pub(crate) fn carry_out(self) -> ExitCode {
        let failed = run_queues(vec![
            Queue { steps: self.runs, at_a_time: AT_A_TIME },
            Queue { steps: self.checks, at_a_time: 1 }, // cargo waits for another cargo
            Queue { steps: self.apart, at_a_time: 1 },
        ]);
        for heading in &failed {
            println!("FAILED: {heading}");
        }
        if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Builds the example apps, and gives their folder.
fn apps() -> Result<PathBuf, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no parent folder")?;
    let programs = examples::build(root)?;
    let folder = programs.first().and_then(|program| program.executable.parent());
    Ok(folder.ok_or("no example is a program")?.to_owned())
}

/// Builds the tests with these words, and gives a step for each of their programs.
fn tests(words: &str) -> Result<Vec<Step>, Failure> {
    println!("== cargo {words} --no-run");
    let start = Instant::now();
    let built = cargo()
        .args(words.split_whitespace())
        .args(["--no-run", "--quiet", "--message-format=json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()?;
    if !built.status.success() {
        return Err("the tests do not build".into());
    }
    println!("== {:.0} s", start.elapsed().as_secs_f32());
    let mut steps: Vec<_> = String::from_utf8_lossy(&built.stdout).lines().filter_map(test).collect();
    steps.sort_by_key(|(name, _)| LONG.iter().position(|long| long == name).unwrap_or(LONG.len()));
    Ok(steps.into_iter().map(|(_, step)| step).collect())
}

/// The name of a test program, and the step that runs it as `cargo test` does.
fn test(message: &str) -> Option<(String, Step)> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let package = Path::new(message["manifest_path"].as_str()?).parent()?;
    let name = message["target"]["name"].as_str()?;
    let kind = message["target"]["kind"][0].as_str()?;
    let mut command = Command::new(message["executable"].as_str()?);
    command.current_dir(package).env("CARGO", env!("CARGO")).env("CARGO_MANIFEST_DIR", package);
    let package = package.file_name()?.to_string_lossy();
    Some((name.to_owned(), Step::new(format!("{package}, {kind} {name}"), command)))
}

/// Each library by itself, with nothing and with each of its features: a crate must not lean on what a sibling turns on.
fn each_alone() -> Result<Vec<Step>, Failure> {
    let metadata = metadata()?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let mut steps = Vec::new();
    for package in packages {
        let Some(name) = package["name"].as_str() else { continue };
        if !name.starts_with("lifecycle-") {
            continue;
        }
        let alone = format!("check --locked --quiet -p {name} --no-default-features");
        let features = package["features"].as_object().into_iter().flat_map(|features| features.keys());
        steps.extend(features.map(|own| Step::cargo(&format!("{alone} -F {own}"))));
        steps.push(Step::cargo(&alone));
    }
    Ok(steps)
}
