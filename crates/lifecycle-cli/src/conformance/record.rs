//! Record: what passed and failed against a server in the last run, and what has changed since.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use lifecycle_conformance::{Report, ReportFile, Target};
use serde_json::{Value, json};

use crate::failure::Failure;

/// What came of each case, by `FIXTURE ROUTE`: whether it passed.
type Cases = BTreeMap<String, bool>;

/// The file with what came of the last run against a server.
#[derive(Debug)]
pub(super) struct Record {
    file: Option<ReportFile>,
    last: Cases,
}

/// What has changed since the last run, by the fixtures' names.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Changes {
    pub(super) fixed: Vec<String>,
    pub(super) new: Vec<String>,
}

impl Record {
    /// Opens the file that is named, or else the one of this server, if that can be written.
    pub(super) fn open(named: Option<&Path>, target: &Target) -> Result<Self, Failure> {
        let own = if named.is_none() { own(target) } else { None };
        let Some(path) = named.or(own.as_deref()) else { return Ok(Self { file: None, last: Cases::new() }) };
        let last = read(path);
        if own.is_some() {
            let _ = path.parent().map(fs::create_dir_all); // what fails now fails below
        }
        match ReportFile::open(path) {
            Ok(file) => Ok(Self { file: Some(file), last }),
            Err(error) if named.is_some() => Err(Failure::unwritable(path, &error)),
            Err(_) => Ok(Self { file: None, last }), // nobody asked for it
        }
    }

    /// Keeps what came of this run, along with what it did not send, and tells what has changed.
    pub(super) fn keep(self, report: &Report) -> Result<Changes, Failure> {
        let now: Cases = report
            .cases
            .iter()
            .map(|case| (format!("{} {}", case.fixture, case.route), case.passed()))
            .collect();
        let changes = Changes::between(&self.last, &now);
        let mut all = self.last;
        all.extend(now);
        if let Some(file) = self.file {
            let path = file.path().to_owned();
            let text = format!("{:#}\n", json!({"passed": all}));
            file.write(&text).map_err(|error| Failure::unwritable(&path, &error))?;
        }
        Ok(changes)
    }
}

impl Changes {
    fn between(last: &Cases, now: &Cases) -> Self {
        let name = |case: &str| case.split(' ').next().unwrap_or_default().to_owned();
        let turned = |passes: bool| {
            let turned = now.iter().filter(move |(case, passed)| {
                **passed == passes && last.get(*case).is_some_and(|before| *before != passes)
            });
            turned.map(|(case, _)| name(case)).collect()
        };
        Self { fixed: turned(true), new: turned(false) }
    }
}

fn read(path: &Path) -> Cases {
    let text = fs::read_to_string(path).unwrap_or_default();
    let document: Value = serde_json::from_str(&text).unwrap_or_default();
    serde_json::from_value(document["passed"].clone()).unwrap_or_default()
}

/// The file of this server among the user's state: where the XDG base directories or Windows have it.
fn own(target: &Target) -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = folder("XDG_STATE_HOME")
        .or_else(|| folder("LOCALAPPDATA"))
        .or_else(|| Some(folder("HOME")?.join(".local/state")))?;
    let mut name = target.address.clone();
    for route in &target.routes {
        name = format!("{name}-{}-{}", route.platform, route.path.split('?').next().unwrap_or_default());
    }
    let safe =
        |letter: char| if letter.is_ascii_alphanumeric() || ".-_".contains(letter) { letter } else { '_' };
    Some(
        state
            .join("lifecycle/conformance")
            .join(format!("{}.json", name.chars().map(safe).collect::<String>())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_sent_both_times_is_no_change() {
        let cases = |text: &str| -> Cases { serde_json::from_str(text).unwrap() };
        let last = cases(r#"{"a /x": false, "b /x": true, "c /x": false, "d /x": true}"#);
        let now = cases(r#"{"a /x": true, "b /x": false, "e /x": false, "d /x": true}"#);
        let expected = Changes { fixed: vec!["a".into()], new: vec!["b".into()] };
        assert_eq!(Changes::between(&last, &now), expected);
    }
}
