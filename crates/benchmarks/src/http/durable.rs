//! Durable: acknowledgements after the event is on the disk, with commits that are shared and with one for each.

use std::time::Duration;

use super::callback::Requests;
use super::load::{Load, Slice, interleave, median, ratio};
use super::process::{Cpus, Process};
use crate::inbox::flush::SlowFlush;
use crate::report::{self, Bound, Cell, Goal, Report, Table};
use crate::{Effort, Failure};

const CONNECTIONS: usize = 64;

/// How much longer a flush lasts than this disk's.
const FLUSH: Duration = Duration::from_millis(2);

pub(super) async fn measure(effort: Effort, cpus: &Cpus, report: &mut Report) -> Result<(), Failure> {
    let slow = SlowFlush::build()?;
    let mut rows = Vec::new();
    let mut slowed = None;
    for (disk, delay) in [("+ 2 ms", FLUSH), ("as it is", Duration::ZERO)] {
        let [inbox, per_event] = run(effort, cpus, &slow, delay).await?;
        let against = ratio(&inbox, &per_event, |slice| slice.rate);
        rows.push(row(disk, "inbox", &inbox, Cell::Ratio(against)));
        rows.push(row(disk, "per event", &per_event, Cell::None));
        slowed.get_or_insert(against.median);
    }
    report.table(Table {
        title: "Durable acknowledgements over HTTP".to_owned(),
        note: format!(
            "axum's `endpoint` on one CPU with an SQLite file, WAL and `synchronous=FULL`; {CONNECTIONS} connections, \
             each callback an event of its own. `inbox` is the library's and shares a commit among all that wait; \
             `per event` commits each by itself. The disk once with 2 ms added to each flush, which is what many real \
             ones take, and once as it is. {}",
            cpus.note()
        ),
        headings: ["flush", "server", "acknowledged", "to per event", "CPU", "p50", "p99"].map(str::to_owned).to_vec(),
        rows,
    });
    report.goal(Goal {
        id: "G13",
        what: "durable acknowledgements at 64 connections and 2 ms a flush, against a commit for each"
            .to_owned(),
        bound: Bound::AtLeast(10.0),
        measured: slowed,
        note: String::new(),
    });
    Ok(())
}

/// The rounds of the inbox and of the server with a commit for each event.
async fn run(
    effort: Effort,
    cpus: &Cpus,
    slow: &SlowFlush,
    delay: Duration,
) -> Result<[Vec<Slice>; 2], Failure> {
    let (rounds, time) = match effort {
        Effort::Full => (7, Duration::from_secs(2)),
        Effort::Quick => (1, Duration::from_millis(500)),
    };
    std::fs::create_dir_all(report::folder())?;
    let folder = tempfile::tempdir_in(report::folder())?; // on the disk that the build is on, which is a real one
    let mut loads = Vec::new();
    for name in ["inbox", "per-event"] {
        let file = folder.path().join(name);
        let mut server = cpus.server(&["durable", name, &file.to_string_lossy()])?;
        slow.slow(&mut server, delay);
        loads.push(Load::open(Process::start(server)?, CONNECTIONS, Requests::fresh()?).await?);
    }
    let slices = interleave(&mut loads, rounds, time).await?;
    slices.try_into().map_err(|_| "two servers were loaded".into())
}

fn row(disk: &str, server: &str, slices: &[Slice], against: Cell) -> Vec<Cell> {
    vec![
        Cell::new(disk),
        Cell::new(server),
        Cell::Number(median(slices, |slice| slice.rate), "/s"),
        against,
        Cell::Number(median(slices, |slice| slice.cpu) * 1e6, "us"),
        Cell::Number(median(slices, |slice| slice.p50) * 1e3, "ms"),
        Cell::Number(median(slices, |slice| slice.p99) * 1e3, "ms"),
    ]
}
