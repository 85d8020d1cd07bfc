//! `cargo xtask sbom`: what each published package brings, as a bill of materials (`CycloneDX`).

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crate::Failure;
use crate::cargo::{cargo, metadata};
use crate::step::{run as step, tool};

/// One file for each package, named after it, in `target/sbom`: all that it can bring, with every feature, on any platform.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    tool("cyclonedx", "0.5.9")?;
    let mut write = cargo();
    write.args(["cyclonedx", "--format", "json", "--all-features", "--target", "all", "--quiet"]);
    step(&mut write, "cargo cyclonedx")?;

    let metadata = metadata()?;
    let target = metadata["target_directory"].as_str().ok_or("cargo metadata names no target directory")?;
    let folder = Path::new(target).join("sbom");
    fs::create_dir_all(&folder)?;
    for package in metadata["packages"].as_array().ok_or("cargo metadata lists no packages")? {
        let (Some(name), Some(manifest)) = (package["name"].as_str(), package["manifest_path"].as_str())
        else {
            continue;
        };
        // It writes beside each manifest, also of packages that are not published.
        let file = format!("{name}.cdx.json");
        let written = Path::new(manifest).with_file_name(&file);
        if package["publish"].is_null() {
            fs::rename(&written, folder.join(&file)).map_err(|error| format!("{file}: {error}"))?;
            println!("{}", folder.join(&file).display());
        } else {
            fs::remove_file(&written).map_err(|error| format!("{file}: {error}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
