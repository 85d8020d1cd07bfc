//! `cargo xtask fuzz`: strangers' bytes for all that reads them, chosen by what they reach.

mod seeds;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use lexopt::prelude::{Long, Short, Value, ValueExt};

use crate::Failure;
use crate::step::run as step;

const USAGE: &str = "\
Usage: cargo xtask fuzz [TARGET]... [OPTIONS]

Runs the targets of fuzz/, or those that are named, one after the other. Each begins with what the platforms send, with the fixtures,
and with the corpus in fuzz/corpus; what it finds besides stays below target/fuzz. It needs a nightly compiler and cargo-fuzz, and says
how to install them.
The last line is `N passed, N failed`, in targets; the exit code is 1 if any failed. Its input is then named: put it into fuzz/corpus
with the cure, and a test beside what was cured.

  --seconds N   how long in all, shared alike; 60 by default";

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const VERSION: &str = "0.13.2";

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let mut seconds: u64 = 60;
    let mut chosen = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => {
                println!("{USAGE}");
                return Ok(ExitCode::SUCCESS);
            }
            Long("seconds") => seconds = arguments.value()?.parse()?,
            Value(name) => chosen.push(name.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let mut targets = targets()?;
    if let Some(unknown) = chosen.iter().find(|name| !targets.contains(name)) {
        return Err(format!("there is no target {unknown}, but {}", targets.join(", ")).into());
    }
    targets.retain(|name| chosen.is_empty() || chosen.contains(name));
    check_tools()?;
    step(&mut cargo_fuzz("build"), "cargo fuzz build")?;
    let each = (seconds / targets.len() as u64).max(1);
    let (mut executions, mut failed) = (0, 0);
    for target in &targets {
        let ran = fuzz(target, each)?;
        executions += ran.executions;
        failed += usize::from(!ran.passed);
        println!("{target:<18} {:>12} executions  {}", ran.executions, ran.result());
    }
    println!("{executions} executions in all");
    println!("{} passed, {failed} failed", targets.len() - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What came of a target.
struct Ran {
    executions: u64,
    passed: bool,
    log: PathBuf,
}

impl Ran {
    fn result(&self) -> String {
        if self.passed { "passed".to_owned() } else { format!("FAILED: see {}", self.log.display()) }
    }
}

/// Runs one target for so many seconds. An input that takes 10 s or 2 GB fails, too.
fn fuzz(target: &str, seconds: u64) -> Result<Ran, Failure> {
    let place = |kind: &str| Path::new(ROOT).join("target/fuzz").join(kind).join(target);
    let (found, seeds, artifacts) = (place("corpus"), place("seeds"), place("artifacts"));
    for folder in [&found, &seeds, &artifacts] {
        fs::create_dir_all(folder)?;
    }
    let all = seeds::of(target)?;
    for (number, seed) in all.iter().enumerate() {
        fs::write(seeds.join(number.to_string()), seed)?;
    }
    // What is longer than any request of a platform takes time, and reaches nothing more.
    let longest = all.iter().map(Vec::len).max().unwrap_or_default();
    let most = (2 * longest).clamp(256, 4096);
    let log = artifacts.with_extension("log");
    let mut command = cargo_fuzz("run");
    command.arg(target).args([&found, &seeds]);
    let committed = Path::new(ROOT).join("fuzz/corpus").join(target);
    if committed.exists() {
        command.arg(committed);
    }
    command.args(["--", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]);
    // Inputs that take long, as those that RSA signs, are mutated less often.
    command.args(["-entropic_scale_per_exec_time=1", &format!("-max_len={most}")]);
    command.arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    let status = command.stdout(Stdio::null()).stderr(File::create(&log)?).status()?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let executions = text.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let executions = executions.and_then(|number| number.trim().parse().ok());
    if status.success() && executions.is_none() {
        return Err(format!("{target} did not run: see {}", log.display()).into());
    }
    Ok(Ran { executions: executions.unwrap_or_default(), passed: status.success(), log })
}

/// The names of the targets, which are those of their files.
fn targets() -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for file in fs::read_dir(Path::new(ROOT).join("fuzz/targets"))? {
        names.extend(file?.path().file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Without a sanitizer: no crate here has `unsafe` code, and it runs three times as often. What is asserted stands in its manifest's profile.
fn cargo_fuzz(verb: &str) -> Command {
    let mut command = nightly();
    command.args(["fuzz", verb, "--release", "--sanitizer", "none", "--fuzz-dir", "fuzz"]);
    command.args(["--target-dir", "target/fuzz/build"]).current_dir(ROOT);
    command
}

/// The nightly compiler's cargo: the instrumentation is not stable yet.
fn nightly() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo"]);
    command
}

fn check_tools() -> Result<(), Failure> {
    let runs = |command: &mut Command| {
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if !runs(nightly().arg("--version")) {
        return Err(
            "there is no nightly compiler: `rustup toolchain install nightly --profile minimal`".into()
        );
    }
    if !runs(nightly().args(["fuzz", "--version"])) {
        return Err(format!(
            "cargo-fuzz is missing: `cargo install cargo-fuzz --version {VERSION} --locked`"
        )
        .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setup_installs_the_same_version() {
        let setup = include_str!("../../.ci/setup");
        assert!(setup.contains(&format!("cargo-fuzz@{VERSION}")));
    }

    #[test]
    fn each_target_is_built_and_begins_with_seeds() {
        let manifest = fs::read_to_string(Path::new(ROOT).join("fuzz/Cargo.toml")).unwrap();
        let targets = targets().unwrap();
        assert_eq!(manifest.matches("[[bin]]").count(), targets.len());
        for target in targets {
            assert!(manifest.contains(&format!("path = \"targets/{target}.rs\"")), "{target}");
            let seeds = seeds::of(&target).unwrap();
            assert!(!seeds.is_empty() && seeds.iter().all(|seed| !seed.is_empty()), "{target}");
        }
    }
}
