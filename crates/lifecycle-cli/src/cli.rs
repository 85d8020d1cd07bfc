//! Cli: the table of commands.

use clap::{Parser, Subcommand};

use crate::answer::Answer;
use crate::completions::CompletionsArgs;
use crate::conformance::ConformanceArgs;
use crate::explain::ExplainArgs;
use crate::failure::Failure;
use crate::fixtures::LONG_VERSION;
use crate::inbox::InboxArgs;
use crate::manual::ManArgs;
use crate::scenario::ScenarioArgs;
use crate::send::SendArgs;
use crate::sign::SignArgs;
use crate::simulate::SimulateArgs;
use crate::verify::VerifyArgs;

const EXIT_CODES: &str = "\
Exit codes:
  0  all is well
  1  an administrator would have been blocked, a case failed, a request is not valid, no cause was found, or a delivery could not be retried or deleted
  2  the command could not do its work: an option, a file, a secret, a database or a connection; one line says what to do.
     Or it could not find out, and says so

Secrets are read from an option, an environment variable, a file or the terminal, and are never shown.
Colours appear on a terminal only, and not where NO_COLOR is set.";

/// Test receivers of app-lifecycle callbacks: send signed callbacks, explain signatures that do not match, run the
/// conformance suite against a server in any language
#[derive(Debug, Parser)]
#[command(name = "lifecycle", version, long_version = LONG_VERSION, after_help = EXIT_CODES, max_term_width = 110)]
pub(crate) struct Cli {
    /// Write one JSON document in place of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    // In the order in which they are needed, which is that of the help.
    Simulate(SimulateArgs),
    Send(SendArgs),
    Scenario(Box<ScenarioArgs>),
    Explain(Box<ExplainArgs>),
    Conformance(Box<ConformanceArgs>),
    Verify(VerifyArgs),
    Sign(SignArgs),
    Inbox(InboxArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

impl Cli {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        match &self.command {
            Command::Completions(args) => args.run(),
            Command::Conformance(args) => args.run(),
            Command::Explain(args) => args.run(),
            Command::Inbox(args) => args.run(self.json),
            Command::Man(args) => args.run(),
            Command::Scenario(args) => args.run(),
            Command::Send(args) => args.run(),
            Command::Sign(args) => args.run(),
            Command::Simulate(args) => args.run(self.json),
            Command::Verify(args) => args.run(),
        }
    }
}
