//! Routes: each framework's servers in turns, against its bare route and against verification written by hand.

use std::collections::HashMap;
use std::time::Duration;

use super::callback::Requests;
use super::load::{Load, Slice, interleave, median, ratio};
use super::process::{Cpus, Process};
use crate::report::{Bound, Cell, Goal, Report, Table};
use crate::{Effort, Failure};

const FRAMEWORKS: [&str; 4] = ["axum", "actix-web", "warp", "hyper"];

const BARE: &str = "bare";
const EXPERT: &str = "expert";
const EXTRACTOR: &str = "extractor";
const ENDPOINT: &str = "endpoint";
const SIGNED: &str = "signed";
const ROUTES: [&str; 5] = [BARE, EXPERT, EXTRACTOR, "middleware", ENDPOINT];

const CONNECTIONS: usize = 32;
const SLICE: Duration = Duration::from_millis(100);

/// What is compared, and how a goal calls it.
type Number = (&'static str, fn(&Slice) -> f64);

const RATE: Number = ("requests per second", |slice| slice.rate);
const CPU: Number = ("CPU time", |slice| slice.cpu);
const P99: Number = ("p99", |slice| slice.p99);

/// What a framework's extractor may lose against the bare route: requests per second and CPU time.
const AGAINST_BARE: [(&str, f64, f64); 3] =
    [("axum", 0.87, 1.17), ("actix-web", 0.83, 1.22), ("warp", 0.82, 1.25)];

const HEADINGS: [&str; 10] =
    ["server", "requests", "to bare", "to expert", "CPU", "to bare", "to expert", "p50", "p99", "to bare"];

pub(super) async fn measure(effort: Effort, cpus: &Cpus, report: &mut Report) -> Result<(), Failure> {
    let rounds = if effort == Effort::Full { 60 } else { 5 };
    let mut rows = Vec::new();
    let mut goals = Vec::new();
    for framework in FRAMEWORKS {
        let mut loads = Vec::new();
        // One framework tells what verification alone costs.
        let routes: Vec<_> = ROUTES.into_iter().chain((framework == "axum").then_some(SIGNED)).collect();
        for route in &routes {
            let server = Process::start(cpus.server(&[framework, route])?)?;
            loads.push(Load::open(server, CONNECTIONS, Requests::rotated()?).await?);
        }
        let slices = interleave(&mut loads, rounds, SLICE).await?;
        let measured = Measured { framework, routes: routes.iter().copied().zip(slices).collect() };
        rows.extend(routes.iter().map(|route| measured.row(route)));
        for route in [EXTRACTOR, ENDPOINT] {
            let more = (median(measured.of(route), CPU.1) - median(measured.of(EXPERT), CPU.1)) * 1e6;
            let note = format!("{more:+.1} us of CPU time; see above for what it goes to");
            goals.push(measured.goal("G7", RATE, route, EXPERT, Bound::AtLeast(0.97), note.clone()));
            goals.push(measured.goal("G7", CPU, route, EXPERT, Bound::AtMost(1.08), note));
        }
        if routes.contains(&SIGNED) {
            let more = (median(measured.of(SIGNED), CPU.1) - median(measured.of(BARE), CPU.1)) * 1e6;
            let note = format!("{more:+.2} us of CPU time: the HMAC takes some 0.3");
            goals.push(measured.goal("G8", RATE, SIGNED, BARE, Bound::AtLeast(0.94), note));
        }
        if let Some((_, rate, cpu)) = AGAINST_BARE.into_iter().find(|(own, ..)| *own == framework) {
            for (number, bound) in [(RATE, Bound::AtLeast(rate)), (CPU, Bound::AtMost(cpu))] {
                let expert = ratio(measured.of(EXPERT), measured.of(BARE), number.1).median;
                let note = format!("in this run the expert's has {expert:.2}");
                goals.push(measured.goal("G8", number, EXTRACTOR, BARE, bound, note));
            }
        }
    }
    report.table(Table {
        title: "Each route against the bare route and against an expert's".to_owned(),
        note: format!(
            "One thread serves; {CONNECTIONS} connections in a closed loop send 64 signed callbacks of 352 bytes in \
             rotation, to each server in turn for {} ms, {rounds} rounds. CPU is the server's time for one request, \
             the kernel's part included; it is steadier than requests per second, whose ratios are off by 5 % now and \
             then. `bare` reads the body and answers 202. `expert` is written by hand: one header, a limit for the \
             body, a key scheduled once, the same members decoded. `extractor`, `middleware` and `endpoint` are the \
             library's routes; `signed` only verifies, by `Scheme::verify`. They also compare every header line with the two \
             that may carry a signature and refuse those that contradict each other, hold body and handler to a time, \
             and tell a log, which is off here; the part on instructions counts it in axum. Whatever is added \
             costs more in a server than alone: see the goal of `signed`, whose HMAC takes 0.3 us by itself. \
             Tried, and kept: a head that is read into its place, names passed over by their length, timers that are \
             made when something waits, futures without the request in them, one box less for a handler. {}",
            SLICE.as_millis(),
            cpus.note()
        ),
        headings: HEADINGS.map(str::to_owned).to_vec(),
        rows,
    });
    goals.sort_by_key(|goal| goal.id);
    for goal in goals {
        report.goal(goal);
    }
    Ok(())
}

/// The rounds of one framework's servers.
struct Measured {
    framework: &'static str,
    routes: HashMap<&'static str, Vec<Slice>>,
}

impl Measured {
    fn of(&self, route: &str) -> &[Slice] {
        &self.routes[route]
    }

    fn row(&self, route: &str) -> Vec<Cell> {
        let own = self.of(route);
        let against = |base: &str, (_, number): Number| match base {
            base if base == route => Cell::None,
            base => Cell::Ratio(ratio(own, self.of(base), number)),
        };
        vec![
            Cell::new(format!("{} {}", self.framework, route)),
            Cell::Number(median(own, RATE.1) / 1e3, "k/s"),
            against(BARE, RATE),
            against(EXPERT, RATE),
            Cell::Number(median(own, CPU.1) * 1e6, "us"),
            against(BARE, CPU),
            against(EXPERT, CPU),
            Cell::Number(median(own, |slice| slice.p50) * 1e3, "ms"),
            Cell::Number(median(own, P99.1) * 1e3, "ms"),
            against(BARE, P99),
        ]
    }

    fn goal(
        &self,
        id: &'static str,
        (what, number): Number,
        route: &str,
        base: &str,
        bound: Bound,
        note: String,
    ) -> Goal {
        Goal {
            id,
            what: format!("{} {route}, {what} against {base}", self.framework),
            bound,
            measured: Some(ratio(self.of(route), self.of(base), number).median),
            note,
        }
    }
}
