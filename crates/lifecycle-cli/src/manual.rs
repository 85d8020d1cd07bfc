//! `lifecycle completions` and `lifecycle man`: what packages install beside the program.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

use crate::answer::{Answer, Exit};
use crate::cli::Cli;
use crate::failure::Failure;

const COMPLETIONS: &str = "\
Examples:
  lifecycle completions bash > ~/.local/share/bash-completion/completions/lifecycle
  lifecycle completions zsh > ~/.zfunc/_lifecycle
  lifecycle completions fish > ~/.config/fish/completions/lifecycle.fish";

const MAN: &str = "\
Examples:
  lifecycle man | man -l -
  lifecycle man --dir ~/.local/share/man/man1";

/// Write the completions of a shell
#[derive(Args, Debug)]
#[command(after_help = COMPLETIONS)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Write the manual page
#[derive(Args, Debug)]
#[command(after_help = MAN)]
pub(crate) struct ManArgs {
    /// Write a page for the program and one for each command into this folder, instead of the first to the standard output
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl CompletionsArgs {
    pub(crate) fn run(&self) -> Answer {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "lifecycle", &mut script);
        let text = String::from_utf8_lossy(&script).into_owned();
        Answer { json: json!({"shell": self.shell.to_string(), "script": text}), text, exit: Exit::Well }
    }
}

impl ManArgs {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        if let Some(folder) = &self.dir {
            std::fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
                .map_err(|error| Failure::unwritable(folder, &error))?;
            let text = format!("pages written to {}\n", folder.display());
            return Ok(Answer { text, json: json!({"folder": folder}), exit: Exit::Well });
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command())
            .render(&mut page)
            .map_err(|error| Failure::new(format!("no manual page: {error}"), "report this as a bug"))?;
        let text = String::from_utf8_lossy(&page).into_owned();
        Ok(Answer { json: json!({"page": text}), text, exit: Exit::Well })
    }
}
