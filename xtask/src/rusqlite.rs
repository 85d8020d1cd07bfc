//! `cargo xtask rusqlite`: both ends of the range of versions that `lifecycle-inbox-sqlite` takes. The tests run with one in between.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crate::Failure;
use crate::cargo::cargo;

/// The ends of the range in the workspace's `Cargo.toml`.
const ENDS: [&str; 2] = ["0.32.1", "0.43.0"];

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    match arguments.next()? {
        Some(argument) => Err(argument.unexpected().into()),
        None => check_range(),
    }
}

/// Builds an app for each end that asks for this very version beside the engine, as an app with its own tables does. A
/// warning counts as a failure: the app's developers would see it.
fn check_range() -> Result<ExitCode, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let apps = root.join("target/rusqlite");
    for version in ENDS {
        println!("== lifecycle-inbox-sqlite with rusqlite {version}");
        let app = apps.join(version);
        fs::create_dir_all(app.join("src"))?;
        let engine = root.join("crates/lifecycle-inbox-sqlite");
        let manifest = format!(
            "[package]\nname = \"app\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
             lifecycle-inbox-sqlite.path = \"{}\"\nrusqlite = \"={version}\"\n",
            engine.display()
        );
        fs::write(app.join("Cargo.toml"), manifest)?;
        let source = "pub use lifecycle_inbox_sqlite::Transaction;\n\
                      pub fn query<'a>(own: &'a Transaction<'_>) -> &'a rusqlite::Connection { own }\n";
        fs::write(app.join("src/lib.rs"), source)?;
        fs::copy(root.join("Cargo.lock"), app.join("Cargo.lock"))?; // the versions that the workspace is tested with
        let checked = cargo()
            .arg("check")
            .env("CARGO_TARGET_DIR", apps.join("target")) // what both ends have in common is built once
            .current_dir(&app)
            .output()?;
        let told = String::from_utf8_lossy(&checked.stderr);
        if !checked.status.success() || told.lines().any(|line| line.starts_with("warning")) {
            eprintln!("{told}");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}
