//! Conformance: the adapter answers every fixture for its routes with the same bytes as those that are published.

use std::path::Path;

use lifecycle_conformance::{Filter, Program, Progress, Suite, run_programs};

/// That an app has every kind of route, which this one need not.
const OF_COMPLETE_APPS: &str = "every-route-is-served";

#[test]
fn an_adapter_on_core_alone_passes_the_suite() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let suite = Suite::load(&fixtures).unwrap();
    let program = Program { name: "poem".into(), executable: env!("CARGO_BIN_EXE_example-poem").into() };
    let mut report = run_programs(&suite, &[program], &Filter::default(), &Progress::stderr()).unwrap();
    report.cases.retain(|case| case.fixture != OF_COMPLETE_APPS);
    assert!(report.cases.len() > 1000, "{} cases", report.cases.len());
    assert_eq!(report.failed(), 0, "{}", report.table());
}
