//! The `lifecycle` program: sends, signs, verifies and explains app-lifecycle callbacks, and tests any receiver.
//!
//! `README.md` beside this crate is its manual. Start reading at [`cli`], the table of commands.

mod answer;
mod body;
mod cli;
mod client;
mod completions;
mod conformance;
mod event;
mod explain;
mod failure;
mod fixtures;
mod inbox;
mod manual;
mod platform;
mod private;
mod proxy;
mod recognition;
mod request_headers;
mod scenario;
mod secret;
mod send;
mod shown;
mod sign;
mod signing;
mod simulate;
mod simulated;
mod transcript;
mod verdict;
mod verify;
mod wire;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use clap_complete::CompleteEnv;

use crate::cli::Cli;

fn main() -> ExitCode {
    CompleteEnv::with_factory(Cli::command).var(completions::VARIABLE).complete();
    let cli = Cli::parse();
    match cli.run() {
        Ok(answer) => answer.print(cli.json),
        Err(failure) => failure.print(cli.json),
    }
}
