//! `lifecycle send`: one callback, or many of it, as a marketplace would send it.

mod delivery;
mod options;
mod report;
mod securityscorecard;
mod seismic;

use clap::{Args, Subcommand};

use crate::answer::Answer;
use crate::failure::Failure;

pub(crate) use delivery::{Delivered, Sender};
pub(crate) use options::Expected;
pub(crate) use seismic::{sign, tampered};

/// Send a callback as a marketplace would, and say whether an administrator would have been blocked
#[derive(Args, Debug)]
pub(crate) struct SendArgs {
    #[command(subcommand)]
    platform: Platform,
}

#[derive(Debug, Subcommand)]
enum Platform {
    Seismic(Box<seismic::SeismicArgs>),
    /// Send what SecurityScorecard sends: its installation hook, or an action
    Securityscorecard {
        #[command(subcommand)]
        kind: securityscorecard::Kind,
    },
}

impl SendArgs {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        match &self.platform {
            Platform::Seismic(args) => args.run(),
            Platform::Securityscorecard { kind } => kind.run(),
        }
    }
}
