//! The options that every kind of callback shares: where to, how often, and how the body is put on the wire.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde::Deserialize;

use crate::answer::Exit;
use crate::client::{self, Framing};
use crate::failure::Failure;
use crate::verdict::{Intent, Outcome};

/// The headers that tell where a body ends.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// Where to, how often, and how.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option that a user gives or not")]
pub(crate) struct SendOptions {
    /// Where the callback is sent to; http or https. Redirects are not followed, as the platforms do not
    #[arg(long, value_name = "URL")]
    url: String,
    /// Send exactly these bytes as the body; - for the standard input
    #[arg(long, value_name = "FILE", help_heading = "Body")]
    pub(super) body: Option<PathBuf>,
    /// Add a header, as in curl: 'NAME: VALUE'
    #[arg(short = 'H', long = "header", value_name = "NAME:VALUE", help_heading = "Wire")]
    header: Vec<String>,
    /// Send it this often
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Wire")]
    pub(super) repeat: u32,
    /// Have this many under way at a time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Wire")]
    pub(super) concurrency: u32,
    /// Spread the body over this many milliseconds
    #[arg(long, value_name = "MS", help_heading = "Wire")]
    slow_body: Option<u64>,
    /// Send the body chunked, without telling its length
    #[arg(long, help_heading = "Wire")]
    chunked: bool,
    /// Wait this long for an answer, in milliseconds; if the platform waits longer, no answer is no verdict
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Wire")]
    timeout: u64,
    /// Show the request as it is sent and the answer as it came, signature and all; of several the first
    #[arg(short, long, conflicts_with_all = ["dry_run", "curl"])]
    pub(super) verbose: bool,
    /// Show what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Write a command for curl that sends the same, signature and all, and send nothing
    #[arg(long, conflicts_with_all = ["dry_run", "slow_body"])]
    curl: bool,
    /// What has to become of it, for exit code 0 [default: acknowledged; of what a receiver has to refuse, blocked]
    #[arg(long, value_enum)]
    pub(super) expect: Option<Expected>,
}

/// What is done in place of sending.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Preview {
    Curl,
    Request,
}

/// What has to become of a callback.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Expected {
    /// The platform takes it as received, in time
    Acknowledged,
    /// It is refused, late or lost
    Blocked,
}

impl Expected {
    /// What has to become of a callback where nobody says so.
    pub(crate) const fn of(intent: Intent) -> Self {
        match intent {
            Intent::Forged => Self::Blocked,
            Intent::Genuine => Self::Acknowledged,
        }
    }

    pub(crate) const fn is_met_by(self, outcome: Outcome) -> bool {
        match self {
            Self::Acknowledged => matches!(outcome, Outcome::Acknowledged),
            Self::Blocked => matches!(outcome, Outcome::Blocked | Outcome::Refused),
        }
    }

    /// How a command ends that saw these outcomes: one that is wrong weighs more than one that is not known.
    pub(crate) fn exit(self, outcomes: impl Iterator<Item = Outcome>) -> Exit {
        let mut exit = Exit::Well;
        for outcome in outcomes.filter(|outcome| !self.is_met_by(*outcome)) {
            if outcome != Outcome::Undecided {
                return Exit::Wrong;
            }
            exit = Exit::Undecided;
        }
        exit
    }
}

impl SendOptions {
    pub(super) fn url(&self) -> Result<Url, Failure> {
        client::parse_url(&self.url)
    }

    pub(super) fn preview(&self) -> Option<Preview> {
        match (self.curl, self.dry_run) {
            (true, _) => Some(Preview::Curl),
            (_, true) => Some(Preview::Request),
            _ => None,
        }
    }

    pub(super) fn framing(&self) -> Framing {
        Framing { chunked: self.chunked, slow: self.slow_body.map(Duration::from_millis) }
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout)
    }

    /// The headers that are added. `made` are those that the command makes itself, which cannot be given, too: one of the
    /// two would be dropped without a word.
    pub(super) fn headers(&self, made: &[&str]) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        for header in &self.header {
            let (name, value) = header
                .split_once(':')
                .ok_or_else(|| Failure::new("a --header has no colon", "write it as -H 'x-test: 1'"))?;
            let (name, value) = client::header(name, value.as_bytes())?;
            if FRAMING.contains(&name.as_str()) {
                return Err(Failure::new(
                    format!("{name} says how the body is put on the wire, so no --header gives it"),
                    "choose --chunked, --slow-body MS or neither",
                ));
            }
            if made.contains(&name.as_str()) {
                return Err(Failure::new(
                    format!("{name} is made by this command, so no --header gives it"),
                    "leave it out; to send a saved request as it is, use curl --data-binary",
                ));
            }
            headers.append(name, value);
        }
        Ok(headers)
    }
}
