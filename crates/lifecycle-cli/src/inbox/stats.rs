//! `lifecycle inbox stats`: how much there is to do, and how much went wrong.

use std::fmt::Write;
use std::time::Duration;

use clap::Args;
use lifecycle_inbox::{Timestamp, UnknownPlatform};
use serde_json::{Value, json};

use super::database::{Database, unanswered};
use super::row::span;
use crate::answer::{Answer, Exit};
use crate::failure::Failure;
use crate::shown::{BAD, millis, one_line};

const EXAMPLES: &str = "\
Examples:
  lifecycle inbox stats --database-url sqlite:inbox.db
  lifecycle inbox stats --json";

const HOUR: Duration = Duration::from_secs(3_600);

/// Count what waits, what workers have, dead letters and what is done; and tell the age of the oldest that is not handled
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatsArgs {}

impl StatsArgs {
    pub(crate) async fn run(&self, database: &Database) -> Result<Answer, Failure> {
        let stats = database.store.stats().await.map_err(|error| unanswered(&error))?;
        let ended = |since| database.store.ended(since);
        let kept = ended(Timestamp::MIN).await.map_err(|error| unanswered(&error))?;
        let hour = ended(database.now() - HOUR).await.map_err(|error| unanswered(&error))?;
        let oldest = stats.oldest.map_or_else(|| "none".to_owned(), |age| format!("{} old", span(age)));
        let dead = match stats.dead {
            0 => "0".to_owned(),
            some => format!("{BAD}{some}{BAD:#}  (`lifecycle inbox list --state dead` tells why)"),
        };
        let mut text = format!(
            "pending  {}\nleased   {}\ndead     {dead}\ndone     {}, as far as they are kept\n\
             in the last hour  {} done, {} dead\noldest   {oldest}\n",
            stats.pending, stats.leased, kept.done, hour.done, hour.dead
        );
        let unknown = database.store.unknown_platforms().await.map_err(|error| unanswered(&error))?;
        for UnknownPlatform { name, open, oldest, .. } in &unknown {
            // A String takes every write.
            let _ = writeln!(
                text,
                "{BAD}unknown{BAD:#}  {open} of the platform {}, {} old: they wait for a worker that knows it",
                one_line(name),
                span(*oldest)
            );
        }
        let json = json!({
            "pending": stats.pending,
            "leased": stats.leased,
            "dead": stats.dead,
            "done": kept.done,
            "last_hour": {"done": hour.done, "dead": hour.dead},
            "oldest_ms": stats.oldest.map(millis),
            "unknown_platforms": unknown.iter().map(json_of).collect::<Vec<Value>>(),
        });
        Ok(Answer { text, json, exit: Exit::Well })
    }
}

fn json_of(unknown: &UnknownPlatform) -> Value {
    json!({"name": unknown.name, "open": unknown.open, "oldest_ms": millis(unknown.oldest)})
}
