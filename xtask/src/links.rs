//! Links: where a document in Markdown leads.

use std::path::{Component, Path, PathBuf};

/// A link of a document, with the line that it is in.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) line: usize,
    pub(crate) to: String,
}

/// `[text](to)`, `src="to"`, and `[label]: to` at the beginning of a line; not in code.
pub(crate) fn links(document: &str) -> Vec<Link> {
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
    links
}

/// Where a link of a document or a page leads, from the folder that its path is from; without the part behind `#`.
pub(crate) fn resolve(document: &str, to: &str) -> String {
    let path = to.split(['#', '?']).next().unwrap_or_default();
    if path.is_empty() {
        return document.to_owned();
    }
    let mut resolved = PathBuf::new();
    for part in Path::new(document).parent().unwrap_or(Path::new("")).join(path).components() {
        match part {
            Component::ParentDir => _ = resolved.pop(),
            Component::Normal(name) => resolved.push(name),
            _ => {}
        }
    }
    resolved.to_string_lossy().replace('\\', "/")
}

/// Whether a link leads out of the project.
pub(crate) fn is_elsewhere(to: &str) -> bool {
    to.contains("://") || ["data:", "mailto:"].iter().any(|scheme| to.starts_with(scheme))
}

#[test]
fn a_link_is_found_and_code_is_none() {
    let found = |text: &str| links(text).into_iter().map(|link| link.to).collect::<Vec<_>>();
    let text = "[a](b.md), [c](d#e)\n[f]: ../g\n<img src=\"h.png\">";
    assert_eq!(found(text), ["b.md", "d#e", "../g", "h.png"]);
    assert!(found("`[a](b)`\n```rust\n[c](d)\n```\n").is_empty());
    assert_eq!(resolve("docs/guide/a.md", "../../README.md#crates"), "README.md");
    assert_eq!(resolve("docs/a.md", "#b"), "docs/a.md");
}
