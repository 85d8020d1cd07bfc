//! The graph of packages, as cargo resolves it with every feature on.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, str};

use serde_json::Value;

use crate::tree;

/// What `cargo metadata` says.
pub(crate) struct Graph {
    packages: BTreeMap<String, Value>,
    members: Vec<String>,
    /// Package id to the ids of its normal dependencies: those that its users compile and link.
    uses: BTreeMap<String, Vec<String>>,
}

pub(crate) fn graph() -> &'static Graph {
    static GRAPH: OnceLock<Graph> = OnceLock::new();
    GRAPH.get_or_init(read)
}

impl Graph {
    pub(crate) fn members(&self) -> impl Iterator<Item = &Value> {
        self.members.iter().map(|id| &self.packages[id])
    }

    pub(crate) fn packages(&self) -> impl Iterator<Item = &Value> {
        self.packages.values()
    }

    /// The names of the packages that this member uses directly.
    pub(crate) fn uses(&self, member: &str) -> BTreeSet<&str> {
        self.uses[self.member(member)].iter().map(|id| self.name(id)).collect()
    }

    /// The names of all packages that a user of this member compiles besides.
    pub(crate) fn reaches(&self, member: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![self.member(member)];
        while let Some(id) = open.pop() {
            for next in &self.uses[id] {
                if reached.insert(next) {
                    open.push(next);
                }
            }
        }
        reached.into_iter().map(|id| self.name(id)).collect()
    }

    fn member(&self, name: &str) -> &str {
        let found = self.members.iter().find(|id| self.name(id) == name);
        found.unwrap_or_else(|| panic!("no member is named {name}"))
    }

    fn name(&self, id: &str) -> &str {
        name(&self.packages[id])
    }
}

pub(crate) fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap()
}

fn read() -> Graph {
    // For this platform only: others' packages need not have been fetched.
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo names its host");
    let metadata =
        ["metadata", "--format-version=1", "--locked", "--all-features", "--filter-platform", host];
    let metadata: Value = serde_json::from_str(&cargo(&metadata)).unwrap();
    let id = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |value: &Value| value.as_array().unwrap().clone();
    let is_normal =
        |dependency: &Value| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
    let uses = list(&metadata["resolve"]["nodes"]).into_iter().map(|node| {
        let normal = list(&node["deps"]).into_iter().filter(is_normal).map(|used| id(&used["pkg"]));
        (id(&node["id"]), normal.collect())
    });
    Graph {
        packages: list(&metadata["packages"])
            .into_iter()
            .map(|package| (id(&package["id"]), package))
            .collect(),
        members: list(&metadata["workspace_members"]).iter().map(id).collect(),
        uses: uses.collect(),
    }
}

pub(crate) fn cargo(arguments: &[&str]) -> String {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program).args(arguments).current_dir(tree::root()).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
