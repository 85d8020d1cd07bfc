//! `lifecycle inbox stats`: how much there is to do, and how much went wrong.

use clap::Args;
use serde_json::json;

use super::database::{Database, unanswered};
use super::row::span;
use crate::answer::{Answer, Exit};
use crate::failure::Failure;
use crate::shown::{BAD, millis};

const EXAMPLES: &str = "\
Examples:
  lifecycle inbox stats --database-url sqlite:inbox.db
  lifecycle inbox stats --json";

/// Count what waits, what workers have, and dead letters; and tell the age of the oldest that is not handled
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatsArgs {}

impl StatsArgs {
    pub(crate) async fn run(&self, database: &Database) -> Result<Answer, Failure> {
        let stats = database.inbox.stats().await.map_err(|error| unanswered(&error))?;
        let oldest = stats.oldest.map_or_else(|| "none".to_owned(), |age| format!("{} old", span(age)));
        let dead = match stats.dead {
            0 => "0".to_owned(),
            some => format!("{BAD}{some}{BAD:#}  (`lifecycle inbox list --state dead` tells why)"),
        };
        let text = format!(
            "pending  {}\nleased   {}\ndead     {dead}\noldest   {oldest}\n",
            stats.pending, stats.leased
        );
        let json = json!({
            "pending": stats.pending,
            "leased": stats.leased,
            "dead": stats.dead,
            "oldest_ms": stats.oldest.map(millis),
        });
        Ok(Answer { text, json, exit: Exit::Well })
    }
}
