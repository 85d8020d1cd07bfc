//! Map: what ARCHITECTURE.md says is where, is there.

use std::path::{Path, PathBuf};

use crate::tree;

/// The rows of the code map: the folders or files of the first column, and what the second one names.
fn rows() -> Vec<(Vec<PathBuf>, Vec<String>)> {
    let text = std::fs::read_to_string(tree::root().join("ARCHITECTURE.md")).unwrap();
    let map = text.split("\n## Code map\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let mut folder = PathBuf::new();
    let mut rows = Vec::new();
    for row in map.lines().filter(|line| line.starts_with("| `")) {
        let (places, what) = row[2..].split_once(" | ").unwrap();
        let mut paths = Vec::new();
        for place in quoted(places).iter().flat_map(|place| alternatives(place)) {
            if place.starts_with("src/") {
                paths.push(folder.join(place));
            } else {
                folder = PathBuf::from(place);
                paths.push(folder.clone());
            }
        }
        let is_path =
            |name: &String| name.ends_with('/') || Path::new(name).extension().is_some_and(|end| end == "rs");
        rows.push((paths, quoted(what).into_iter().filter(is_path).collect()));
    }
    rows
}

/// What stands in backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(|name| name.trim().to_owned()).collect()
}

/// `a-{b,c}` is `a-b` and `a-c`.
fn alternatives(name: &str) -> Vec<String> {
    let Some((before, rest)) = name.split_once('{') else { return vec![name.to_owned()] };
    let (among, after) = rest.split_once('}').unwrap();
    among.split(',').map(|one| format!("{before}{one}{after}")).collect()
}

#[test]
fn what_the_map_names_is_there() {
    let is_there = |path: &Path| tree::root().join(path).exists();
    for (paths, names) in rows() {
        for path in &paths {
            assert!(is_there(path), "{}", path.display());
        }
        for name in names {
            let found = paths
                .iter()
                .any(|path| is_there(&path.join(&name)) || is_there(&path.join("src").join(&name)));
            assert!(found || is_there(Path::new(&name)), "{name} of {}", paths[0].display());
        }
    }
}

#[test]
fn every_crate_and_every_file_of_core_is_on_the_map() {
    let mapped: Vec<PathBuf> = rows().into_iter().flat_map(|(paths, _)| paths).collect();
    let is_mapped = |path: &Path| mapped.iter().any(|mapped| path.starts_with(mapped));
    let unmapped = |folder: &str| {
        let entries = std::fs::read_dir(tree::root().join(folder)).unwrap();
        let paths = entries.map(|entry| Path::new(folder).join(entry.unwrap().file_name()));
        paths.filter(|path| !is_mapped(path)).collect::<Vec<_>>()
    };
    assert_eq!(unmapped("crates"), Vec::<PathBuf>::new());
    let files = mapped.iter().filter(|path| path.starts_with("crates/lifecycle-core/src")).cloned();
    let files: Vec<PathBuf> = files.collect();
    for file in tree::rust("crates/lifecycle-core/src") {
        let path = Path::new(&file.path);
        let is_small = ["lib.rs", "sync.rs", "testing.rs"].iter().any(|name| path.ends_with(name));
        assert!(is_small || files.iter().any(|mapped| path.starts_with(mapped)), "{}", file.path);
    }
}
