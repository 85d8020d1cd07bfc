//! `lifecycle inbox delete`: deletes deliveries that nobody wants handled.

use std::io::{IsTerminal, Write, stdin};

use clap::Args;
use lifecycle_inbox::DeliveryId;

use super::database::Database;
use super::outcome::Outcome;
use crate::answer::Answer;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  lifecycle inbox delete 1234 --database-url sqlite:inbox.db
  lifecycle inbox delete 1234 1240 --yes

Exit code 1 says that there was one that is not in the inbox.";

/// Delete deliveries for good, in whatever state: their handler will not run. If one comes again, it is still a
/// duplicate
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DeleteArgs {
    /// The deliveries
    #[arg(value_name = "ID", required = true, value_parser = clap::value_parser!(i64).range(1..))]
    ids: Vec<i64>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl DeleteArgs {
    /// Asks on the terminal, unless told not to.
    pub(crate) fn confirm(&self) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !stdin().is_terminal() {
            return Err(Failure::new(
                "there is no terminal to ask on",
                "give --yes to delete without being asked",
            ));
        }
        let ids = self.ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let _ = write!(anstream::stderr(), "Delete for good: {ids}. Are you sure? [y/N] ");
        let mut typed = String::new();
        let read = stdin().read_line(&mut typed);
        if read.is_ok() && is_yes(&typed) {
            return Ok(());
        }
        Err(Failure::new("nothing was deleted", "answer y, or give --yes"))
    }

    pub(crate) async fn run(&self, database: &Database) -> Result<Answer, Failure> {
        let mut outcome = Outcome::new("deleted");
        for &id in &self.ids {
            if database.store.delete(DeliveryId(id)).await.map_err(|error| outcome.broken(&error))? {
                outcome.changed(id);
            } else {
                outcome.unchanged(
                    id,
                    "there is no such delivery; `lifecycle inbox list` shows those that there are",
                );
            }
        }
        Ok(outcome.answer())
    }
}

fn is_yes(typed: &str) -> bool {
    matches!(typed.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_yes_deletes() {
        assert!(["y\n", "Yes\r\n", " YES "].into_iter().all(is_yes));
        assert!(!["", "\n", "n\n", "yep\n", "y y\n"].into_iter().any(is_yes));
    }
}
