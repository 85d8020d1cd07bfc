//! Cargo, as a shell calls it.

use std::env;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Failure;

/// Cargo without what another cargo says of the package whose program it runs. Build scripts, ring's among them, run again
/// where that differs, and then all is compiled again that depends on them.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    for (variable, _) in env::vars_os() {
        let name = variable.to_string_lossy();
        if ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|start| name.starts_with(start)) {
            cargo.env_remove(variable);
        }
    }
    cargo
}

/// What cargo knows of the members of this workspace.
pub(crate) fn metadata() -> Result<Value, Failure> {
    let mut asked = cargo();
    asked.args(["metadata", "--no-deps", "--format-version=1"]);
    let told =
        asked.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).stderr(Stdio::inherit()).output()?;
    if !told.status.success() {
        return Err(format!("cargo metadata: {}", told.status).into());
    }
    Ok(serde_json::from_slice(&told.stdout)?)
}
