//! Rules: what holds for a program as a whole, besides what each fixture says.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use crate::check::{Difference, Symptom};
use crate::group::Level;
use crate::privacy::secrets;
use crate::program::Running;
use crate::report::Case;
use crate::route::RouteKind;
use crate::suite::Suite;
use crate::target::Target;

/// The names of the rules, by which `groups.json` knows them.
const EVERY_ROUTE_IS_SERVED: &str = "every-route-is-served";
const THE_LOG_KEEPS_SECRETS: &str = "the-log-keeps-secrets";

/// The rule that what an app logs, with `RUST_LOG=trace`, tells no secret, no signature, no token, no address of a
/// person, and no query, where states and installation ids are.
pub(crate) fn the_log_keeps_secrets(
    suite: &Suite,
    subject: &Running,
    signatures: &HashSet<String>,
    queries: &BTreeSet<String>,
    tokens: &BTreeSet<String>,
) -> Case {
    let log = subject.log();
    let secrets = secrets(&subject.target);
    let mut found: BTreeSet<&str> =
        secrets.iter().filter(|(_, value)| log.contains(value.as_str())).map(|(name, _)| *name).collect();
    // Signatures are many, so the log's own runs of 64 digits are looked up among them.
    let mut runs = log.split(|letter: char| !letter.is_ascii_hexdigit());
    if runs.any(|run| signatures.contains(run)) {
        found.insert("an expected signature");
    }
    if queries.iter().any(|query| log.contains(query.as_str())) {
        found.insert("a query");
    }
    if tokens.iter().any(|token| log.contains(token.as_str())) {
        found.insert("a token");
    }
    if log.contains("panicked at") {
        found.insert("a panic");
    }
    let found: Vec<&str> = found.into_iter().collect();
    let differences = match found.as_slice() {
        [] => Vec::new(),
        _ => vec![Difference::new(Symptom::Private, "log", "nothing private and no panic", found.join(", "))],
    };
    Case {
        fixture: THE_LOG_KEEPS_SECRETS.into(),
        platform: "all".into(),
        group: suite.group_of_rule(THE_LOG_KEEPS_SECRETS).into(),
        level: Level::Must,
        why: "A log is read by more people than may forge a callback: no secret, no signature, no token, no address of a person.".into(),
        subject: subject.target.name.clone(),
        route: subject.settings.keys().fold("log".into(), |name: String, setting| format!("{name} {setting}")),
        differences,
        took: Duration::ZERO,
    }
}

/// The rule that a program serves each kind of route: a route that is not declared would not be tested.
pub(crate) fn every_route_is_served(suite: &Suite, target: &Target) -> Case {
    let has = |kind: RouteKind, event: Option<&str>| {
        target.routes.iter().any(|route| route.kind == kind && route.event.as_deref() == event)
    };
    let mut absent: Vec<String> = [
        RouteKind::Action,
        RouteKind::Endpoint,
        RouteKind::Gated,
        RouteKind::Hook,
        RouteKind::InstallPage,
        RouteKind::Manifest,
        RouteKind::Middleware,
        RouteKind::Page,
    ]
    .into_iter()
    .filter(|kind| !has(*kind, None))
    .map(|kind| kind.to_string())
    .collect();
    for event in ["install", "enable", "upgrade", "disable", "uninstall"] {
        if !has(RouteKind::EndpointOne, Some(event)) {
            absent.push(format!("{} ({event})", RouteKind::EndpointOne));
        }
    }
    let takes_events = |platform: &str| {
        let mut routes = target.routes.iter().filter(|route| route.platform == platform);
        routes
            .any(|route| matches!(route.kind, RouteKind::Endpoint | RouteKind::EndpointOne | RouteKind::Hook))
    };
    let platforms = target.credentials.keys().filter(|platform| !takes_events(platform));
    absent.extend(platforms.map(|platform| format!("one of {platform}")));
    let differences = match absent.as_slice() {
        [] => Vec::new(),
        _ => vec![Difference::new(
            Symptom::Content,
            "routes",
            "every kind",
            format!("without {}", absent.join(", ")),
        )],
    };
    Case {
        fixture: EVERY_ROUTE_IS_SERVED.into(),
        platform: "all".into(),
        group: suite.group_of_rule(EVERY_ROUTE_IS_SERVED).into(),
        level: Level::Must,
        why: "A route that an app does not declare would not be tested.".into(),
        subject: target.name.clone(),
        route: "/routes".into(),
        differences,
        took: Duration::ZERO,
    }
}
