//! What every manifest says.

use serde_json::Value;

use crate::graph::{graph, name};
use crate::tree;

#[test]
fn every_package_says_what_it_is_and_under_which_licence() {
    for member in graph().members() {
        assert_eq!(member["license"], "MIT OR Apache-2.0", "{}", name(member));
        let description = member["description"].as_str().unwrap_or_default();
        assert!(description.len() > 20, "{} needs a description", name(member));
        assert_eq!(member["edition"], "2024", "{}", name(member));
    }
}

#[test]
fn the_registry_shows_a_librarys_own_readme() {
    for member in graph().members().filter(|member| name(member).starts_with("lifecycle-")) {
        let own = tree::root().join("crates").join(name(member)).join("README.md").is_file();
        let shown = member["readme"].as_str();
        assert_eq!(shown, own.then_some("README.md"), "{}", name(member));
    }
}

#[test]
fn only_libraries_and_the_program_can_be_published() {
    for member in graph().members() {
        let published = member["publish"].is_null();
        assert_eq!(published, name(member).starts_with("lifecycle-"), "{}", name(member));
    }
}

#[test]
fn a_package_page_links_the_repository() {
    let workspace = manifest("Cargo.toml");
    for member in graph().members().filter(|member| member["publish"].is_null()) {
        let repository = member["repository"].as_str().unwrap_or_default();
        let is_the_workspaces = workspace.contains(&format!("\nrepository = \"{repository}\""));
        assert!(is_the_workspaces, "{} names the repository {repository:?}", name(member));
    }
}

#[test]
fn unsafe_code_is_forbidden_everywhere() {
    let root = manifest("Cargo.toml");
    assert!(root.contains("\nunsafe_code = \"forbid\"\n"));
    for (path, text) in manifests() {
        assert!(text.contains("\n[lints]\nworkspace = true\n"), "{path} does not take the workspace's lints");
    }
}

#[test]
fn every_version_stands_in_the_workspaces_manifest() {
    for (path, text) in manifests() {
        let mut is_dependencies = false;
        for line in text.lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[') {
                is_dependencies = section.contains("dependencies");
            } else if is_dependencies && line.contains('=') && !line.starts_with('#') {
                // A member by its path alone has no version: what is packed does not depend on it.
                let has_none = line.contains("path = ") && !line.contains("version =");
                assert!(has_none || line.contains("workspace = true"), "{path}: {line}");
            }
        }
    }
}

#[test]
fn no_dependency_needs_a_newer_rust_than_we_promise() {
    let promised = version(&graph().members().next().unwrap()["rust_version"]);
    for package in graph().packages().filter(|package| package["rust_version"].is_string()) {
        let needed = version(&package["rust_version"]);
        assert!(needed <= promised, "{} needs Rust {needed:?}, we promise {promised:?}", name(package));
    }
}

/// The manifests of the members, with their paths.
fn manifests() -> impl Iterator<Item = (String, String)> {
    graph().members().map(|member| {
        let path = member["manifest_path"].as_str().unwrap().to_owned();
        (path.clone(), manifest(&path))
    })
}

fn manifest(path: &str) -> String {
    std::fs::read_to_string(tree::root().join(path)).unwrap()
}

/// Numbers compare as numbers: 1.100 is newer than 1.89.
fn version(text: &Value) -> Vec<u32> {
    let mut numbers: Vec<u32> =
        text.as_str().unwrap().split('.').map(|number| number.parse().unwrap()).collect();
    numbers.resize(3, 0);
    numbers
}
