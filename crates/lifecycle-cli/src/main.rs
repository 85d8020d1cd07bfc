//! The `lifecycle` program: sends, signs, verifies and explains app-lifecycle callbacks, and tests any receiver.
//!
//! `README.md` beside this crate is its manual. Start reading at [`cli`], the table of commands.

mod answer;
mod body;
mod cli;
mod client;
mod conformance;
mod event;
mod explain;
mod failure;
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

use clap::Parser;

use crate::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.run() {
        Ok(answer) => answer.print(cli.json),
        Err(failure) => failure.print(cli.json),
    }
}
