//! Runner: sends every fixture to every face that it applies to, a number of them at a time.

use std::collections::{BTreeSet, HashSet};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use crate::check::{Difference, check};
use crate::exchange::{Exchanged, exchange};
use crate::face::{Face, FaceKind};
use crate::filter::Filter;
use crate::fixture::{Fixture, Need};
use crate::observed::check_seen;
use crate::privacy::expected_signatures;
use crate::program::{Program, ProgramError, Running, Settings};
use crate::progress::Progress;
use crate::report::{Case, Report, Skipped};
use crate::rules::{every_face_is_served, the_log_keeps_secrets};
use crate::suite::Suite;
use crate::target::Target;
use crate::template::Values;

/// How many cases are under way at a time. Most of them wait for a deadline, not for a processor.
const AT_A_TIME: usize = 32;

/// Starts each program, once for each set of settings that fixtures ask for, and sends it every fixture that the
/// filter admits.
///
/// Besides the fixtures, two rules are checked for each program: it serves all kinds of face, and what it logged
/// tells nothing private.
///
/// # Errors
/// When a program cannot be started or asked. What it answers to fixtures is never an error, but in the report.
pub fn run_programs(
    suite: &Suite,
    programs: &[Program],
    filter: &Filter,
    progress: &Progress,
) -> Result<Report, ProgramError> {
    let started = Instant::now();
    let settings: BTreeSet<&Settings> = suite.fixtures().iter().map(|fixture| &fixture.settings).collect();
    let subjects = start(programs, &settings)?;
    let mut jobs = Vec::new();
    for fixture in suite.fixtures() {
        for subject in subjects.iter().filter(|subject| subject.settings == fixture.settings) {
            let target = &subject.target;
            for face in target.faces.iter().filter(|face| fixture.applies_to(face)) {
                if filter.admits(fixture, &target.name, face) {
                    jobs.push(Job { fixture, target, face });
                }
            }
        }
    }
    let mut outcomes = send(suite, &jobs, progress);
    let mut rules = Vec::new();
    for subject in &subjects {
        let deliveries: Vec<Value> = subject.get("/deliveries")?;
        let mut signatures = HashSet::new();
        let own = |job: &Job<'_>| std::ptr::eq(job.target, &raw const subject.target);
        for (job, outcome) in jobs.iter().zip(&mut outcomes).filter(|(job, _)| own(job)) {
            outcome.look(job, &deliveries);
            signatures.extend(
                outcome.exchanged.iter().flat_map(|one| expected_signatures(&job.target.credentials, one)),
            );
        }
        if !jobs.iter().any(own) {
            continue;
        }
        rules.push(the_log_keeps_secrets(subject, &signatures));
        if subject.settings.is_empty() {
            rules.push(every_face_is_served(&subject.target));
        }
    }
    let cases = jobs.iter().zip(outcomes).map(|(job, outcome)| job.case(outcome)).chain(rules).collect();
    Ok(Report { cases, took: started.elapsed(), ..Report::default() })
}

