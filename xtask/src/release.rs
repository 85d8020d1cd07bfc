//! `cargo xtask release`: what has to hold before the crates are published, and their publishing.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use lexopt::prelude::{Long, Short, ValueExt};

use crate::cargo::{cargo, metadata};
use crate::git::git;
use crate::member::Member;
use crate::package::Times;
use crate::step::run as step;
use crate::{Failure, msrv, package, semver};

const USAGE: &str = "\
Usage: cargo xtask release [--dry-run] [--from CRATE]

Publishes the crates in the order of their dependencies, all in the version of the workspace, and tags it. Before, it refuses
what is not committed, versions that are not alike, a version without a section in CHANGELOG.md or with a tag, packages
without the address of the repository, an API that has changed since the last tag by more than the version says
(cargo xtask semver), crates that do not compile with the Rust that they promise (cargo xtask msrv), and packages that differ
each time or lack a file (cargo xtask package --twice).

  --dry-run      does all that, builds what is packed, and publishes and tags nothing
  --from CRATE   publishes this one and those after it: the registry takes a few new crates at a time, so a first release may
                 end in the middle, and says at which one";

/// Stands for the address of the repository, in `Cargo.toml`, as long as there is none.
const NO_REPOSITORY: &str = "https://repository.invalid/";

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let mut is_dry = false;
    let mut from = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => {
                println!("{USAGE}");
                return Ok(ExitCode::SUCCESS);
            }
            Long("dry-run") => is_dry = true,
            Long("from") => from = Some(arguments.value()?.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let metadata = metadata()?;
    let members = Member::published(&metadata)?;
    let version = common_version(&members)?;
    let tag = format!("v{version}");
    if !git(&["status", "--porcelain"])?.is_empty() {
        return Err("there are changes that are not committed".into());
    }
    let changes = fs::read_to_string(Path::new(ROOT).join("CHANGELOG.md"))?;
    let changes = section(&changes, &version)
        .ok_or_else(|| format!("CHANGELOG.md has no section `## {version}`: call `## Unreleased` by it"))?;
    if !git(&["tag", "--list", &tag])?.is_empty() {
        return Err(format!("the tag {tag} is there").into());
    }
    let order = order(&members)?;
    let order = remaining(&order, from.as_deref())?;
    println!("== {version}, in this order: {}\n\n{changes}\n", order.join(", "));

    match metadata["packages"][0]["repository"].as_str() {
        Some(repository) if !repository.starts_with(NO_REPOSITORY) => {}
        _ if is_dry => println!("== before a release, set `repository` in Cargo.toml: package pages link it"),
        _ => return Err("Cargo.toml has no `repository`, which package pages link".into()),
    }
    semver::compare()?;
    msrv::check()?;
    package::check(Times::Twice)?;
    let mut publish = cargo();
    publish.args(["publish", "--locked", "--quiet"]).args(is_dry.then_some("--dry-run"));
    publish.args(order.iter().flat_map(|name| ["--package", name]));
    step(publish.current_dir(ROOT), if is_dry { "cargo publish --dry-run" } else { "cargo publish" })?;
    if !is_dry {
        git(&["tag", "--annotate", &tag, "--message", &format!("{version}\n\n{changes}")])?;
        println!("== tagged {tag}; git push origin {tag}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The version that all have and ask for.
fn common_version(members: &[Member]) -> Result<String, Failure> {
    let version = &members.first().ok_or("no crate is published")?.version;
    for member in members {
        if member.version != *version {
            return Err(format!("{} is {}, and others are {version}", member.name, member.version).into());
        }
        if let Some((name, asked)) = member.needs.iter().find(|(_, asked)| **asked != format!("^{version}")) {
            return Err(format!("{} asks for {name} {asked}, which is {version}", member.name).into());
        }
    }
    Ok(version.clone())
}

/// What is written below the heading of a version, which may have a date behind it.
fn section<'t>(changelog: &'t str, version: &str) -> Option<&'t str> {
    let sections = changelog.split("\n## ").skip(1);
    let own = sections.filter_map(|section| section.split_once('\n'));
    let text = own.into_iter().find(|(heading, _)| {
        heading.split_whitespace().next().is_some_and(|first| first.trim_matches(['[', ']']) == version)
    });
    text.map(|(_, text)| text.trim()).filter(|text| !text.is_empty())
}

/// The names, each after those that it needs.
fn order(members: &[Member]) -> Result<Vec<&str>, Failure> {
    let mut order: Vec<&str> = Vec::new();
    while order.len() < members.len() {
        let is_next = |member: &&Member| {
            !order.contains(&&*member.name) && member.needs.keys().all(|name| order.contains(&&**name))
        };
        let next = members
            .iter()
            .find(is_next)
            .ok_or("crates depend on each other, or on one that is not published")?;
        order.push(&next.name);
    }
    Ok(order)
}

/// Those from this one on.
fn remaining<'o, 'm>(order: &'o [&'m str], from: Option<&str>) -> Result<&'o [&'m str], Failure> {
    let Some(from) = from else { return Ok(order) };
    let first = order.iter().position(|name| *name == from);
    Ok(&order[first.ok_or_else(|| format!("{from} is not published, but {}", order.join(", ")))?..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, version: &str, needs: &[(&str, &str)]) -> Member {
        let needs = needs.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect();
        Member { name: name.to_owned(), version: version.to_owned(), needs, target: name.to_owned() }
    }

    #[test]
    fn each_crate_comes_after_those_that_it_needs() {
        let members = [
            member("adapter", "1.0.0", &[("core", "^1.0.0"), ("inbox", "^1.0.0")]),
            member("inbox", "1.0.0", &[("core", "^1.0.0")]),
            member("core", "1.0.0", &[]),
        ];
        assert_eq!(order(&members).unwrap(), ["core", "inbox", "adapter"]);
        assert!(order(&[member("core", "1.0.0", &[("test-app", "^1.0.0")])]).is_err());
    }

    #[test]
    fn a_release_that_ended_in_the_middle_goes_on_there() {
        let order = ["core", "inbox", "adapter"];
        assert_eq!(remaining(&order, None).unwrap(), order);
        assert_eq!(remaining(&order, Some("inbox")).unwrap(), ["inbox", "adapter"]);
        let unknown = remaining(&order, Some("test-app")).unwrap_err().to_string();
        assert_eq!(unknown, "test-app is not published, but core, inbox, adapter");
    }

    #[test]
    fn versions_that_are_not_alike_are_refused() {
        let core = || member("core", "1.1.0", &[]);
        let with = |other| common_version(&[core(), other]).map_err(|failure| failure.to_string());
        assert_eq!(with(member("inbox", "1.1.0", &[("core", "^1.1.0")])).unwrap(), "1.1.0");
        assert_eq!(with(member("inbox", "1.0.0", &[])).unwrap_err(), "inbox is 1.0.0, and others are 1.1.0");
        let stale = with(member("inbox", "1.1.0", &[("core", "^1.0.0")])).unwrap_err();
        assert_eq!(stale, "inbox asks for core ^1.0.0, which is 1.1.0");
    }

    #[test]
    fn a_version_has_a_section_of_its_own() {
        let changelog =
            "# Changelog\n\n## Unreleased\n\n## [1.1.0] - 2027-01-02\n\n- More.\n\n## 1.0.0\n- First.\n";
        assert_eq!(section(changelog, "1.1.0"), Some("- More."));
        assert_eq!(section(changelog, "1.0.0"), Some("- First."));
        assert_eq!(section(changelog, "1.2.0"), None);
    }

    #[test]
    fn the_crates_of_this_workspace_can_be_published_together() {
        let members = Member::published(&metadata().unwrap()).unwrap();
        assert_eq!(common_version(&members).unwrap(), env!("CARGO_PKG_VERSION"));
        assert_eq!(order(&members).unwrap()[0], "lifecycle-core");
    }
}
