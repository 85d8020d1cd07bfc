//! Group: the cases that fail for one cause, with what to do about it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::check::{Difference, Symptom};

/// How much depends on a case.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// A forgery is accepted, or what the platform sends is not.
    Must,
    /// A hostile or a poor network does harm.
    Should,
    /// No platform is known to send it.
    Strict,
}

impl Level {
    /// All of them, the one that weighs most first.
    pub const ALL: [Self; 3] = [Self::Must, Self::Should, Self::Strict];

    /// The name that the files and reports use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::Strict => "strict",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The cases that fail for one cause. `fixtures/README.md` explains each field.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name.
    #[serde(rename = "group")]
    pub name: String,
    /// How much depends on its cases.
    pub level: Level,
    /// What is wrong where they fail.
    pub title: String,
    /// What to do about it.
    pub remedy: String,
    /// The fixtures' names, with `*` for any text.
    #[serde(default)]
    cases: Vec<String>,
    /// What is wrong with all answers of the cases that are of it, whatever their names.
    #[serde(default)]
    symptom: Option<Symptom>,
}

/// All groups, the worst of each level first.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Groups {
    #[serde(default, rename = "$schema")]
    _schema: Option<String>,
    groups: Vec<Group>,
}

impl Groups {
    /// In the order of the file.
    pub(crate) fn all(&self) -> &[Group] {
        &self.groups
    }

    /// Why they make no sense.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for group in &self.groups {
            if group.cases.is_empty() && group.symptom.is_none() {
                return Err(format!("`{}` has neither `cases` nor a `symptom`", group.name));
            }
            if !names.insert(&group.name) {
                return Err(format!("two groups are named `{}`", group.name));
            }
        }
        Ok(())
    }

    /// The one group of a fixture: the one with the longest name that fits.
    pub(crate) fn of_fixture(&self, id: &str) -> Result<&Group, String> {
        let fitting = self.groups.iter().filter_map(|group| Some((group.fit(id)?, group)));
        let mut fitting: Vec<(usize, &Group)> = fitting.collect();
        fitting.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
        match fitting.as_slice() {
            [] => Err(format!("groups.json has no group for `{id}`")),
            [(one, first), (other, second), ..] if one == other => {
                Err(format!("groups.json has `{id}` in `{}` and in `{}`", first.name, second.name))
            }
            [(_, group), ..] => Ok(group),
        }
    }

    /// The group of a case that failed so: that of a symptom, if each difference has it, or else the fixture's own.
    pub(crate) fn of_failure<'g>(&'g self, own: &'g Group, differences: &[Difference]) -> &'g Group {
        let is_of = |group: &Group| match group.symptom {
            None => false,
            // What is told cannot be taken back, whatever else is wrong.
            Some(Symptom::Private) => differences.iter().any(|one| one.symptom == Symptom::Private),
            // A sender that takes its time delays an answer that blocks nobody.
            Some(Symptom::Late) if own.level != group.level => false,
            Some(symptom) => differences.iter().all(|one| one.symptom == symptom),
        };
        if differences.is_empty() {
            own
        } else {
            self.groups.iter().find(|group| is_of(group)).unwrap_or(own)
        }
    }
}

impl Group {
    /// Whether cases are of it by what is wrong with their answers, whatever their names.
    pub const fn is_of_symptom(&self) -> bool {
        self.symptom.is_some()
    }

    /// The length of the longest of its names that fits.
    fn fit(&self, id: &str) -> Option<usize> {
        self.cases
            .iter()
            .filter(|pattern| fits(pattern, id))
            .map(|pattern| pattern.replace('*', "").len())
            .max()
    }
}

/// Whether a name with `*` for any text stands for this one.
fn fits(pattern: &str, id: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == id };
    let (inner, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let middle = id.strip_prefix(start).and_then(|id| id.strip_suffix(end));
    let Some(mut middle) = middle else { return false };
    inner.split('*').all(|part| match middle.split_once(part) {
        Some((_, after)) => {
            middle = after;
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, id, expected) in [
            ("install", "install", true),
            ("install", "installed", false),
            ("tampered-*", "tampered-newline-added", true),
            ("*-tampered", "stripe-tampered", true),
            ("*-tampered", "tampered-x", false),
            ("*over-the-cap*", "wix-over-the-cap", true),
            ("*over-the-cap*", "over-the-cap-far", true),
            ("a-*-b-*-c", "a-1-b-2-c", true),
            ("a-*-b-*-c", "a-1-c", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(fits(pattern, id), expected, "{pattern} {id}");
        }
    }

    fn groups(cases: &str, other: &str) -> Groups {
        let text = format!(
            r#"{{"groups": [
                {{"group": "a", "level": "must", "title": "t", "remedy": "r", "cases": [{cases}]}},
                {{"group": "b", "level": "should", "title": "t", "remedy": "r", "cases": [{other}]}},
                {{"group": "c", "level": "must", "title": "t", "remedy": "r", "symptom": "other-success"}},
                {{"group": "d", "level": "must", "title": "t", "remedy": "r", "symptom": "private"}},
                {{"group": "e", "level": "must", "title": "t", "remedy": "r", "symptom": "late"}}]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_longest_name_that_fits_decides() {
        let groups = groups(r#""*""#, r#""signature-*""#);
        assert_eq!(groups.of_fixture("signature-x").unwrap().name, "b");
        assert_eq!(groups.of_fixture("install").unwrap().name, "a");
    }

    #[test]
    fn a_fixture_of_two_groups_or_of_none_is_an_error() {
        assert!(groups(r#""in*""#, r#""*ll""#).of_fixture("install").unwrap_err().contains("`a` and in `b`"));
        assert!(groups(r#""x""#, r#""y""#).of_fixture("install").unwrap_err().contains("no group"));
    }

    #[test]
    fn a_symptom_decides_where_it_is_all_that_is_wrong() {
        let groups = groups(r#""*""#, r#""x""#);
        let own = groups.of_fixture("install").unwrap();
        let one = |symptom| Difference::new(symptom, "request 1: status", "202", "200");
        for (differences, expected) in [
            (vec![one(Symptom::OtherSuccess), one(Symptom::OtherSuccess)], "c"),
            (vec![one(Symptom::OtherSuccess), one(Symptom::Refused)], "a"),
            (vec![one(Symptom::OtherSuccess), one(Symptom::Private)], "d"),
            (vec![], "a"),
            (vec![one(Symptom::Late)], "e"),
        ] {
            assert_eq!(groups.of_failure(own, &differences).name, expected, "{differences:?}");
        }
        let slow = groups.of_fixture("x").unwrap();
        assert_eq!(groups.of_failure(slow, &[one(Symptom::Late)]).name, "b", "nobody is blocked by that");
    }
}