/// Starts every program with every set of settings, all at once.
fn start(programs: &[Program], settings: &BTreeSet<&Settings>) -> Result<Vec<Running>, ProgramError> {
    thread::scope(|scope| {
        let starting: Vec<_> = settings
            .iter()
            .flat_map(|settings| programs.iter().map(|program| scope.spawn(|| program.start(settings))))
            .collect();
        starting.into_iter().map(|start| start.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// Sends the fixtures to a server that runs already, and says which it left out and why.
///
/// What its handler saw cannot be known from outside, so that part of each fixture is not looked at.
pub fn run_target(suite: &Suite, target: &Target, filter: &Filter, progress: &Progress) -> Report {
    let started = Instant::now();
    let mut jobs = Vec::new();
    let mut skipped = Vec::new();
    for fixture in suite.fixtures() {
        let faces: Vec<&Face> = target.faces.iter().filter(|face| fixture.applies_to(face)).collect();
        let why = if faces.is_empty() { Some(without_face(fixture)) } else { missing(fixture, target) };
        match why {
            Some(why) if filter.admits_fixture(fixture) => {
                skipped.push(Skipped { fixture: fixture.id.clone(), why });
            }
            Some(_) => {}
            None => {
                let wanted = faces.into_iter().filter(|face| filter.admits(fixture, &target.name, face));
                jobs.extend(wanted.map(|face| Job { fixture, target, face }));
            }
        }
    }
    let outcomes = send(suite, &jobs, progress);
    let cases = jobs.iter().zip(outcomes).map(|(job, outcome)| job.case(outcome)).collect();
    let unobserved = jobs.iter().filter(|job| job.face.kind.runs_handler()).count();
    Report { cases, skipped, unobserved, took: started.elapsed() }
}

fn without_face(fixture: &Fixture) -> String {
    let kinds: Vec<&str> = fixture.faces.iter().map(|kind| kind.name()).collect();
    format!("needs a face of another kind: {}", kinds.join(", "))
}

/// What keeps a fixture from being sent to a server that this crate did not start.
fn missing(fixture: &Fixture, target: &Target) -> Option<String> {
    if !fixture.settings.is_empty() {
        let names: Vec<&str> = fixture.settings.keys().map(String::as_str).collect();
        return Some(format!("needs a server with other settings: {}", names.join(", ")));
    }
    if fixture.needs.contains(&Need::ScriptedHandler) {
        return Some("needs a handler that refuses, fails and sleeps on demand".into());
    }
    if target.credentials.previous.is_none() && fixture.signs_with("previous") {
        return Some("needs a previous secret".into());
    }
    if target.credentials.token.is_none()
        && matches!(fixture.faces[..], [FaceKind::Hook | FaceKind::Manifest])
    {
        return Some("needs the hook token".into());
    }
    None
}

/// One fixture on its way to one face.
struct Job<'a> {
    fixture: &'a Fixture,
    target: &'a Target,
    face: &'a Face,
}

/// What became of a job.
struct Outcome {
    unique: String,
    now: Timestamp,
    exchanged: Vec<Exchanged>,
    differences: Vec<Difference>,
    took: Duration,
}

impl Job<'_> {
    fn run(&self, suite: &Suite, unique: String) -> Outcome {
        let started = Instant::now();
        let now = Timestamp::now();
        let values = self.values(&unique, now);
        let mut differences = Vec::new();
        let exchanged = match exchange(self.fixture, self.target, self.face, &unique, now) {
            Ok(exchanged) => exchanged,
            Err(error) => {
                differences.push(Difference::new(
                    "fixture",
                    "a request that can be built",
                    error.to_string(),
                ));
                Vec::new()
            }
        };
        for (place, (request, one)) in self.fixture.requests.iter().zip(&exchanged).enumerate() {
            let answer = suite.answer(request, self.face.kind);
            match check(request, answer, one, self.target, &values) {
                Ok(found) => differences.extend(found.into_iter().map(|mut difference| {
                    difference.what = format!("request {}: {}", place + 1, difference.what);
                    difference
                })),
                Err(error) => {
                    differences.push(Difference::new(
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
        Values { credentials: &self.target.credentials, face: self.face, unique, now, path: "", body: b"" }
    }

    fn case(&self, outcome: Outcome) -> Case {
        Case {
            fixture: self.fixture.id.clone(),
            platform: self.fixture.platform.clone(),
            why: self.fixture.why.clone(),
            subject: self.target.name.clone(),
            face: self.face.path.clone(),
            differences: outcome.differences,
            took: outcome.took,
        }
    }
}

impl Outcome {
    /// Compares what the handler has seen, once all cases are through: what comes late is seen too.
    fn look(&mut self, job: &Job<'_>, deliveries: &[Value]) {
        if self.exchanged.is_empty() {
            return;
        }
        match check_seen(
            job.fixture,
            job.face,
            &self.exchanged,
            deliveries,
            &job.values(&self.unique, self.now),
        ) {
            Ok(found) => self.differences.extend(found),
            Err(error) => {
                self.differences.push(Difference::new(
                    "seen",
                    "a template that can be filled",
                    error.to_string(),
                ));
            }
        }
    }
}

/// Runs all jobs, the slow ones first so that their waiting overlaps, and gives their outcomes in the jobs' order.
fn send(suite: &Suite, jobs: &[Job<'_>], progress: &Progress) -> Vec<Outcome> {
    let run = Timestamp::now().as_millisecond();
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by_key(|place| !jobs[*place].fixture.is_slow());
    let (next, done, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let outcomes: Mutex<Vec<(usize, Outcome)>> = Mutex::new(Vec::with_capacity(jobs.len()));
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(jobs.len()) {
            scope.spawn(|| {
                while let Some(place) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = jobs[*place].run(suite, format!("case-{run:x}-{place}-end"));
                    failed.fetch_add(usize::from(!outcome.differences.is_empty()), Ordering::Relaxed);
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((*place, outcome));
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    progress.show(done, failed.load(Ordering::Relaxed), jobs.len());
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by_key(|(place, _)| *place);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}
