//! Goals: what durable acknowledgement is held to.

use super::acknowledgements::Acknowledgements;
use super::growth::{self, Growth};
use super::snapshot::Snapshot;
use super::stores::Kind::{Log, PostgresEach, PostgresInbox, SqliteEach, SqliteInbox};
use crate::report::{Bound, Goal};

const P99: &str = "A thread of its own copies the write-ahead log back into the file; once in 20000 pages the writer copies what was \
    written meanwhile, and flushes twice for that: 5 to 15 ms. While the commit that filled the log copied all of it, that \
    took 30 to 45 ms.";

const ONE: &str = "A row, its key and their index entries are eight pages of the write-ahead log, where a bare INSERT writes three; with \
    one sender nothing hides that behind a flush. Half of the processor's time goes to writing those pages and to the flush, \
    a tenth to the statements.";

/// By engine.
const GROWTH: [&str; 2] = [
    "Keys are digests, so the index that tells duplicates is hit at random: for 10000 callbacks SQLite wrote 180-200 MB in \
    the large store and 110-145 MB in the small one. Tried: a larger cache took 40 % of its reads away.",
    "Keys and tenants are digests, so their indexes are read at random: that is two pages of a callback, which the server's 128 MB do \
    not hold here. What is written is not random: the table of tenants with open deliveries and that of new keys are small, and \
    PostgreSQL logs each page of them once for many callbacks. While each key went into the index of all, and each tenant's row \
    was locked and written again, it took 2.03 times as long.",
];

/// By what was measured with a flush of 2 ms, by the growth, and under an old snapshot.
pub(crate) fn of(measured: &Acknowledgements, growth: &Growth, snapshot: &Snapshot) -> Vec<Goal> {
    let goal = |id, what: &str, bound, measured, note: &str| Goal {
        id,
        what: what.to_owned(),
        bound,
        measured: Some(measured),
        note: note.to_owned(),
    };
    let p99 = measured.median(64, SqliteInbox, |sent| sent.p99);
    let ratio = |senders, store, base| measured.ratio(senders, store, base).median;
    let mut goals = vec![
        goal("G11", "SQLite, 64 senders: of the log", Bound::AtLeast(0.80), ratio(64, SqliteInbox, Log), ""),
        goal("G11", "SQLite, 64 senders: p99 in flushes", Bound::AtMost(10.0), p99 / measured.flush(), P99),
        goal("G11", "SQLite, one sender: of the log", Bound::AtLeast(0.9), ratio(1, SqliteInbox, Log), ONE),
        goal(
            "G12",
            "PostgreSQL, 64 senders: of the log",
            Bound::AtLeast(0.80),
            ratio(64, PostgresInbox, Log),
            "",
        ),
        goal(
            "G12",
            "PostgreSQL, 64 senders: times one INSERT for each",
            Bound::AtLeast(20.0),
            ratio(64, PostgresInbox, PostgresEach),
            "",
        ),
        goal(
            "G11",
            "SQLite, 64 senders: times one transaction for each",
            Bound::AtLeast(20.0),
            ratio(64, SqliteInbox, SqliteEach),
            "",
        ),
        goal("G11", "SQLite, 64 senders: p99 in milliseconds", Bound::AtMost(50.0), p99 * 1e3, ""),
    ];
    for (engine, name) in growth::ENGINES.into_iter().enumerate() {
        for (operation, what) in growth::OPERATIONS.into_iter().enumerate() {
            let what = format!("{name}, {} rows: cost to {what}", growth.rows[1]);
            goals.push(goal(
                "growth",
                &what,
                Bound::AtMost(1.5),
                growth.cost(engine, operation).median,
                GROWTH[engine],
            ));
        }
    }
    let what = format!(
        "PostgreSQL, after {} deliveries under an old snapshot: handled, of without it",
        snapshot.before()
    );
    goals.push(goal("snapshot", &what, Bound::AtLeast(0.7), snapshot.ratio().median, ""));
    goals
}
