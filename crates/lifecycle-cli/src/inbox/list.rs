//! `lifecycle inbox list`: deliveries in the order of acceptance, in pages.

use std::fmt::Write;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use comfy_table::{Table, presets};
use lifecycle_inbox::{DeliveryFilter, DeliveryId, DeliveryState, DeliverySummary};
use serde_json::{Value, json};

use super::database::{Database, unanswered};
use super::row;
use crate::answer::{Answer, Exit};
use crate::failure::Failure;
use crate::shown::one_line;

const EXAMPLES: &str = "\
Examples:
  lifecycle inbox list --database-url sqlite:inbox.db
  lifecycle inbox list --state dead --show-tenants
  lifecycle inbox list --limit 100 --after 1234 --json";

/// The most letters of an error in the table.
const ERROR_LETTERS: usize = 60;

/// List deliveries, the oldest first
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ListArgs {
    /// Only deliveries in this state
    #[arg(long, value_parser = states())]
    state: Option<DeliveryState>,
    /// The most deliveries
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// Only deliveries after this one: the next page
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(0..))]
    after: Option<i64>,
    /// Show whose they are: tenants are personal data to some
    #[arg(long)]
    show_tenants: bool,
}

impl ListArgs {
    pub(crate) async fn run(&self, database: &Database) -> Result<Answer, Failure> {
        let limit = usize::from(self.limit);
        let mut filter = DeliveryFilter::default();
        filter.state = self.state;
        filter.after = self.after.map(DeliveryId);
        filter.limit = limit + 1; // one more, to see whether there is another page
        let mut rows = database.store.list(&filter).await.map_err(|error| unanswered(&error))?;
        let is_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| is_more).map(|row| row.id.0);
        let mut text =
            if rows.is_empty() { "no such deliveries\n".to_owned() } else { self.table(&rows, database) };
        if let Some(id) = next {
            let _ = writeln!(text, "there are more: --after {id}"); // a String takes every write
        }
        let rows: Vec<Value> = rows.iter().map(|row| row::json(row, self.show_tenants)).collect();
        Ok(Answer { text, json: json!({"deliveries": rows, "next_after": next}), exit: Exit::Well })
    }

    fn table(&self, rows: &[DeliverySummary], database: &Database) -> String {
        let now = database.now();
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut header = vec!["id", "platform", "kind", "state", "attempts", "age", "due"];
        header.extend(self.show_tenants.then_some("tenant"));
        header.push("last error");
        table.set_header(header);
        for row in rows {
            let mut cells = vec![
                row.id.to_string(),
                one_line(&row.tenant.platform),
                one_line(&row.kind),
                row.state.name().to_owned(),
                row.attempts.to_string(),
                row::span(now.since(row.accepted_at)),
                row::due(row, now),
            ];
            cells.extend(self.show_tenants.then(|| one_line(&row.tenant.tenant)));
            cells.push(row.last_error.as_deref().map(cut).unwrap_or_default());
            table.add_row(cells);
        }
        table.to_string().lines().fold(String::new(), |text, line| text + line.trim() + "\n")
    }
}

fn states() -> impl TypedValueParser<Value = DeliveryState> {
    PossibleValuesParser::new(DeliveryState::ALL.map(DeliveryState::name))
        .try_map(|name| DeliveryState::from_name(&name).ok_or("there is no such state"))
}

fn cut(error: &str) -> String {
    let line = one_line(error);
    match line.char_indices().nth(ERROR_LETTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
