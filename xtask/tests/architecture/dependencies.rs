//! How many packages each library brings, and which of them its users see.

use std::collections::BTreeSet;

use crate::graph::{self, graph, name};
use crate::public_api::foreign_packages;

/// Each library, and the most packages that it may bring: without its features, and with all of them. Ours count too. A
/// dependency is compiled, audited and updated by every user, so a higher number wants a reason in the commit's message.
const CEILINGS: &[(&str, usize, usize)] = &[
    ("lifecycle-actix", 123, 123),
    ("lifecycle-adapter", 42, 42),
    ("lifecycle-cli", 226, 226),
    ("lifecycle-conformance", 64, 64),
    ("lifecycle-core", 37, 44),
    ("lifecycle-inbox", 45, 55),
    ("lifecycle-inbox-postgres", 85, 104),
    ("lifecycle-inbox-sqlite", 55, 55),
    ("lifecycle-keys", 63, 66),
    ("lifecycle-securityscorecard", 44, 44),
    ("lifecycle-simulator", 140, 140),
    ("lifecycle-testing", 44, 44),
    ("lifecycle-tower", 48, 56),
    ("lifecycle-vault", 55, 55),
    ("lifecycle-warp", 71, 71),
];

/// Each library that apps use, the crates of others that its public API names, and why. A new major version of one of
/// them is a new major version of ours.
const PUBLIC: &[(&str, &[(&str, &str)])] = &[
    (
        "lifecycle-actix",
        &[
            ("actix-web", "it is the framework"),
            ("futures-util", "`LocalBoxFuture` is an alias of std's boxed future"),
            ("serde", "`VerifiedJson` takes any payload that serde decodes"),
        ],
    ),
    (
        "lifecycle-adapter",
        &[
            ("bytes", "a body's chunks are"),
            ("futures-util", "a body is a `Stream`, which is that of futures-core"),
        ],
    ),
    (
        "lifecycle-core",
        &[
            (
                "async-trait",
                "handlers are objects, and their authors write its attribute, which is exported again",
            ),
            ("bytes", "a body comes and goes in pieces, without a copy"),
            ("serde", "payloads are decoded and written by it, and installations are stored"),
            ("serde_json", "its error says where in a payload decoding stopped"),
        ],
    ),
    ("lifecycle-inbox", &[("bytes", "an engine stores bodies as they came")]),
    ("lifecycle-inbox-postgres", &[("tokio-postgres", "a transactional handler gets the transaction")]),
    ("lifecycle-inbox-sqlite", &[("rusqlite", "a transactional handler gets the transaction")]),
    ("lifecycle-keys", &[]),
    (
        "lifecycle-securityscorecard",
        &[
            ("serde", "the installation's data is written by it"),
            ("serde_json", "a manifest may have members that only its author knows"),
        ],
    ),
    (
        "lifecycle-testing",
        &[
            ("serde_json", "a member of a sample's body is set to any JSON"),
            ("uuid", "the part of a sample's ids that differs from sample to sample"),
        ],
    ),
    (
        "lifecycle-tower",
        &[
            ("axum-core", "its extractors are traits of it"),
            ("bytes", "a body's chunks are"),
            ("http", "requests and responses of tower's HTTP services are its types"),
            ("http-body", "any body is taken"),
            ("serde", "`VerifiedJson` and `DeliveryJson` take any payload that serde decodes"),
            ("tower-layer", "`Layer` is what it implements"),
            ("tower-service", "`Service` is what it implements"),
        ],
    ),
    ("lifecycle-vault", &[]),
    (
        "lifecycle-warp",
        &[("serde", "`payload` gives any that serde decodes"), ("warp", "it is the framework")],
    ),
];

/// What apps do not depend on.
pub(crate) const TOOLS: &[&str] = &["lifecycle-cli", "lifecycle-conformance", "lifecycle-simulator"];

#[test]
fn a_library_brings_no_more_packages_than_its_ceiling() {
    for library in graph().members().map(name).filter(|name| name.starts_with("lifecycle-")) {
        let (_, bare, whole) = CEILINGS
            .iter()
            .find(|(name, ..)| *name == library)
            .unwrap_or_else(|| panic!("say in CEILINGS how many packages {library} may bring"));
        for (features, ceiling) in [("--no-default-features", bare), ("--all-features", whole)] {
            let brought = brought(library, features);
            assert!(
                brought.len() <= *ceiling,
                "{library} {features} brings {} packages, and may bring {ceiling}: {brought:?}",
                brought.len()
            );
        }
    }
}

#[test]
fn the_public_api_names_only_crates_that_are_listed() {
    for library in graph().members().map(name).filter(|name| name.starts_with("lifecycle-")) {
        if TOOLS.contains(&library) {
            continue;
        }
        let (_, listed) = PUBLIC
            .iter()
            .find(|(name, _)| *name == library)
            .unwrap_or_else(|| panic!("say in PUBLIC which crates the public API of {library} names"));
        let found = foreign_packages(library);
        let listed: BTreeSet<String> = listed.iter().map(|(name, _)| (*name).to_owned()).collect();
        let more: Vec<_> = found.difference(&listed).collect();
        assert!(
            more.is_empty(),
            "the public API of {library} names {more:?}: hide it, or list it with a reason"
        );
        let fewer: Vec<_> = listed.difference(&found).collect();
        assert!(
            fewer.is_empty(),
            "the public API of {library} does not name {fewer:?} any more: take it off the list"
        );
    }
}

/// The packages that a user of this library compiles besides it, as `name version`.
fn brought(library: &str, features: &str) -> BTreeSet<String> {
    let tree = ["tree", "--locked", "--quiet", "--package", library, "--edges", "normal", features];
    let listed = graph::cargo(&[&tree[..], &["--prefix", "none", "--format", "{p}"]].concat());
    let packages = listed.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "));
    packages.filter(|package| !package.starts_with(&format!("{library} "))).collect()
}
