//! A handler that moves behind an inbox keeps its meaning: the same answers, and the same deliveries that it sees.

use std::collections::BTreeMap;
use std::path::Path;

use lifecycle_conformance::{Case, Filter, Program, Progress, Suite, run_programs};

/// Sends every callback of the fixtures to both forms. What a fixture expects says too what the handler has to have seen.
#[test]
fn a_handler_behind_an_inbox_answers_and_sees_what_it_does_at_an_endpoint() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let suite = Suite::load(&root.join("../../fixtures")).unwrap();
    let programs = [("bare", env!("CARGO_BIN_EXE_bare")), ("durable", env!("CARGO_BIN_EXE_durable"))];
    let programs =
        programs.map(|(name, executable)| Program { name: name.to_owned(), executable: executable.into() });
    let report = run_programs(&suite, &programs, &Filter::default(), &Progress::silent()).unwrap();

    // They serve callbacks only.
    let cases: Vec<&Case> =
        report.cases.iter().filter(|case| case.fixture != "every-route-is-served").collect();
    let failed: Vec<_> = cases.iter().filter(|case| !case.passed()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let mut forms: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for case in cases {
        forms.entry((&case.fixture, &case.route)).or_default().push(&case.subject);
    }
    assert!(forms.len() > 300, "{}", forms.len());
    assert!(forms.values().all(|forms| *forms == ["bare", "durable"]), "{forms:?}");
}
