//! Examples: the apps under `examples/`, built.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, io};

use lifecycle_conformance::Program;
use serde_json::Value;

use crate::Failure;
use crate::cargo::{cargo, metadata};

/// The variable with the folder of the built apps. Where it is set they are not built again: cargo would wait for what
/// another cargo compiles.
pub(crate) const BUILT: &str = "LIFECYCLE_BUILT_EXAMPLES";

/// Builds the packages under `examples/` that have a program, so that a new example cannot be forgotten; those that say that
/// they are no subject of the suite are left out.
pub(crate) fn build(root: &Path) -> Result<Vec<Program>, Failure> {
    let mut programs = named(root, &packages(root)?)?;
    programs.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(programs)
}

/// Builds these packages, each of which has a program of its name.
pub(crate) fn named(root: &Path, packages: &[String]) -> Result<Vec<Program>, Failure> {
    let folder = match env::var_os(BUILT) {
        Some(folder) => folder.into(),
        None => compile(root, packages)?,
    };
    let program = |package: &String| {
        let executable = folder.join(format!("{package}{}", env::consts::EXE_SUFFIX));
        let name = package.trim_start_matches("example-").to_owned();
        let program = executable.exists().then_some(Program { name, executable });
        program.ok_or_else(|| format!("{package} has no program of its name"))
    };
    Ok(packages.iter().map(program).collect::<Result<_, _>>()?)
}

/// The names of those packages.
fn packages(root: &Path) -> Result<Vec<String>, Failure> {
    let metadata = metadata()?;
    let examples = root.join("examples");
    let packages: Vec<String> = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|package| {
            package["manifest_path"].as_str().is_some_and(|path| Path::new(path).starts_with(&examples))
        })
        .filter(|package| has_program(package) && package["metadata"]["conformance"]["subject"] != false)
        .filter_map(|package| Some(package["name"].as_str()?.to_owned()))
        .collect();
    if packages.is_empty() {
        return Err("there is no package with a program under examples/".into());
    }
    Ok(packages)
}

/// Builds the programs of these packages, and gives the folder that they are in.
fn compile(root: &Path, packages: &[String]) -> Result<PathBuf, Failure> {
    if io::stderr().is_terminal() {
        eprintln!("building {}", packages.join(", "));
    }
    let built = cargo()
        .args(["build", "--locked", "--quiet", "--message-format", "json-render-diagnostics"])
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()?;
    if !built.status.success() {
        return Err("the examples do not build".into());
    }
    let executable = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message["executable"].as_str()?))
    };
    let built = String::from_utf8_lossy(&built.stdout);
    let program = built.lines().find_map(executable).ok_or("cargo built no program")?;
    Ok(program.parent().ok_or("a program is in no folder")?.to_owned())
}

fn has_program(package: &Value) -> bool {
    let targets = package["targets"].as_array().into_iter().flatten();
    targets.flat_map(|target| target["kind"].as_array().into_iter().flatten()).any(|kind| kind == "bin")
}
