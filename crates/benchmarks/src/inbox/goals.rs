//! Goals: what durable acknowledgement is held to.

use super::acknowledgements::Acknowledgements;
use super::growth::{self, Growth};
use super::stores::Kind::{Log, PostgresEach, PostgresInbox, SqliteEach, SqliteInbox};
use crate::report::{Bound, Goal};

/// By what was measured with a flush of 2 ms, and by the growth.
pub(crate) fn of(measured: &Acknowledgements, growth: &Growth) -> Vec<Goal> {
    let goal = |id, what: &str, bound, measured| Goal {
        id,
        what: what.to_owned(),
        bound,
        measured: Some(measured),
        note: String::new(),
    };
    let p99 = measured.median(64, SqliteInbox, |sent| sent.p99);
    let ratio = |senders, store, base| measured.ratio(senders, store, base).median;
    let mut goals = vec![
        goal("G11", "SQLite, 64 senders: of the log", Bound::AtLeast(0.70), ratio(64, SqliteInbox, Log)),
        goal(
            "G11",
            "SQLite, 64 senders: times one transaction for each",
            Bound::AtLeast(15.0),
            ratio(64, SqliteInbox, SqliteEach),
        ),
        goal("G11", "SQLite, 64 senders: p99 in flushes", Bound::AtMost(10.0), p99 / measured.flush()),
        goal("G11", "SQLite, one sender: of the log", Bound::AtLeast(0.9), ratio(1, SqliteInbox, Log)),
        goal(
            "G12",
            "PostgreSQL, 64 senders: of the log",
            Bound::AtLeast(0.75),
            ratio(64, PostgresInbox, Log),
        ),
        goal(
            "G12",
            "PostgreSQL, 64 senders: times one INSERT for each",
            Bound::AtLeast(20.0),
            ratio(64, PostgresInbox, PostgresEach),
        ),
        goal(
            "issue 3",
            "SQLite, 64 senders: times one transaction for each",
            Bound::AtLeast(20.0),
            ratio(64, SqliteInbox, SqliteEach),
        ),
        goal("issue 3", "SQLite, 64 senders: p99 in milliseconds", Bound::AtMost(50.0), p99 * 1e3),
    ];
    for (engine, name) in growth::ENGINES.into_iter().enumerate() {
        for (operation, what) in growth::OPERATIONS.into_iter().enumerate() {
            let what = format!("{name}, {} rows: cost to {what}", growth.rows[1]);
            goals.push(goal("issue 5", &what, Bound::AtMost(1.5), growth.cost(engine, operation).median));
        }
    }
    goals
}
