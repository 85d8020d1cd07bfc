//! Cargo, as a shell calls it.

use std::env;
use std::process::Command;

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
