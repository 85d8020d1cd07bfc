//! The report for continuous integration.

use quick_junit::{NonSuccessKind, Report as Junit, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{Case, Report};

pub(super) fn write(report: &Report) -> Result<String, SerializeError> {
    let mut junit = Junit::new("conformance");
    junit.set_time(report.took);
    for subject in report.subjects() {
        let mut suite = TestSuite::new(subject);
        suite.add_test_cases(report.cases.iter().filter(|case| case.subject == subject).map(test_case));
        junit.add_test_suite(suite);
    }
    junit.to_string()
}

fn test_case(case: &Case) -> TestCase {
    let mut status = TestCaseStatus::success();
    if !case.passed() {
        let lines = case.differences.iter().map(|difference| {
            format!("{}: expected {}, got {}", difference.what, difference.expected, difference.got)
        });
        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(case.why.as_str());
        status.set_description(lines.collect::<Vec<_>>().join("\n"));
    }
    let mut test = TestCase::new(format!("{} {}", case.fixture, case.route), status);
    test.set_classname(case.platform.as_str());
    test.set_time(case.took);
    test
}
