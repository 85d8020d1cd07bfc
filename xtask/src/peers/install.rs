//! Install: the pinned libraries of a language, below `target/peers`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::library::Language;
use crate::Failure;
use crate::cargo::cargo;
use crate::step::run as step;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/peers");
const TARGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/peers");

/// The command that runs a language's driver, once its libraries are installed.
pub(crate) fn driver(language: Language) -> Result<Command, Failure> {
    match language {
        Language::Node => {
            let folder = node()?;
            let mut driver = command("node")?;
            driver.arg("driver.mjs").current_dir(folder);
            Ok(driver)
        }
        Language::Python => python(),
    }
}

/// The folder with Node's libraries. Node looks for packages beside the file that imports them, so the driver is there too.
pub(crate) fn node() -> Result<PathBuf, Failure> {
    let (sources, target) = (Path::new(SOURCES).join("node"), Path::new(TARGET).join("node"));
    fs::create_dir_all(&target)?;
    for file in [".npmrc", "driver.mjs", "package.json", "package-lock.json", "tokens.mjs"] {
        fs::copy(sources.join(file), target.join(file))?;
    }
    once(&target, &fs::read_to_string(sources.join("package-lock.json"))?, || {
        step(command("npm")?.args(["ci", "--loglevel=error"]).current_dir(&target), "npm ci")
    })?;
    Ok(target)
}

/// The folder with the receivers that are written in Rust, built.
pub(crate) fn rust() -> Result<PathBuf, Failure> {
    let target = Path::new(TARGET).join("rust");
    let manifest = Path::new(TARGET).join("../../examples/peers/Cargo.toml");
    let mut build = cargo();
    build.args(["build", "--locked", "--manifest-path"]).arg(manifest).arg("--target-dir").arg(&target);
    step(&mut build, "cargo build, of the receivers in Rust")?;
    Ok(target.join("debug"))
}

/// Wheels only, with the digests that are pinned: nothing of a package runs while it is installed.
fn python() -> Result<Command, Failure> {
    let (sources, target) = (Path::new(SOURCES).join("python"), Path::new(TARGET).join("python"));
    fs::create_dir_all(&target)?;
    let (requirements, packages) = (sources.join("requirements.txt"), target.join("packages"));
    once(&target, &fs::read_to_string(&requirements)?, || {
        let mut pip = command("python3")?;
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        pip.args(["--root-user-action=ignore", "--require-hashes", "--only-binary", ":all:"]);
        pip.arg("--upgrade").arg("--target").arg(&packages).arg("--requirement").arg(&requirements);
        step(&mut pip, "pip install")
    })?;
    let mut driver = command("python3")?;
    driver.arg("-B").arg(sources.join("driver.py")).env("PYTHONPATH", packages); // -B: no caches beside the sources
    Ok(driver)
}

/// Installs unless these very versions were installed the last time.
fn once(target: &Path, pinned: &str, install: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let installed: PathBuf = target.join("installed");
    if fs::read_to_string(&installed).is_ok_and(|before| before == pinned) {
        return Ok(());
    }
    install()?;
    Ok(fs::write(installed, pinned)?)
}

/// A command of a program that this machine has.
fn command(program: &str) -> Result<Command, Failure> {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if version.is_ok_and(|status| status.success()) {
        return Ok(Command::new(program));
    }
    Err(format!("{program} is missing").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where npm's packages are pinned: the vendors' libraries, and what the simulator's pages are checked with.
    const PINNED: [&str; 2] = ["node", "../../../crates/lifecycle-simulator/tests/axe"];

    fn source(file: &str) -> String {
        fs::read_to_string(Path::new(SOURCES).join(file)).unwrap()
    }

    #[test]
    fn every_package_is_pinned_by_its_digest_and_no_address_is_named() {
        for folder in PINNED {
            let read = |file: &str| -> serde_json::Value {
                serde_json::from_str(&source(&format!("{folder}/{file}"))).unwrap()
            };
            let lock = read("package-lock.json");
            let packages = lock["packages"].as_object().unwrap().iter().filter(|(name, _)| !name.is_empty());
            for (name, package) in packages {
                assert!(package["integrity"].is_string() && package["resolved"].is_null(), "{name}");
            }
            for (name, version) in read("package.json")["dependencies"].as_object().unwrap() {
                let version = version.as_str().unwrap();
                assert!(
                    version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'),
                    "{name} {version}"
                );
                assert!(lock["packages"][format!("node_modules/{name}")].is_object(), "{name}");
            }
            assert!(source(&format!("{folder}/.npmrc")).contains("ignore-scripts=true"), "{folder}");
        }
        let requirements = source("python/requirements.txt").replace("\\\n", "");
        for line in requirements.lines().filter(|line| !line.starts_with('#')) {
            assert!(
                line.contains("==") && line.contains("--hash=sha256:") && !line.contains("://"),
                "{line}"
            );
        }
    }
}
