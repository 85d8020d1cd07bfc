//! Runner: which fixture goes to which route of which subject, and what came of it.

use std::collections::{BTreeSet, HashSet};
use std::panic::resume_unwind;
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::answer::Exactness;
use crate::filter::Filter;
use crate::fixture::{Fixture, Need};
use crate::job::{Job, send};
use crate::privacy::token;
use crate::program::{Program, ProgramError, Running, Settings};
use crate::progress::Progress;
use crate::report::{Report, Skipped};
use crate::route::Route;
use crate::rules::{every_route_is_served, the_log_keeps_secrets};
use crate::suite::Suite;
use crate::target::Target;

/// The shortest query or token that is looked for in a log, in bytes: a shorter one may stand there by chance.
const SHORTEST: usize = 12;

/// Starts each program, once for each set of settings that fixtures ask for, and sends it every fixture that the
/// filter admits.
///
/// Besides the fixtures, two rules are checked for each program: it serves all kinds of route, and what it logged
/// tells nothing private.
///
/// # Errors
/// When a program cannot be started or asked, or does not take one plain callback. What it answers to fixtures is never
/// an error, but in the report.
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
            let routes = target.routes.iter().filter(|route| fixture.applies_to(route));
            let wanted = routes.filter(|route| filter.admits(fixture, &target.name, route));
            jobs.extend(wanted.filter_map(|route| Job::new(fixture, target, route)));
        }
    }
    for subject in subjects.iter().filter(|subject| subject.settings.is_empty() && has_jobs(&jobs, subject)) {
        let failed = |source| ProgramError::Contact { program: subject.target.name.clone(), source };
        subject.target.contact().map_err(failed)?;
    }
    let mut outcomes = send(suite, &jobs, progress);
    let mut rules = Vec::new();
    for subject in &subjects {
        subject.settle()?;
        let deliveries: Vec<Value> = subject.get("/deliveries")?;
        let (mut signatures, mut queries, mut tokens) = (HashSet::new(), BTreeSet::new(), BTreeSet::new());
        let own = |job: &Job<'_>| std::ptr::eq(job.target, &raw const subject.target);
        for (job, outcome) in jobs.iter().zip(&mut outcomes).filter(|(job, _)| own(job)) {
            outcome.look(job, &deliveries);
            queries.extend(outcome.exchanged.iter().filter_map(|one| one.query.clone()));
            tokens.extend(outcome.exchanged.iter().filter_map(|one| token(one, &job.route.platform)));
            signatures.extend(outcome.expected_signatures(job));
        }
        queries.retain(|query: &String| query.len() >= SHORTEST);
        tokens.retain(|token: &String| token.len() >= SHORTEST);
        if !has_jobs(&jobs, subject) {
            continue;
        }
        rules.push(the_log_keeps_secrets(suite, subject, &signatures, &queries, &tokens));
        if subject.settings.is_empty() {
            rules.push(every_route_is_served(suite, &subject.target));
        }
    }
    let cases =
        jobs.iter().zip(outcomes).map(|(job, outcome)| job.case(suite, outcome)).chain(rules).collect();
    Ok(Report { cases, took: started.elapsed(), ..Report::default() })
}

fn has_jobs(jobs: &[Job<'_>], subject: &Running) -> bool {
    jobs.iter().any(|job| std::ptr::eq(job.target, &raw const subject.target))
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

/// Sends the fixtures to a server that runs already, and says which it left out and why. [`Target::contact`] tells
/// beforehand whether path, secret and app are right, without which nearly all of them fail.
///
/// What its handler saw cannot be known from outside, so that part of each fixture is not looked at.
pub fn run_target(suite: &Suite, target: &Target, filter: &Filter, progress: &Progress) -> Report {
    let started = Instant::now();
    let mut jobs = Vec::new();
    let mut skipped = Vec::new();
    for fixture in suite.fixtures() {
        let routes: Vec<&Route> = target.routes.iter().filter(|route| fixture.applies_to(route)).collect();
        let why = if routes.is_empty() { Some(without_route(fixture)) } else { missing(fixture, target) };
        match why {
            Some(why) if filter.admits_fixture(fixture) => {
                skipped.push(Skipped { fixture: fixture.id.clone(), why });
            }
            Some(_) => {}
            None => {
                let wanted = routes.into_iter().filter(|route| filter.admits(fixture, &target.name, route));
                jobs.extend(wanted.filter_map(|route| Job::new(fixture, target, route)));
            }
        }
    }
    let outcomes = send(suite, &jobs, progress);
    let cases = jobs.iter().zip(outcomes).map(|(job, outcome)| job.case(suite, outcome)).collect();
    let unobserved = jobs.iter().filter(|job| job.route.kind.runs_handler()).count();
    Report { cases, skipped, unobserved, took: started.elapsed() }
}

fn without_route(fixture: &Fixture) -> String {
    let kinds: Vec<&str> = fixture.routes.iter().map(|kind| kind.name()).collect();
    format!("needs a route of another kind: {}", kinds.join(", "))
}

/// What keeps a fixture from being sent to a server that this crate did not start.
fn missing(fixture: &Fixture, target: &Target) -> Option<String> {
    if !fixture.settings.is_empty() {
        let names: Vec<&str> = fixture.settings.keys().map(String::as_str).collect();
        return Some(format!("needs a server with other settings: {}", names.join(", ")));
    }
    if fixture.needs.contains(&Need::DeepJson) && target.exactness == Exactness::Verdict {
        return Some("needs a JSON parser without a limit on nesting, which not every language has".into());
    }
    if fixture.needs.contains(&Need::AnyApp) {
        return Some("needs a server that takes callbacks about any app".into());
    }
    if fixture.needs.contains(&Need::ScriptedHandler) {
        return Some("needs a handler that refuses, fails and sleeps on demand".into());
    }
    if fixture.needs.contains(&Need::StrictPaths) {
        return Some("needs a router to which a path that is written otherwise, such as with a slash behind it, is another path".into());
    }
    let credentials = target.credentials.get(&fixture.platform);
    let has_previous = credentials.is_some_and(|credentials| credentials.previous.is_some());
    if !has_previous && fixture.signs_with("previous") {
        return Some("needs a previous secret".into());
    }
    None
}
