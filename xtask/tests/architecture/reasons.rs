//! Reasons: docs/dependencies.md has a reason for each direct dependency of a library, and for nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::dependencies::TOOLS;
use crate::graph::{graph, name};
use crate::tree;

#[test]
fn each_direct_dependency_of_a_library_has_its_reason() {
    let text = fs::read_to_string(tree::root().join("docs/dependencies.md")).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().filter(|line| line.starts_with("| `")).map(cells).collect();
    let listed: BTreeMap<String, String> =
        rows.iter().map(|row| (row[0].trim_matches('`').to_owned(), row[1].to_owned())).collect();
    assert_eq!(listed, used(), "a row of docs/dependencies.md for each, with the libraries that use it");
    assert!(rows.is_sorted_by_key(|row| row[0].trim_matches('`')), "by name");
    for row in &rows {
        assert!(row.len() == 5 && row.iter().all(|cell| !cell.is_empty()), "{row:?} leaves something out");
        let repository = repository(row[0].trim_matches('`'));
        assert!(row[4].contains(&format!("]({repository})")), "{} is kept at {repository}", row[0]);
    }
}

fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split('|').map(str::trim).collect()
}

/// The packages of others that libraries use directly, each with the libraries.
fn used() -> BTreeMap<String, String> {
    let mut used: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for library in graph().members().map(name).filter(|name| !TOOLS.contains(name)) {
        let Some(short) = library.strip_prefix("lifecycle-") else { continue };
        for other in graph().uses(library).into_iter().filter(|other| !other.starts_with("lifecycle-")) {
            used.entry(other.to_owned()).or_default().insert(short);
        }
    }
    let joined = |libraries: BTreeSet<&str>| libraries.into_iter().collect::<Vec<_>>().join(", ");
    used.into_iter().map(|(other, libraries)| (other, joined(libraries))).collect()
}

fn repository(package: &str) -> &'static str {
    let found = graph().packages().find(|it| name(it) == package && it["repository"].is_string());
    found.and_then(|it| it["repository"].as_str()).unwrap_or_default().trim_end_matches(".git")
}
