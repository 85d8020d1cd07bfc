//! `lifecycle inbox retry`: dead letters get another chance, and waiting deliveries do not wait any longer.

use clap::Args;
use lifecycle_inbox::{DeliveryFilter, DeliveryId, DeliveryState};

use super::database::Database;
use super::outcome::Outcome;
use crate::answer::Answer;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  lifecycle inbox retry 1234 1240 --database-url sqlite:inbox.db
  lifecycle inbox retry --all-dead

What later deliveries have overtaken may be out of date, such as an install whose uninstall is done.
Exit code 1 says that there was one that could not be retried: it is gone, handled already, or a worker has it.";

/// Have dead letters handled again, at their old place in their tenant's order; or waiting deliveries at once
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RetryArgs {
    /// The deliveries
    #[arg(value_name = "ID", required_unless_present = "all_dead", value_parser = clap::value_parser!(i64).range(1..))]
    ids: Vec<i64>,
    /// All dead letters that there are, but for those of whose tenant a later delivery is done
    #[arg(long, conflicts_with = "ids")]
    all_dead: bool,
    /// With --all-dead: also those of whose tenant a later delivery is done
    #[arg(long, requires = "all_dead", conflicts_with = "ids")]
    overtaken: bool,
}

impl RetryArgs {
    pub(crate) async fn run(&self, database: &Database) -> Result<Answer, Failure> {
        let mut outcome = Outcome::new("retried");
        if self.all_dead {
            self.retry_dead(database, &mut outcome).await?;
        } else {
            retry(database, &self.ids, &mut outcome).await?;
        }
        Ok(outcome.answer())
    }

    /// In the order of acceptance: one that dies again meanwhile is behind us, so this comes to an end.
    async fn retry_dead(&self, database: &Database, outcome: &mut Outcome) -> Result<(), Failure> {
        let mut filter = DeliveryFilter::in_state(DeliveryState::Dead);
        loop {
            let page = database.store.list(&filter).await.map_err(|error| outcome.broken(&error))?;
            let Some(last) = page.last() else { return Ok(()) };
            filter.after = Some(last.id);
            let (left, chosen): (Vec<_>, Vec<_>) =
                page.iter().partition(|row| row.overtaken_by.is_some() && !self.overtaken);
            for row in left {
                outcome.overtaken(row.id.0);
            }
            let ids: Vec<i64> = chosen.iter().map(|row| row.id.0).collect();
            retry(database, &ids, outcome).await?;
        }
    }
}

async fn retry(database: &Database, ids: &[i64], outcome: &mut Outcome) -> Result<(), Failure> {
    for &id in ids {
        // Before: a worker may be done with it at once.
        let found = database.store.show(DeliveryId(id)).await.map_err(|error| outcome.broken(&error))?;
        let row = found.map(|stored| stored.summary);
        if database.store.retry(DeliveryId(id)).await.map_err(|error| outcome.broken(&error))? {
            outcome.changed(id);
            if let Some(row) = row {
                let later = database.overtaking(&row).await.map_err(|error| outcome.broken(&error))?;
                outcome.note(id, &later);
            }
            continue;
        }
        outcome.unchanged(
            id,
            match row.map(|row| row.state) {
                None => "there is no such delivery; `lifecycle inbox list` shows those that there are",
                Some(DeliveryState::Done) => "it is handled already",
                Some(_) => "a worker has it right now; try again when it is done with it",
            },
        );
    }
    Ok(())
}
