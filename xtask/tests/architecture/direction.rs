//! Who may depend on whom.

use std::collections::BTreeSet;

use crate::graph::{graph, name};
use crate::tree;

/// Each library and which of our libraries it may use. Tests of a library may use more.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("lifecycle-actix", &["lifecycle-adapter", "lifecycle-core"]),
    ("lifecycle-adapter", &["lifecycle-core"]),
    (
        "lifecycle-cli",
        &[
            "lifecycle-conformance",
            "lifecycle-core",
            "lifecycle-inbox",
            "lifecycle-inbox-postgres",
            "lifecycle-inbox-sqlite",
            "lifecycle-securityscorecard",
            "lifecycle-simulator",
            "lifecycle-testing",
        ],
    ),
    ("lifecycle-conformance", &["lifecycle-core", "lifecycle-testing"]),
    ("lifecycle-core", &[]),
    ("lifecycle-inbox", &["lifecycle-core", "lifecycle-testing"]),
    ("lifecycle-inbox-postgres", &["lifecycle-core", "lifecycle-inbox"]),
    ("lifecycle-inbox-sqlite", &["lifecycle-core", "lifecycle-inbox"]),
    ("lifecycle-keys", &["lifecycle-core"]),
    ("lifecycle-securityscorecard", &["lifecycle-core"]),
    (
        "lifecycle-simulator",
        &["lifecycle-core", "lifecycle-securityscorecard", "lifecycle-testing", "lifecycle-vault"],
    ),
    ("lifecycle-testing", &["lifecycle-core"]),
    ("lifecycle-tower", &["lifecycle-adapter", "lifecycle-core"]),
    ("lifecycle-vault", &["lifecycle-core", "lifecycle-inbox"]),
    ("lifecycle-warp", &["lifecycle-adapter", "lifecycle-core"]),
];

/// Each adapter, the framework packages that it is for, and how many lines of code it may have. The one for tower has
/// more: it has a layer, an endpoint, a gate, and the extractors for axum. actix's has to hold a body that it refuses, which
/// actix-web would read without an end.
const ADAPTERS: &[(&str, &[&str], usize)] = &[
    ("lifecycle-actix", &["actix-web"], 320),
    ("lifecycle-tower", &["axum", "axum-core", "http", "tower-layer", "tower-service"], 580),
    ("lifecycle-warp", &["warp"], 260),
];

/// Libraries that serve pages of their own, and so use a framework without adapting it.
const SERVERS: &[&str] = &["lifecycle-simulator"];

/// What makes an adapter one of this framework.
const FRAMEWORKS: &[&str] = &["actix-web", "axum", "axum-core", "tower", "warp"];

/// Other people's webhook libraries.
const PEERS: &[&str] = &[
    "axum-github-webhook-extract",
    "octocrab",
    "slack-morphism",
    "standardwebhooks",
    "svix",
    "webhook-verify",
];

/// Frameworks, runtimes, sockets, and the types that belong to one generation of them.
const NOT_IN_CORE: &[&str] = &[
    "actix-rt",
    "actix-web",
    "async-std",
    "axum",
    "axum-core",
    "http",
    "http-body",
    "hyper",
    "mio",
    "smol",
    "socket2",
    "tokio",
    "tower",
    "tower-layer",
    "tower-service",
    "warp",
];

/// How a clock is read, a thread or a task started, a socket opened.
const NOT_DONE_IN_CORE: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
    "std::fs",
    "std::thread",
    "thread::spawn",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "env::var",
];

#[test]
fn core_uses_no_framework_and_no_runtime() {
    let reached = graph().reaches("lifecycle-core");
    let wrong: Vec<_> = NOT_IN_CORE.iter().filter(|name| reached.contains(**name)).collect();
    assert!(wrong.is_empty(), "lifecycle-core brings {wrong:?}, which every adapter's user would compile");
}

#[test]
fn core_reads_no_clock_and_opens_no_socket() {
    for file in tree::rust("crates/lifecycle-core/src").iter().filter(|file| !file.is_test()) {
        for (line, code) in file.code() {
            let found = NOT_DONE_IN_CORE.iter().find(|call| code.contains(**call));
            assert!(
                found.is_none(),
                "{}:{line}: {found:?} belongs to an adapter; take it as an argument",
                file.path
            );
        }
    }
}

#[test]
fn a_library_uses_only_those_of_ours_that_it_may() {
    for member in graph().members().map(name).filter(|name| name.starts_with("lifecycle-")) {
        let (_, allowed) = LIBRARIES
            .iter()
            .find(|(name, _)| *name == member)
            .unwrap_or_else(|| panic!("say in LIBRARIES which of our libraries {member} may use"));
        let wrong: Vec<_> = graph()
            .uses(member)
            .into_iter()
            .filter(|used| is_ours(used) && !allowed.contains(used))
            .collect();
        assert!(wrong.is_empty(), "{member} must not use {wrong:?}");
    }
}

#[test]
fn an_adapter_brings_no_framework_but_its_own() {
    for (adapter, own, _) in ADAPTERS {
        let uses = graph().uses(adapter);
        let wrong: Vec<_> =
            FRAMEWORKS.iter().filter(|used| uses.contains(**used) && !own.contains(used)).collect();
        assert!(wrong.is_empty(), "{adapter} uses {wrong:?}");
        let ours: BTreeSet<_> = graph().reaches(adapter).into_iter().filter(|used| is_ours(used)).collect();
        assert_eq!(
            ours,
            BTreeSet::from(["lifecycle-adapter", "lifecycle-core"]),
            "what a user of {adapter} compiles of ours"
        );
    }
}

#[test]
fn a_library_that_uses_a_framework_is_known_as_an_adapter() {
    for member in graph().members().map(name).filter(|name| name.starts_with("lifecycle-")) {
        let uses = graph().uses(member);
        let framework = FRAMEWORKS.iter().find(|framework| uses.contains(**framework));
        let known = SERVERS.contains(&member) || ADAPTERS.iter().any(|(adapter, ..)| *adapter == member);
        assert!(
            framework.is_none() || known,
            "{member} uses {framework:?}: say in ADAPTERS how large it may be"
        );
    }
}

#[test]
fn an_adapter_stays_small() {
    for (adapter, _, limit) in ADAPTERS {
        let files = tree::rust(&format!("crates/{adapter}/src"));
        let lines: usize = files.iter().map(|file| file.code().count()).sum();
        assert!(
            lines <= *limit,
            "{adapter} has {lines} lines of code; past {limit}, something neutral is in the wrong crate"
        );
    }
}

#[test]
fn only_the_benchmarks_use_what_we_are_measured_against() {
    for member in graph().members().map(name).filter(|member| *member != "benchmarks") {
        let uses = graph().uses(member);
        let wrong: Vec<_> = PEERS.iter().filter(|used| uses.contains(**used)).collect();
        assert!(
            wrong.is_empty() && !uses.contains("benchmarks"),
            "{member} uses {wrong:?} or the benchmarks"
        );
    }
}

#[test]
fn nobody_uses_an_example_or_a_task() {
    for member in graph().members().map(name) {
        let uses = graph().uses(member);
        let wrong: Vec<_> =
            uses.iter().filter(|used| used.starts_with("example-") || **used == "xtask").collect();
        let is_example = member.starts_with("example-");
        assert!(
            wrong.iter().all(|used| is_example && ***used == *"example-shared"),
            "{member} uses {wrong:?}"
        );
    }
}

fn is_ours(package: &str) -> bool {
    graph().members().any(|member| name(member) == package)
}
