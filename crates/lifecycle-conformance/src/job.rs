//! Job: one fixture on its way to one route; and how all of them are sent, a number at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use crate::check::{Difference, Symptom, check};
use crate::exchange::{Exchanged, exchange};
use crate::fixture::Fixture;
use crate::observed::check_seen;
use crate::privacy::expected_signatures;
use crate::progress::Progress;
use crate::report::Case;
use crate::route::Route;
use crate::suite::Suite;
use crate::target::{Credentials, Target};
use crate::template::Values;

/// How many slow cases are under way at a time. They wait for a deadline, not for a processor.
const SLOW_AT_A_TIME: usize = 256;

/// How many others are.
const AT_A_TIME: usize = 16;

/// How many late cases may be the machine's fault.
const LATE: usize = 16;

/// One fixture on its way to one route.
pub(crate) struct Job<'a> {
    pub(crate) fixture: &'a Fixture,
    pub(crate) target: &'a Target,
    pub(crate) route: &'a Route,
    pub(crate) credentials: &'a Credentials,
}

/// What became of a job.
pub(crate) struct Outcome {
    unique: String,
    now: Timestamp,
    pub(crate) exchanged: Vec<Exchanged>,
    differences: Vec<Difference>,
    took: Duration,
}

impl<'a> Job<'a> {
    /// `None` where sender and receiver share nothing about the platform.
    pub(crate) fn new(fixture: &'a Fixture, target: &'a Target, route: &'a Route) -> Option<Self> {
        let credentials = target.credentials.get(&route.platform)?;
        Some(Self { fixture, target, route, credentials })
    }

    fn run(&self, suite: &Suite, unique: String) -> Outcome {
        let started = Instant::now();
        let now = Timestamp::now();
        let values = self.values(&unique, now);
        let mut differences = Vec::new();
        let exchanged = match exchange(self.fixture, &self.target.address, &values) {
            Ok(exchanged) => exchanged,
            Err(error) => {
                differences.push(Difference::new(
                    Symptom::Content,
                    "fixture",
                    "a request that can be built",
                    error.to_string(),
                ));
                Vec::new()
            }
        };
        for (place, (request, one)) in self.fixture.requests.iter().zip(&exchanged).enumerate() {
            let answer = suite.answer(request, self.route.kind);
            match check(request, answer, one, self.target, &values) {
                Ok(found) => differences.extend(found.into_iter().map(|mut difference| {
                    difference.what = format!("request {}: {}", place + 1, difference.what);
                    difference
                })),
                Err(error) => {
                    differences.push(Difference::new(
                        Symptom::Content,
                        "answer",
                        "a template that can be filled",
                        error.to_string(),
                    ));
                }
            }
        }
        Outcome { exchanged, differences, took: started.elapsed(), unique, now }
    }

    fn values<'v>(&'v self, unique: &'v str, now: Timestamp) -> Values<'v> {
        let (credentials, route) = (self.credentials, self.route);
        Values { credentials, route, unique, now, path: "", headers: &[], body: b"", token: ("", None) }
    }

    pub(crate) fn case(&self, suite: &Suite, outcome: Outcome) -> Case {
        let group = suite.group_of(self.fixture, &outcome.differences);
        Case {
            fixture: self.fixture.id.clone(),
            platform: self.fixture.platform.clone(),
            group: group.name.clone(),
            level: group.level,
            why: self.fixture.why.clone(),
            subject: self.target.name.clone(),
            route: self.route.path.clone(),
            differences: outcome.differences,
            took: outcome.took,
        }
    }
}

impl Outcome {
    /// The signatures that the receiver computed.
    pub(crate) fn expected_signatures(&self, job: &Job<'_>) -> Vec<String> {
        let values = job.values(&self.unique, self.now);
        self.exchanged.iter().flat_map(|one| expected_signatures(one, &values)).collect()
    }

    /// Compares what the handler has seen, once all cases are through: what comes late is seen too.
    pub(crate) fn look(&mut self, job: &Job<'_>, deliveries: &[Value]) {
        if self.exchanged.is_empty() {
            return;
        }
        match check_seen(
            job.fixture,
            job.route,
            &self.exchanged,
            deliveries,
            &job.values(&self.unique, self.now),
        ) {
            Ok(found) => self.differences.extend(found),
            Err(error) => {
                self.differences.push(Difference::new(
                    Symptom::Content,
                    "seen",
                    "a template that can be filled",
                    error.to_string(),
                ));
            }
        }
    }
}

/// Sends all jobs and gives their outcomes in the jobs' order.
///
/// The slow ones go first and apart, so that their waiting overlaps and nothing else delays their answers. What was
/// late all the same, and nothing but late, is sent once more, alone: a busy machine is no fault of the receiver. A
/// receiver that is at fault is late again.
pub(crate) fn send(suite: &Suite, jobs: &[Job<'_>], progress: &Progress) -> Vec<Outcome> {
    let (slow, quick) = (0..jobs.len()).partition(|place| jobs[*place].fixture.is_slow());
    let sending = Sending::new(suite, jobs, progress);
    sending.all(slow, SLOW_AT_A_TIME);
    sending.all(quick, AT_A_TIME);
    let late = sending.late();
    if late.len() <= LATE {
        sending.all(late, 1);
    }
    sending.outcomes.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()
}

struct Sending<'a> {
    suite: &'a Suite,
    jobs: &'a [Job<'a>],
    progress: &'a Progress,
    outcomes: Mutex<Vec<Option<Outcome>>>,
    /// Counts what was sent in this run, so that no two cases share their `{{unique}}`.
    sent: AtomicUsize,
    run: i64,
}

impl<'a> Sending<'a> {
    fn new(suite: &'a Suite, jobs: &'a [Job<'a>], progress: &'a Progress) -> Self {
        let outcomes = Mutex::new(jobs.iter().map(|_| None).collect());
        Self {
            suite,
            jobs,
            progress,
            outcomes,
            sent: AtomicUsize::new(0),
            run: Timestamp::now().as_millisecond(),
        }
    }

    fn all(&self, places: Vec<usize>, at_a_time: usize) {
        let workers = at_a_time.min(places.len());
        let places = Mutex::new(places.into_iter());
        let next = || places.lock().unwrap_or_else(PoisonError::into_inner).next();
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while let Some(place) = next() {
                        self.one(place);
                    }
                });
            }
        });
    }

    fn one(&self, place: usize) {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let outcome = self.jobs[place].run(self.suite, format!("case-{:x}-{number}-end", self.run));
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes[place] = Some(outcome);
        let failed = outcomes.iter().flatten().filter(|outcome| !outcome.differences.is_empty()).count();
        drop(outcomes);
        self.progress.show((number + 1).min(self.jobs.len()), failed, self.jobs.len());
    }

    /// The cases that were late and otherwise right.
    fn late(&self) -> Vec<usize> {
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_late = |outcome: &Outcome| {
            !outcome.differences.is_empty() && outcome.differences.iter().all(Difference::is_lateness)
        };
        (0..outcomes.len()).filter(|place| outcomes[*place].as_ref().is_some_and(is_late)).collect()
    }
}
