//! `lifecycle inbox show`: one delivery, or exactly its body.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write, stdout};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use lifecycle_inbox::{DeliveryId, DeliverySummary, StoredDelivery};
use serde_json::{Value, json};

use super::database::{Database, unanswered};
use super::row;
use crate::answer::{Answer, Exit};
use crate::failure::Failure;
use crate::shown::{harmless, one_line};

const EXAMPLES: &str = "\
Examples:
  lifecycle inbox show 1234 --database-url sqlite:inbox.db
  lifecycle inbox show 1234 --body > body.json";

/// Show a delivery: whose it is, its state, its last error and the headers that were kept
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShowArgs {
    /// The delivery
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    id: i64,
    /// Write the body and nothing else, byte for byte as it was received. It may hold personal data. With --json it is
    /// a member of the document, in base64 where it is not text
    #[arg(long)]
    body: bool,
}

impl ShowArgs {
    pub(crate) async fn run(&self, database: &Database, as_json: bool) -> Result<Answer, Failure> {
        let found = database.store.show(DeliveryId(self.id)).await.map_err(|error| unanswered(&error))?;
        let stored = found.ok_or_else(|| {
            Failure::new(
                format!("there is no delivery {} in this inbox", self.id),
                "`lifecycle inbox list` shows those that there are",
            )
        })?;
        if self.body && !as_json {
            write_exactly(&stored.body)?;
            return Ok(Answer { text: String::new(), json: Value::Null, exit: Exit::Well });
        }
        let later = database.overtaking(&stored.summary).await.map_err(|error| unanswered(&error))?;
        Ok(Answer { text: words(&stored, &later, database), json: self.json(&stored), exit: Exit::Well })
    }

    fn json(&self, stored: &StoredDelivery) -> Value {
        let mut document = row::json(&stored.summary, true);
        document["key"] = json!(key(stored));
        document["headers"] = json!(stored.headers().ok());
        document["body_bytes"] = json!(stored.body.len());
        if self.body {
            match std::str::from_utf8(&stored.body) {
                Ok(text) => document["body"] = json!(text),
                Err(_) => document["body_base64"] = json!(STANDARD.encode(&stored.body)),
            }
        }
        document
    }
}

fn words(stored: &StoredDelivery, later: &[DeliverySummary], database: &Database) -> String {
    let row = &stored.summary;
    let mut text = format!("delivery {}\n", row.id);
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {name:<12}{}", one_line(value)); // a String takes every write
        }
    };
    line("platform", &row.tenant.platform);
    line("app", &row.tenant.app);
    line("tenant", &row.tenant.tenant);
    line("kind", &row.kind);
    line("key", &key(stored).unwrap_or_else(|| "damaged".to_owned()));
    line("state", row.state.name());
    line("attempts", &row.attempts.to_string());
    line("due", &row::due(row, database.now()));
    line("received", &row::time(row.received_at));
    line("accepted", &row::time(row.accepted_at));
    line("finished", &row.finished_at.map(row::time).unwrap_or_default());
    line("done since", &done_since(row, later));
    line("worker", row.worker.as_deref().unwrap_or_default());
    line("last error", row.last_error.as_deref().unwrap_or_default());
    match stored.headers() {
        Ok(headers) => headers.iter().for_each(|(name, value)| line("header", &format!("{name}: {value}"))),
        Err(error) => line("headers", &error.to_string()),
    }
    line("body", &format!("{} bytes; --body writes them", stored.body.len()));
    text
}

/// What of its tenant is done although it came later. It may be deleted by now.
fn done_since(row: &DeliverySummary, later: &[DeliverySummary]) -> String {
    match row.overtaken_by {
        Some(id) if later.is_empty() => format!("{id}, which is deleted"),
        Some(_) => row::named(later),
        None => String::new(),
    }
}

fn key(stored: &StoredDelivery) -> Option<String> {
    stored.summary.key.map(|key| const_hex::encode(key.as_bytes()))
}

/// Byte for byte, save on a terminal, which control characters would command.
fn write_exactly(body: &[u8]) -> Result<(), Failure> {
    let mut out = stdout().lock();
    let written = if out.is_terminal() {
        writeln!(out, "{}", harmless(&String::from_utf8_lossy(body)))
    } else {
        out.write_all(body).and_then(|()| out.flush())
    };
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("the body could not be written: {error}"), "is there space left?"))
        }
        _ => Ok(()), // a reader that has seen enough, such as `head`, may close the pipe
    }
}
