//! `lifecycle inbox list`: deliveries, the newest first, in pages.

use std::cmp::Reverse;
use std::fmt::Write;
use std::time::{Duration, SystemTime};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap_complete::engine::ArgValueCandidates;
use comfy_table::{Table, presets};
use jiff::{Span, SpanRelativeTo};
use lifecycle_inbox::{DeliveryFilter, DeliveryId, DeliveryState, DeliverySummary, EngineError, Timestamp};
use serde_json::{Value, json};

use super::database::{Database, unanswered};
use super::row;
use crate::answer::{Answer, Exit};
use crate::completions::{kinds, platforms};
use crate::failure::Failure;
use crate::shown::one_line;

const EXAMPLES: &str = "\
Examples:
  lifecycle inbox list --database-url sqlite:inbox.db
  lifecycle inbox list --state dead --show-tenants
  lifecycle inbox list --platform github --kind uninstall --since 2h
  lifecycle inbox list --all --limit 100 --before 1234 --json";

/// The most letters of an error in the table.
const ERROR_LETTERS: usize = 60;

/// How many are read at a time. The filters are applied here: no question takes the database long, however rare what is looked for.
const PAGE: usize = 1_000;

/// List deliveries that are not done, the newest first
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ListArgs {
    /// Only deliveries in this state
    #[arg(long, value_parser = states())]
    state: Option<DeliveryState>,
    /// Also deliveries that are done
    #[arg(long, conflicts_with = "state")]
    all: bool,
    /// Only deliveries of this platform
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(platforms))]
    platform: Option<String>,
    /// Only deliveries of this tenant
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Only deliveries of this kind, such as install
    #[arg(long, value_name = "KIND", add = ArgValueCandidates::new(kinds))]
    kind: Option<String>,
    /// Only deliveries that were accepted since: a time such as 2026-01-31T08:00Z, or how long ago, such as 90min, 2h or 3d
    #[arg(long, value_name = "TIME", value_parser = Since::parse)]
    since: Option<Since>,
    /// The most deliveries
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// Only deliveries before this one: the next page
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(0..))]
    before: Option<i64>,
    /// Show whose they are: tenants are personal data to some
    #[arg(long)]
    show_tenants: bool,
}

/// From when on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Since {
    Ago(Duration),
    At(Timestamp),
}

impl Since {
    fn parse(text: &str) -> Result<Self, String> {
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::At(SystemTime::from(at).into()));
        }
        let days = SpanRelativeTo::days_are_24_hours();
        let span = text.parse::<Span>().and_then(|span| span.to_duration(days));
        match span.map(Duration::try_from) {
            Ok(Ok(ago)) => Ok(Self::Ago(ago)),
            _ => {
                Err("it is neither a time such as 2026-01-31T08:00Z nor one ago such as 90min, 2h or 3d"
                    .into())
            }
        }
    }

    fn timestamp(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(time) => now - time,
            Self::At(at) => at,
        }
    }
}

impl ListArgs {
    pub(crate) async fn run(&self, database: &Database) -> Result<Answer, Failure> {
        let limit = usize::from(self.limit);
        let mut rows = Vec::new();
        for state in self.states() {
            let found = self.newest(database, state, limit + 1).await; // one more, to see whether there is another page
            rows.extend(found.map_err(|error| unanswered(&error))?);
        }
        rows.sort_unstable_by_key(|row| Reverse(row.id));
        rows.dedup_by_key(|row| row.id); // it may have changed its state meanwhile
        let is_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| is_more).map(|row| row.id.0);
        let mut text =
            if rows.is_empty() { "no such deliveries\n".to_owned() } else { self.table(&rows, database) };
        if let Some(id) = next {
            let _ = writeln!(text, "there are more: --before {id}"); // a String takes every write
        }
        let rows: Vec<Value> = rows.iter().map(|row| row::json(row, self.show_tenants)).collect();
        Ok(Answer { text, json: json!({"deliveries": rows, "next_before": next}), exit: Exit::Well })
    }

    /// Those that are asked for one by one, as each has an index of its own.
    fn states(&self) -> Vec<Option<DeliveryState>> {
        match self.state {
            Some(state) => vec![Some(state)],
            None if self.all => vec![None],
            None => [DeliveryState::Pending, DeliveryState::Leased, DeliveryState::Dead].map(Some).into(),
        }
    }

    /// The newest in this state that are looked for.
    async fn newest(
        &self,
        database: &Database,
        state: Option<DeliveryState>,
        limit: usize,
    ) -> Result<Vec<DeliverySummary>, EngineError> {
        let since = self.since.map_or(Timestamp::MIN, |since| since.timestamp(database.now()));
        let mut filter = DeliveryFilter::default();
        (filter.state, filter.newest_first) = (state, true);
        filter.after = self.before.map(DeliveryId);
        filter.limit = if self.is_narrow() { PAGE } else { limit };
        let mut found = Vec::new();
        loop {
            let page = database.store.list(&filter).await?;
            filter.after = page.last().map(|row| row.id);
            let is_last = page.len() < filter.limit || page.last().is_some_and(|row| row.accepted_at < since);
            found.extend(page.into_iter().filter(|row| row.accepted_at >= since && self.is_asked_for(row)));
            if is_last || found.len() >= limit {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }

    /// Whether most deliveries may be others than those that are looked for.
    fn is_narrow(&self) -> bool {
        self.platform.is_some() || self.tenant.is_some() || self.kind.is_some()
    }

    fn is_asked_for(&self, row: &DeliverySummary) -> bool {
        let fits = |asked: &Option<String>, own: &str| asked.as_deref().is_none_or(|asked| asked == own);
        fits(&self.platform, &row.tenant.platform)
            && fits(&self.tenant, &row.tenant.tenant)
            && fits(&self.kind, &row.kind)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_one_or_how_long_ago_it_was() {
        for (text, seconds) in
            [("90min", 5_400), ("2h", 7_200), ("3d", 259_200), ("1h 30m", 5_400), ("PT2H", 7_200)]
        {
            assert_eq!(Since::parse(text), Ok(Since::Ago(Duration::from_secs(seconds))), "{text}");
        }
        let at = Since::At(Timestamp::from_millis(1_769_846_400_000));
        assert_eq!(Since::parse("2026-01-31T08:00Z"), Ok(at));
        for wrong in ["", "soon", "-2h", "2h ago ago", "2026-01-31", "1 month"] {
            assert!(Since::parse(wrong).is_err(), "{wrong}");
        }
    }
}
