//! Finding: one cause for which cases failed, with what to do about it.

use std::collections::BTreeMap;

use crate::check::Symptom;
use crate::group::{Group, Level};
use crate::report::{Case, Report};
use crate::suite::Suite;

/// One cause for which cases failed.
#[derive(Clone, Debug)]
pub struct Finding<'r> {
    /// What is wrong, and what to do about it.
    pub group: &'r Group,
    /// The cases: first those that were accepted and have to be refused, then the common ones.
    pub cases: Vec<&'r Case>,
}

impl Finding<'_> {
    /// How many of them were accepted that have to be refused.
    pub fn accepted(&self) -> usize {
        self.cases.iter().filter(|case| case.is_accepted()).count()
    }
}

impl Case {
    /// Whether what has to be refused was accepted.
    pub fn is_accepted(&self) -> bool {
        self.differences.iter().any(|difference| difference.symptom == Symptom::Accepted)
    }
}

impl Suite {
    /// Why cases failed, worst first: by level, and within it by the order of `groups.json`.
    pub fn findings<'r>(&'r self, report: &'r Report) -> Vec<Finding<'r>> {
        let mut failed: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
        for case in report.cases.iter().filter(|case| !case.passed()) {
            failed.entry(&case.group).or_default().push(case);
        }
        let mut groups: Vec<&Group> = self.groups().iter().collect();
        groups.sort_by_key(|group| group.level); // the order of the file within
        let finding = |group: &'r Group| {
            let mut cases = failed.remove(group.name.as_str())?;
            cases.sort_by_key(|case| (!case.is_accepted(), !self.is_common(case), case.fixture.len()));
            Some(Finding { group, cases })
        };
        groups.into_iter().filter_map(finding).collect()
    }

    fn is_common(&self, case: &Case) -> bool {
        let own = self.fixtures().iter().find(|fixture| fixture.id == case.fixture);
        own.is_some_and(|fixture| fixture.kind == crate::fixture::FixtureKind::Common)
    }
}

impl Report {
    /// How many cases failed of this level or one that weighs more.
    pub fn failed_at(&self, level: Level) -> usize {
        self.cases.iter().filter(|case| !case.passed() && case.level <= level).count()
    }
}
