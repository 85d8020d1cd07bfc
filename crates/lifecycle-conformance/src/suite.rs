//! Suite: all fixtures and the table of answers, read and checked as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::answer::Answer;
use crate::check::Difference;
use crate::fixture::{Fixture, FixtureKind, Request};
use crate::group::{Group, Groups};
use crate::message::Message;
use crate::program::Program;
use crate::route::{Route, RouteKind};
use crate::target::Credentials;
use crate::template::Values;

/// All fixtures, in the order of their platforms and ids.
#[derive(Clone, Debug)]
pub struct Suite {
    fixtures: Vec<Fixture>,
    answers: BTreeMap<String, Answer>,
    groups: Groups,
}

/// Why the files are not a suite. Each names the file to correct.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// A file is not of the documented form: see `fixtures/README.md`.
    #[error("{file}: {source}")]
    Format {
        /// The file.
        file: String,
        /// What is wrong where.
        source: serde_json::Error,
    },
    /// A file cannot be read.
    #[error("{}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file has the documented form but makes no sense.
    #[error("{file}: {rule}")]
    Rule {
        /// The file.
        file: String,
        /// The rule that it breaks.
        rule: String,
    },
}

impl Suite {
    /// Reads `answers.json`, `groups.json` and `conformance/*/*.json` in the `fixtures` folder.
    ///
    /// # Errors
    /// The first file that cannot be read or makes no sense.
    pub fn load(fixtures: &Path) -> Result<Self, SuiteError> {
        let answers = read(&fixtures.join("answers.json"))?;
        let groups = read(&fixtures.join("groups.json"))?;
        let mut files = Vec::new();
        for platform in entries(&fixtures.join("conformance"))? {
            for file in entries(&platform)? {
                files.push((file.display().to_string(), read(&file)?));
            }
        }
        Self::parse(&answers, &groups, files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    }

    /// Reads a suite from texts, each fixture with its file's name.
    ///
    /// # Errors
    /// The first text that makes no sense.
    pub fn parse<'t>(
        answers: &str,
        groups: &str,
        fixtures: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result<Self, SuiteError> {
        let format = |file: &str| {
            let file = file.to_owned();
            move |source| SuiteError::Format { file, source }
        };
        let answers: BTreeMap<String, Answer> =
            serde_json::from_str(answers).map_err(format("answers.json"))?;
        let groups: Groups = serde_json::from_str(groups).map_err(format("groups.json"))?;
        groups.check().map_err(|broken| rule("groups.json", broken))?;
        let mut suite = Self { fixtures: Vec::new(), answers, groups };
        for (name, answer) in &suite.answers {
            if !answer.is_complete() {
                return Err(rule("answers.json", format!("`{name}` does not say what the body is")));
            }
        }
        let mut ids = BTreeSet::new();
        let credentials = Program::credentials(); // whose keys are read from PEM and proven: once is enough
        for (file, text) in fixtures {
            let mut fixture: Fixture = serde_json::from_str(text).map_err(format(file))?;
            fixture.id = Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
            suite.check(&fixture, &credentials).map_err(|broken| rule(file, broken))?;
            if !ids.insert(fixture.id.clone()) {
                return Err(rule(file, "another fixture has this name".into()));
            }
            suite.fixtures.push(fixture);
        }
        suite.fixtures.sort_by(|one, other| (&one.platform, &one.id).cmp(&(&other.platform, &other.id)));
        Ok(suite)
    }

    /// The fixtures, by platform and id.
    pub fn fixtures(&self) -> &[Fixture] {
        &self.fixtures
    }

    /// The answer that a route of this kind has to give to this request; `None` where the HTTP server below the
    /// adapter has to refuse.
    pub fn answer<'s>(&'s self, request: &'s Request, kind: RouteKind) -> Option<&'s Answer> {
        let named = request.answer.as_ref().and_then(|name| self.answers.get(name));
        named.or(request.response.as_ref()).map(|answer| answer.on(kind))
    }

    /// The groups that say why cases fail, in the order of their file.
    pub fn groups(&self) -> &[Group] {
        self.groups.all()
    }

    /// The group that a fixture belongs to.
    ///
    /// # Panics
    /// Of a fixture of another suite.
    pub fn group(&self, fixture: &Fixture) -> &Group {
        self.groups.of_fixture(&fixture.id).expect("each fixture has one")
    }

    /// The group that says why a case failed.
    pub(crate) fn group_of(&self, fixture: &Fixture, differences: &[Difference]) -> &Group {
        self.groups.of_failure(self.group(fixture), differences)
    }

    /// The group of a rule that is no fixture.
    pub(crate) fn group_of_rule(&self, name: &'static str) -> &str {
        self.groups.of_fixture(name).map_or(name, |group| &group.name)
    }

    fn check(&self, fixture: &Fixture, all: &BTreeMap<String, Credentials>) -> Result<(), String> {
        self.groups.of_fixture(&fixture.id)?;
        if fixture.why.trim().is_empty() {
            return Err("`why` is empty".into());
        }
        if fixture.routes.is_empty() || fixture.requests.is_empty() {
            return Err("`routes` and `requests` need at least one entry".into());
        }
        for request in &fixture.requests {
            self.check_request(request)?;
        }
        for (place, seen) in fixture.seen.iter().enumerate() {
            let request = seen.request.unwrap_or(place + 1);
            if !(1..=fixture.requests.len()).contains(&request) {
                return Err(format!(
                    "`seen` entry {} is about request {request}, which there is not",
                    place + 1
                ));
            }
        }
        let refuses = fixture.requests.iter().any(|request| {
            fixture
                .routes
                .iter()
                .any(|kind| self.answer(request, *kind).is_none_or(|answer| !answer.is_success()))
        });
        if refuses != (fixture.kind == FixtureKind::Rejected) {
            return Err("`kind` is `rejected` if, and only if, a request is refused".into());
        }
        fixture.routes.iter().try_for_each(|kind| check_templates(fixture, *kind, all))
    }

    fn check_request(&self, request: &Request) -> Result<(), String> {
        let ways = [request.answer.is_some(), request.response.is_some(), request.refused_by_server];
        if ways.iter().filter(|way| **way).count() != 1 {
            return Err("a request has one of `answer`, `response` and `refused_by_server`".into());
        }
        if let Some(name) = &request.answer
            && !self.answers.contains_key(name)
        {
            return Err(format!("answers.json has no `{name}`"));
        }
        if request.response.as_ref().is_some_and(|answer| !answer.is_complete()) {
            return Err("`response` does not say what the body is".into());
        }
        Ok(())
    }
}

/// Builds each request once, so that a mistyped placeholder is found before anything is sent.
fn check_templates(
    fixture: &Fixture,
    kind: RouteKind,
    all: &BTreeMap<String, Credentials>,
) -> Result<(), String> {
    let credentials = all.get(&fixture.platform).ok_or("`platform` is none that is known")?;
    let route = Route {
        name: String::new(),
        path: "/{token}".into(),
        platform: fixture.platform.clone(),
        kind,
        event: Some("install".into()),
    };
    let values = Values {
        credentials,
        route: &route,
        unique: "unique",
        now: Timestamp::UNIX_EPOCH,
        path: "",
        headers: &[],
        body: b"",
        token: ("", None),
    };
    for request in &fixture.requests {
        Message::build(request, "localhost", &values).map_err(|error| error.to_string())?;
    }
    for seen in &fixture.seen {
        seen.fields
            .values()
            .try_for_each(|value| values.render_json(value).map(drop))
            .map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn rule(file: &str, rule: String) -> SuiteError {
    SuiteError::Rule { file: file.to_owned(), rule }
}

fn read(file: &Path) -> Result<String, SuiteError> {
    fs::read_to_string(file).map_err(|source| SuiteError::Read { file: file.to_owned(), source })
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, SuiteError> {
    let failed = |source| SuiteError::Read { file: folder.to_owned(), source };
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(failed)?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWERS: &str =
        r#"{"accepted": {"status": 202, "body": ""}, "refused": {"status": 401, "body": "no"}}"#;

    const GROUPS: &str = r#"{"groups": [
        {"group": "all", "level": "must", "title": "t", "remedy": "r", "cases": ["x"]}]}"#;

    fn parsed(change: &str, into: &str) -> Result<Suite, SuiteError> {
        let fixture = r#"{"why": "w", "platform": "seismic", "routes": ["endpoint"], "kind": "common",
            "requests": [{"headers": [["A", "{{unique}}"]], "answer": "accepted"}], "seen": []}"#;
        assert!(fixture.contains(change), "{change}");
        Suite::parse(ANSWERS, GROUPS, [("seismic/x.json", fixture.replace(change, into).as_str())])
    }

    #[test]
    fn a_fixture_is_named_for_its_file() {
        assert_eq!(parsed("w", "w").unwrap().fixtures()[0].id, "x");
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (change, into, complaint) in [
            (r#""why": "w""#, r#""why": " ""#, "`why` is empty"),
            (r#""why""#, r#""wy": 1, "why""#, "unknown field `wy`"),
            (r#""headers""#, r#""header": [], "headers""#, "unknown field `header`"),
            (r#""answer": "accepted""#, r#""answer": "acepted""#, "answers.json has no `acepted`"),
            (r#""answer": "accepted""#, r#""method": "GET""#, "has one of"),
            (r#""answer": "accepted""#, r#""response": {"status": 200}"#, "what the body is"),
            (r#""answer": "accepted""#, r#""answer": "refused""#, "`kind` is `rejected` if"),
            (r#""common""#, r#""rejected""#, "`kind` is `rejected` if"),
            (r#""seen": []"#, r#""seen": [{"request": 2, "fields": {}}]"#, "which there is not"),
            ("{{unique}}", "{{uniqe}}", "no placeholder {{uniqe}}"),
        ] {
            let error = parsed(change, into).unwrap_err().to_string();
            assert!(error.contains(complaint) && error.starts_with("seismic/x.json"), "{error}");
        }
    }

    #[test]
    fn two_fixtures_cannot_share_a_name() {
        let text = r#"{"why": "w", "platform": "seismic", "routes": ["endpoint"], "kind": "common",
            "requests": [{"answer": "accepted"}], "seen": []}"#;
        let error = Suite::parse(ANSWERS, GROUPS, [("a/x.json", text), ("b/x.json", text)]).unwrap_err();
        assert_eq!(error.to_string(), "b/x.json: another fixture has this name");
    }
}
