//! Documents: what a document links to is there, also its headings; and a document reads the same wherever it is shown.

use std::collections::BTreeSet;

use crate::links::{Link, is_elsewhere, links, resolve};
use crate::tree::{self, File};

#[test]
fn no_document_has_a_dead_link() {
    let documents = documents();
    let mut dead = Vec::new();
    for document in &documents {
        for Link { line, to } in links(&document.text) {
            if is_elsewhere(&to) {
                continue;
            }
            let target = resolve(&document.path, &to);
            let heading = to.split_once('#').map_or("", |(_, heading)| heading);
            let is_there = tree::root().join(&target).is_file();
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
    let linked: BTreeSet<String> = links(&readme.text)
        .into_iter()
        .map(|link| link.to.split('#').next().unwrap_or_default().to_owned())
        .collect();
    for document in tree::text("docs").iter().filter(|file| tree::has_extension(file, "md")) {
        assert!(linked.contains(&document.path), "README.md does not link {}", document.path);
    }
}

#[test]
fn a_crates_readme_reads_well_on_its_package_page() {
    for File { path, text } in documents() {
        let Some(name) = path.strip_prefix("crates/").and_then(|path| path.strip_suffix("/README.md")) else {
            continue;
        };
        assert!(text.starts_with("# lifecycle"), "{path} begins with another heading than its name");
        let hidden = code_lines(&text).find(|line| *line == "#" || line.starts_with("# "));
        assert_eq!(hidden, None, "{path}: rustdoc hides this line, and a package page does not");
        for Link { line, to } in links(&text) {
            assert!(
                to.contains("://") || to.starts_with('#'),
                "{path}:{line}: {to} leads nowhere from a package page"
            );
            if let Some((package, item)) = documented(&to) {
                let root = tree::root().join("crates").join(package).join("src/lib.rs");
                let root = std::fs::read_to_string(&root).unwrap_or_default();
                let is_public = root
                    .split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
                    .any(|word| word == item);
                assert!(is_public, "{path}:{line}: {package} has no {item}");
            }
        }
        let prose = text.split("```").step_by(2).collect::<String>();
        for label in prose.split("[`").skip(1).filter_map(|rest| rest.split_once("`]")) {
            let (label, after) = label;
            let is_defined =
                after.starts_with(['(', '[', ':']) || prose.contains(&format!("\n[`{label}`]: "));
            assert!(
                is_defined,
                "{path}: [`{label}`] has no link, which only rustdoc can do without ({name})"
            );
        }
    }
}

#[test]
fn every_block_of_rust_is_compiled() {
    let sources = ["crates", "examples"].map(tree::rust);
    let compiled: BTreeSet<String> = sources
        .iter()
        .flatten()
        .flat_map(|source| {
            let included =
                source.text.split("include_str!(\"").skip(1).filter_map(|rest| rest.split('"').next());
            included.map(|path| resolve(&source.path, path))
        })
        .collect();
    for File { path, text } in documents() {
        for block in text.lines().filter_map(|line| line.trim_start().strip_prefix("```rust")) {
            assert!(!block.contains("ignore"), "{path} has Rust that is not compiled");
            assert!(compiled.contains(&path), "no crate compiles the Rust of {path}");
        }
    }
}

/// The package and the first item of a link to our documentation, such as `lifecycle-core` and `Verifier`.
fn documented(link: &str) -> Option<(&str, &str)> {
    let (package, item) = link.strip_prefix("https://docs.rs/")?.split_once("/latest/")?;
    let item = item.split_once('/')?.1;
    let first = item.split(['/', '#']).next()?;
    let first =
        first.strip_suffix(".html").map_or(first, |page| page.split_once('.').map_or(page, |(_, name)| name));
    (package.starts_with("lifecycle-") && !first.is_empty()).then_some((package, first))
}

fn code_lines(document: &str) -> impl Iterator<Item = &str> {
    let mut block = None;
    document.lines().filter(move |line| {
        if let Some(language) = line.strip_prefix("```") {
            block = if block.is_some() { None } else { Some(language) };
            return false;
        }
        block.is_some_and(|language: &str| language.starts_with("rust"))
    })
}

/// The documents that people read.
fn documents() -> Vec<File> {
    let mut documents = tree::text("");
    documents.retain(|file| tree::has_extension(file, "md"));
    documents
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
fn a_heading_and_an_item_are_known_by_their_links() {
    assert_eq!(heading_name("`lifecycle::inbox`, and more"), "lifecycleinbox-and-more");
    let item = "https://docs.rs/lifecycle-core/latest/lifecycle_core/struct.Verifier.html#method.new";
    assert_eq!(documented(item), Some(("lifecycle-core", "Verifier")));
    assert_eq!(documented("https://docs.rs/warp/0.4"), None);
}
