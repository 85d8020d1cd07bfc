//! `lifecycle send`: one event, or many of it, as a marketplace would send it.

mod action;
mod courier;
mod event;
mod options;
mod report;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches, Subcommand};
use lifecycle_testing::{Sender, registry};

use crate::answer::Answer;
use crate::failure::Failure;
use crate::platform;

pub(crate) use courier::{Courier, Delivered};
pub(crate) use options::Expected;

/// Send an event as a marketplace would, and say whether an administrator would have been blocked
#[derive(Args, Debug)]
pub(crate) struct SendArgs {
    #[command(subcommand)]
    what: What,
}

/// What is sent. Each platform of the registry is a subcommand.
#[derive(Debug)]
enum What {
    Action(Box<action::ActionArgs>),
    Event(&'static Sender, Box<event::SendEventArgs>),
}

impl SendArgs {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        match &self.what {
            What::Action(args) => args.run(),
            What::Event(sender, args) => args.run(sender),
        }
    }
}

impl Subcommand for What {
    fn augment_subcommands(command: Command) -> Command {
        let command = command.subcommands(registry().iter().map(|sender| event::command(sender)));
        command.mut_subcommand(action::platform(), |platform| {
            let platform = platform.subcommand(action::command());
            platform.subcommand_negates_reqs(true).args_conflicts_with_subcommands(true)
        })
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        platform::named(name).is_some()
    }
}

impl FromArgMatches for What {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let missing = || Error::new(ErrorKind::MissingSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(missing)?;
        let sender = platform::named(name).ok_or_else(missing)?;
        match matches.subcommand() {
            Some((_, matches)) => Ok(Self::Action(Box::new(action::ActionArgs::from_arg_matches(matches)?))),
            None => Ok(Self::Event(sender, Box::new(event::SendEventArgs::from_arg_matches(matches)?))),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
