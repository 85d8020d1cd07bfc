//! Examples: the apps under `examples/`, built.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lifecycle_conformance::Program;
use serde_json::Value;

use crate::Failure;

/// Builds the packages under `examples/` that have a program, so that a new example cannot be forgotten; those that say that
/// they are no subject of the suite are left out.
pub(crate) fn build(root: &Path) -> Result<Vec<Program>, Failure> {
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
        .filter(|package| has_program(package) && package["metadata"]["conformance"]["subject"] != false)
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
