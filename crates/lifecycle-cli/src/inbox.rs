//! `lifecycle inbox`: what an inbox's database holds, and what an operator does about it.

mod database;
mod delete;
mod list;
mod outcome;
mod retry;
mod row;
mod show;
mod stats;

use clap::{Args, Subcommand};
use tokio::runtime::Builder;

use self::database::DatabaseArgs;
use crate::answer::Answer;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  lifecycle inbox stats --database-url sqlite:inbox.db
  lifecycle inbox list --platform github --since 2h
  DATABASE_URL=postgres://app@db.example/app lifecycle inbox list --state dead
  lifecycle inbox retry --all-dead

The app and its workers may run meanwhile. No schema is made or migrated, and no file is made. Workers
delete what is done after 7 days and dead letters after 90, unless the app says otherwise.";

/// Look into an inbox's database: count, list, show, retry and delete deliveries
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InboxArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Delete(delete::DeleteArgs),
    List(list::ListArgs),
    Retry(retry::RetryArgs),
    Show(show::ShowArgs),
    Stats(stats::StatsArgs),
}

impl InboxArgs {
    pub(crate) fn run(&self, as_json: bool) -> Result<Answer, Failure> {
        if let Command::Delete(args) = &self.command {
            args.confirm()?;
        }
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
            Failure::new(format!("no runtime to work with: {error}"), "free some resources")
        })?;
        runtime.block_on(async {
            let database = self.database.open().await?;
            match &self.command {
                Command::Delete(args) => args.run(&database).await,
                Command::List(args) => args.run(&database).await,
                Command::Retry(args) => args.run(&database).await,
                Command::Show(args) => args.run(&database, as_json).await,
                Command::Stats(args) => args.run(&database).await,
            }
        })
    }
}
