//! Links: what a document links to is there, also its headings; and a document reads the same wherever it is shown.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::tree::{self, File};

/// A link of a document, with the line that it is in.
struct Link {
    line: usize,
    to: String,
}

#[test]
fn no_document_has_a_dead_link() {
    let documents = documents();
    let mut dead = Vec::new();
    for document in &documents {
        for Link { line, to } in links(&document.text) {
            if to.contains("://") || to.starts_with("mailto:") {
                continue;
            }
            let (path, heading) = to.split_once('#').unwrap_or((&to, ""));
            let target = if path.is_empty() { document.path.clone() } else { resolve(&document.path, path) };
            let is_there = tree::root().join(&target).exists();
            let has_heading = heading.is_empty()
                || documents.iter().any(|file| file.path == target && headings(&file.text).contains(heading));
            if !is_there || !has_heading {
                dead.push(format!("{}:{line}: {to}", document.path));
            }
        }
    }
    assert!(dead.is_empty(), "{} dead links:\n{}", dead.len(), dead.join("\n"));
}

#[test]
fn the_readme_links_every_document() {
    let readme = tree::text("").into_iter().find(|file| file.path == "README.md").unwrap();
    let linked: BTreeSet<String> =
        links(&readme.text).map(|link| link.to.split('#').next().unwrap_or_default().to_owned()).collect();
    for document in tree::text("docs").iter().filter(|file| tree::has_extension(file, "md")) {
        assert!(linked.contains(&document.path), "README.md does not link {}", document.path);
    }
}

/// The documents that people read.
fn documents() -> Vec<File> {
    let mut documents = tree::text("");
    documents.retain(|file| tree::has_extension(file, "md"));
    documents
}

/// `[text](to)`, `src="to"`, and `[label]: to` at the beginning of a line; not in code.
fn links(document: &str) -> impl Iterator<Item = Link> {
    let mut is_code = false;
    let mut links = Vec::new();
    for (number, line) in document.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
            let mut found = |to: &str| links.push(Link { line: number + 1, to: to.to_owned() });
            prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()).for_each(&mut found);
            prose.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next()).for_each(&mut found);
            if let Some((_, to)) = prose.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
                found(to.trim());
            }
        }
    }
    // What stands for an item of Rust is rustdoc's to find.
    links.into_iter().filter(|link| !link.to.contains("::") && !link.to.ends_with("()"))
}

/// A path of a document's link, from the workspace's root.
fn resolve(document: &str, to: &str) -> String {
    let mut path = PathBuf::new();
    for part in Path::new(document).parent().unwrap_or(Path::new("")).join(to).components() {
        match part {
            Component::ParentDir => _ = path.pop(),
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path.to_string_lossy().replace('\\', "/")
}

/// The names by which a document's headings are linked, as GitHub and mdBook make them.
fn headings(document: &str) -> BTreeSet<String> {
    let headings = document.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| heading_name(line.trim_start_matches('#').trim())).collect()
}

fn heading_name(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.flat_map(char::to_lowercase).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[test]
fn a_link_is_found_and_code_is_none() {
    let found = |text: &str| links(text).map(|link| link.to).collect::<Vec<_>>();
    assert_eq!(
        found("[a](b.md), [c](d#e)\n[f]: ../g\n<img src=\"h.png\">"),
        ["b.md", "d#e", "../g", "h.png"]
    );
    assert!(found("`[a](b)`\n```rust\n[c](d)\n```\n[E](lifecycle_core::E)").is_empty());
    assert_eq!(resolve("docs/guide/a.md", "../../README.md"), "README.md");
    assert_eq!(heading_name("`lifecycle::inbox`, and more"), "lifecycleinbox-and-more");
}
