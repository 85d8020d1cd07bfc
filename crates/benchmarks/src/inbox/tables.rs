//! Tables: what was measured, for people.

use super::acknowledgements::{Acknowledgements, SENDERS};
use super::claims::{self, CONCURRENCY, Claims};
use super::growth::{self, Growth};
use super::snapshot::Snapshot;
use super::stores::Kind;
use crate::report::{Cell, Table};

pub(crate) fn acknowledgements(disk: &str, measured: &Acknowledgements) -> Table {
    let flush = measured.flush();
    let rows = SENDERS.into_iter().flat_map(|senders| {
        Kind::ALL.map(|store| {
            let p99 = measured.median(senders, store, |sent| sent.p99);
            let each = store.each();
            vec![
                Cell::new(senders.to_string()),
                Cell::new(store.name()),
                Cell::Number(measured.median(senders, store, |sent| sent.per_second), "/s"),
                Cell::Number(measured.median(senders, store, |sent| sent.p50) * 1e3, "ms"),
                Cell::Number(p99 * 1e3, "ms"),
                Cell::Number(p99 / flush, ""),
                Cell::Ratio(measured.ratio(senders, store, Kind::Log)),
                each.map_or(Cell::None, |each| Cell::Ratio(measured.ratio(senders, store, each))),
            ]
        })
    });
    Table {
        title: format!("Acknowledged callbacks, the disk {disk}"),
        note: format!(
            "A closed loop of senders, each callback of 350 bytes with a request id of its own, and its acknowledgement \
             after it is on disk. A write of 4 KiB with its flush takes {:.2} ms here. The log is a file that is only \
             appended to, with one flush for all that waits: the limit of this disk. Ratios are of callbacks a second; \
             the last column's is to the same database with one transaction for each callback.",
            flush * 1e3
        ),
        headings: [
            "senders",
            "store",
            "acknowledged",
            "p50",
            "p99",
            "p99 in flushes",
            "of the log",
            "of one each",
        ]
        .map(str::to_owned)
        .into(),
        rows: rows.collect(),
    }
}

pub(crate) fn claims([slow, as_is]: &[Claims; 2]) -> Table {
    let mut rows = Vec::new();
    for (nth, concurrency) in CONCURRENCY.into_iter().enumerate() {
        for (engine, name) in claims::ENGINES.into_iter().enumerate() {
            let mut row = vec![Cell::new(concurrency.to_string()), Cell::new(name)];
            for measured in [slow, as_is] {
                row.push(Cell::Number(measured.per_second(nth, engine), "/s"));
                row.push(Cell::Ratio(measured.ratio(nth, engine)));
            }
            rows.push(row);
        }
    }
    Table {
        title: "Deliveries worked off".to_owned(),
        note: "One `Worker` with a handler that does nothing claims, runs and completes deliveries of 1000 tenants, so \
               many at a time. The ratios are to the callbacks a second that one sender has written to SQLite, one \
               transaction each, on the same disk: a delivery takes at least a claim and a completion."
            .to_owned(),
        headings: ["at a time", "engine", "2 ms flush", "of one each", "disk as it is", "of one each"]
            .map(str::to_owned)
            .into(),
        rows,
    }
}

pub(crate) fn growth(measured: &Growth) -> Table {
    let [few, many] = measured.rows;
    let mut rows = Vec::new();
    for (engine, name) in growth::ENGINES.into_iter().enumerate() {
        for (operation, what) in growth::OPERATIONS.into_iter().enumerate() {
            let [in_few, in_many] = measured.per_second(engine, operation);
            rows.push(vec![
                Cell::new(name),
                Cell::new(what),
                Cell::Number(in_few, "/s"),
                Cell::Number(in_many, "/s"),
                Cell::Ratio(measured.cost(engine, operation)),
            ]);
        }
    }
    Table {
        title: format!("A store of {few} finished deliveries and one of {many}"),
        note: "Both have their keys, tenants and installations, and are measured in turns on the disk as it is: 64 \
               senders, then a worker. The ratio is the large store's time over the small one's."
            .to_owned(),
        headings: vec![
            "engine".to_owned(),
            "operation".to_owned(),
            few.to_string(),
            many.to_string(),
            "cost".to_owned(),
        ],
        rows,
    }
}

pub(crate) fn snapshot(measured: &Snapshot) -> Table {
    let [without, with] = measured.per_second();
    Table {
        title: "PostgreSQL with an old snapshot held open".to_owned(),
        note: format!(
            "Two servers, measured in turns on the disk as it is: a worker with a handler that does nothing, 16 at a time, \
             deliveries of 1000 tenants. In one of them a transaction holds a snapshot from before the first delivery, so \
             that nothing dead is cleaned up; {} deliveries were handled under it before these. `VACUUM (ANALYZE)` goes \
             before each round in both.",
            measured.before()
        ),
        headings: ["", "without", "with", "of it"].map(str::to_owned).into(),
        rows: vec![vec![
            Cell::new("claim, handle and complete"),
            Cell::Number(without, "/s"),
            Cell::Number(with, "/s"),
            Cell::Ratio(measured.ratio()),
        ]],
    }
}
