//! `cargo xtask package`: what is packed of each published crate is the same each time, and compiles without the files around it.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use lexopt::prelude::{Long, Short};

use crate::Failure;
use crate::cargo::{cargo, metadata};
use crate::member::Member;
use crate::step::run as step;

const USAGE: &str = "\
Usage: cargo xtask package [--twice]

Packs the published crates into target/package, and checks each of what was packed, with all features, against the others
that were packed. The versions and the profile are the workspace's, so what other tasks have compiled is not compiled again.

  --twice   packs again, and compares the files";

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// How often the crates are packed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Times {
    Once,
    /// The files of both times have to be the same.
    Twice,
}

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let mut times = Times::Once;
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => {
                println!("{USAGE}");
                return Ok(ExitCode::SUCCESS);
            }
            Long("twice") => times = Times::Twice,
            other => return Err(other.unexpected().into()),
        }
    }
    check(times)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn check(times: Times) -> Result<(), Failure> {
    let metadata = metadata()?;
    let members = Member::published(&metadata)?;
    let target =
        Path::new(metadata["target_directory"].as_str().ok_or("cargo metadata names no target directory")?);
    let packed = pack(&members, target)?;
    if times == Times::Twice {
        let before = packed.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
        for (file, before) in pack(&members, target)?.iter().zip(before) {
            if fs::read(file)? != before {
                return Err(format!("{} is another file each time", file.display()).into());
            }
        }
    }
    let workspace = target.join("packed");
    unpack(&members, &packed, &workspace)?;
    for member in &members {
        let mut check = cargo();
        let words = format!("check --offline --quiet --all-features --package {}", member.name);
        check.args(words.split(' ')).arg("--target-dir").arg(target).current_dir(&workspace);
        step(&mut check, &format!("cargo check {}, as packed", member.name))?;
    }
    Ok(())
}

/// Packs the crates, and gives their files.
fn pack(members: &[Member], target: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut pack = cargo();
    pack.args(["package", "--no-verify", "--locked", "--allow-dirty", "--quiet"]);
    pack.args(members.iter().flat_map(|member| ["--package", &member.name]));
    println!("== cargo package");
    // What it prints is kept, unless it fails: it warns of each test and benchmark that is not packed.
    let packed = pack.current_dir(ROOT).output()?;
    if !packed.status.success() {
        return Err(format!("cargo package: {}", String::from_utf8_lossy(&packed.stderr)).into());
    }
    Ok(members.iter().map(|member| target.join(format!("package/{}.crate", member.folder()))).collect())
}

/// Makes a workspace of what was packed, with the versions and the profiles of ours.
fn unpack(members: &[Member], packed: &[PathBuf], workspace: &Path) -> Result<(), Failure> {
    if workspace.exists() {
        fs::remove_dir_all(workspace)?;
    }
    fs::create_dir_all(workspace)?;
    for file in packed {
        let mut tar = Command::new("tar");
        let status = tar.arg("-xzf").arg(file).arg("-C").arg(workspace).status()?;
        if !status.success() {
            return Err(format!("tar -xzf {}: {status}", file.display()).into());
        }
    }
    let ours = fs::read_to_string(Path::new(ROOT).join("Cargo.toml"))?;
    fs::write(workspace.join("Cargo.toml"), manifest(members, &ours)?)?;
    fs::copy(Path::new(ROOT).join("Cargo.lock"), workspace.join("Cargo.lock"))?;
    Ok(())
}

fn manifest(members: &[Member], ours: &str) -> Result<String, Failure> {
    let (_, profiles) = ours.split_once("\n[profile.").ok_or("Cargo.toml has no profile")?;
    let folders = members.iter().map(Member::folder).collect::<Vec<_>>();
    let mut manifest = format!("[workspace]\nresolver = \"3\"\nmembers = {folders:?}\n\n[patch.crates-io]\n");
    for (member, folder) in members.iter().zip(folders) {
        writeln!(manifest, "{} = {{ path = {folder:?} }}", member.name)?;
    }
    write!(manifest, "\n[profile.{profiles}")?;
    Ok(manifest)
}
