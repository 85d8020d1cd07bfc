//! `cargo xtask docs`: the documentation of all crates, without a warning, and of those that are published without a dead link.

use std::path::Path;
use std::process::ExitCode;

use crate::Failure;
use crate::cargo::{cargo, metadata};
use crate::member::Member;
use crate::pages::Site;
use crate::step::run as step;

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    let mut document = cargo();
    document.args(["doc", "--workspace", "--no-deps", "--all-features", "--locked", "--quiet"]);
    step(document.env("RUSTDOCFLAGS", "-D warnings"), "cargo doc")?;

    let metadata = metadata()?;
    let target = metadata["target_directory"].as_str().ok_or("cargo metadata names no target directory")?;
    let root = Path::new(target).join("doc");
    let mut site = Site::new(&root, on_docs_rs);
    let mut dead = Vec::new();
    for member in Member::published(&metadata)? {
        dead.extend(site.dead_links(&member.target.replace('-', "_"))?);
    }
    for link in &dead {
        eprintln!("{link}");
    }
    println!("{} dead links; the documentation is {}", dead.len(), root.display());
    Ok(if dead.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The page here of a link such as `https://docs.rs/lifecycle-core/latest/lifecycle_core/struct.Verifier.html#method.new`.
fn on_docs_rs(link: &str) -> Option<String> {
    let (package, page) = link.strip_prefix("https://docs.rs/lifecycle-")?.split_once("/latest/")?;
    let page = page.split('#').next()?;
    let is_own = page.starts_with(&format!("lifecycle_{}/", package.replace('-', "_")));
    Some(if is_own { page.to_owned() } else { link.to_owned() })
}

#[test]
fn a_link_of_a_readme_is_looked_for_here() {
    let link = "https://docs.rs/lifecycle-inbox-sqlite/latest/lifecycle_inbox_sqlite/struct.SqliteEngine.html#method.open";
    assert_eq!(on_docs_rs(link).as_deref(), Some("lifecycle_inbox_sqlite/struct.SqliteEngine.html"));
    assert_eq!(on_docs_rs("https://docs.rs/warp/0.4"), None);
    let other = "https://docs.rs/lifecycle-inbox/latest/lifecycle_core/index.html";
    assert_eq!(on_docs_rs(other).as_deref(), Some(other), "which is nowhere");
}
