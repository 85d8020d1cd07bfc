//! Completions: what a shell offers for a value, and `lifecycle completions`, which has it ask for that.

use std::ffi::OsStr;
use std::path::Path;

use clap::Args;
use clap_complete::Shell;
use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter};
use clap_complete::env::Shells;
use lifecycle_core::EventKind;
use lifecycle_testing::{Sender, registry};
use serde_json::json;

use crate::answer::{Answer, Exit};
use crate::failure::Failure;
use crate::{fixtures, platform, scenario};

/// The variable by which a shell asks the program.
pub(crate) const VARIABLE: &str = "COMPLETE";

const EXAMPLES: &str = "\
Examples:
  source <(lifecycle completions bash)   # in ~/.bashrc
  source <(lifecycle completions zsh)    # in ~/.zshrc, behind compinit
  lifecycle completions fish | source    # in ~/.config/fish/config.fish

The shell asks the program itself what fits, so have it read the script again
whenever it starts: a saved one may not fit the next release.";

/// Write a script that has a shell complete commands, options, events, scenarios and cases
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

impl CompletionsArgs {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let (shells, name) = (Shells::builtins(), self.shell.to_string());
        let mut script = Vec::new();
        shells
            .completer(&name)
            .ok_or_else(|| Failure::new(format!("no completions of {name}"), "report this as a bug"))?
            .write_registration(VARIABLE, "lifecycle", "lifecycle", "lifecycle", &mut script)
            .map_err(|error| Failure::new(format!("no completions: {error}"), "report this as a bug"))?;
        let text = String::from_utf8_lossy(&script).into_owned();
        Ok(Answer { json: json!({"shell": name, "script": text}), text, exit: Exit::Well })
    }
}

/// What a platform sends.
pub(crate) fn events(sender: &'static Sender) -> Vec<CompletionCandidate> {
    candidates(platform::names(sender))
}

/// The kinds of lifecycle events.
pub(crate) fn kinds() -> Vec<CompletionCandidate> {
    use EventKind::{Disable, Enable, Install, Uninstall, Upgrade};
    [Install, Enable, Upgrade, Disable, Uninstall].iter().map(|kind| kind.name().to_owned().into()).collect()
}

/// The platforms.
pub(crate) fn platforms() -> Vec<CompletionCandidate> {
    candidates(registry().iter().map(|sender| sender.platform().name()))
}

/// The built-in scenarios.
pub(crate) fn scenarios() -> Vec<CompletionCandidate> {
    candidates(scenario::names())
}

/// The built-in scenarios, and files.
pub(crate) fn scenarios_and_files(current: &OsStr) -> Vec<CompletionCandidate> {
    let begun = current.to_string_lossy();
    let names =
        scenarios().into_iter().filter(|name| name.get_value().to_string_lossy().starts_with(&*begun));
    names.chain(PathCompleter::file().complete(current)).collect()
}

/// The cases of the suite.
pub(crate) fn cases() -> Vec<CompletionCandidate> {
    let stems = fixtures::FIXTURES.iter().filter_map(|(file, _)| Path::new(file).file_stem());
    stems.map(CompletionCandidate::new).collect()
}

fn candidates(names: impl IntoIterator<Item = &'static str>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}
