//! Instructions: what the benchmark of that name counts, compared with the counts that are committed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Failure;
use crate::cargo::cargo;

/// The version of the harness, in Cargo.toml and of the program that runs it.
const RUNNER: &str = "0.20.0";

/// A rise by more percent than this is a warning: code moves, and a reader should know.
const WARNS_ABOVE: u64 = 3;

/// A rise by more percent than this is a failure.
const FAILS_ABOVE: u64 = 10;

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/benchmarks/instructions.json");

/// Counts, and the compiler that they were counted with: another may well come to others.
#[derive(Deserialize, Serialize)]
struct Counts {
    rustc: String,
    instructions: BTreeMap<String, u64>,
}

/// What a comparison with the committed counts found.
struct Comparison {
    /// A line for each count.
    table: String,
    warnings: Vec<String>,
    faults: Vec<String>,
}

/// Counts; warns where a count has risen, and fails where it has risen by much. With `accept`, the counts become the
/// committed ones.
pub(crate) fn run(accept: bool) -> Result<ExitCode, Failure> {
    let counts = Counts::take()?;
    if accept {
        fs::write(BASELINE, serde_json::to_string_pretty(&counts)? + "\n")?;
        println!("== accepted: {} counts", counts.instructions.len());
        return Ok(ExitCode::SUCCESS);
    }
    let committed: Counts = serde_json::from_slice(&fs::read(BASELINE)?)?;
    let Comparison { table, warnings, faults } = compare(&committed.instructions, &counts.instructions);
    print!("{table}");
    if warnings.is_empty() && faults.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    for warning in warnings {
        println!("warning: {warning}");
    }
    for fault in &faults {
        println!("FAILED: {fault}");
    }
    if committed.rustc != counts.rustc {
        println!("The committed counts are of {}, these of {}.", committed.rustc, counts.rustc);
    }
    println!(
        "If that is meant: cargo xtask bench instructions --accept, and commit crates/benchmarks/instructions.json"
    );
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn compare(committed: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> Comparison {
    let mut table = String::new();
    let mut warnings = Vec::new();
    let mut faults = Vec::new();
    for (name, count) in now {
        let Some(before) = committed.get(name) else {
            faults.push(format!("{name} has no committed count"));
            continue;
        };
        #[expect(clippy::cast_precision_loss, reason = "counts of some ten thousand")]
        let percent = (*count as f64 / *before as f64 - 1.0) * 100.0;
        let _ = writeln!(table, "{name:<32} {count:>8}  {percent:>+6.2} %");
        let rose = || format!("{name} rose from {before} to {count} instructions, by {percent:.1} %");
        let is_above = |percent| count * 100 > before * (100 + percent);
        if is_above(FAILS_ABOVE) {
            faults.push(rose());
        } else if is_above(WARNS_ABOVE) {
            warnings.push(rose());
        }
    }
    for name in committed.keys().filter(|name| !now.contains_key(*name)) {
        faults.push(format!("{name} is committed and was not counted"));
    }
    Comparison { table, warnings, faults }
}

impl Counts {
    fn take() -> Result<Self, Failure> {
        let counted = cargo()
            .args(["bench", "--locked", "--quiet", "--package", "benchmarks", "--no-default-features"])
            .args(["--bench", "instructions", "--", "--output-format=json"])
            .env("GUNGRAUN_RUNNER", runner()?)
            .stderr(Stdio::inherit())
            .output()?;
        if !counted.status.success() {
            return Err("the instructions could not be counted; that needs valgrind".into());
        }
        let mut instructions = BTreeMap::new();
        for line in String::from_utf8_lossy(&counted.stdout).lines() {
            let case: Value = serde_json::from_str(line)?;
            let name = |member: &str| case[member].as_str().ok_or("a case without a name");
            let count = case.pointer("/profiles/0/data/total/metrics/Ir/values/new").and_then(Value::as_u64);
            let name = format!("{}.{}", name("function_name")?, name("id")?);
            instructions.insert(name, count.ok_or("a case without a count")?);
        }
        let rustc = Command::new("rustc").arg("--version").output()?;
        Ok(Self { rustc: String::from_utf8_lossy(&rustc.stdout).trim().to_owned(), instructions })
    }
}

/// The program that runs the harness.
fn runner() -> Result<PathBuf, Failure> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo"))).ok_or("there is no home folder")?;
    let listed = fs::read_to_string(home.join(".crates.toml")).unwrap_or_default();
    if !listed.contains(&format!("gungraun-runner {RUNNER} ")) {
        return Err(format!("first: cargo install gungraun-runner --version {RUNNER} --locked").into());
    }
    Ok(home.join("bin/gungraun-runner"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(list: &[(&str, u64)]) -> BTreeMap<String, u64> {
        list.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    fn names(found: &[String]) -> Vec<&str> {
        found.iter().filter_map(|line| line.split(' ').next()).collect()
    }

    #[test]
    fn a_rise_is_a_warning_above_3_percent_and_a_fault_above_10() {
        let committed =
            counts(&["same", "by_3", "above_3", "by_10", "above_10", "less"].map(|name| (name, 1000)));
        let now = counts(&[
            ("same", 1000),
            ("by_3", 1030),
            ("above_3", 1031),
            ("by_10", 1100),
            ("above_10", 1101),
            ("less", 10),
        ]);
        let found = compare(&committed, &now);
        assert_eq!(names(&found.warnings), ["above_3", "by_10"]);
        assert_eq!(names(&found.faults), ["above_10"]);
    }

    #[test]
    fn a_count_that_only_one_side_has_is_a_fault() {
        let found = compare(&counts(&[("gone", 1)]), &counts(&[("new", 1)]));
        assert_eq!(names(&found.faults), ["new", "gone"]);
        assert!(found.warnings.is_empty());
    }

    #[test]
    fn the_runner_is_of_the_harness_s_version() {
        let manifest = include_str!("../../Cargo.toml");
        assert!(manifest.contains(&format!("gungraun = \"={RUNNER}\"")));
        let setup = include_str!("../../.ci/setup");
        assert!(setup.contains(&format!(" gungraun-runner@{RUNNER};")));
    }
}
