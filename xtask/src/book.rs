//! `cargo xtask book`: the documents as an mdBook, from the same files, without a dead link in what comes out.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::Failure;
use crate::links::{is_elsewhere, links, resolve};
use crate::pages::Site;
use crate::step::{run as step, run_cargo};

/// The version that is installed where there is none.
const MDBOOK: &str = "0.5.4";

const SETTINGS: &str = "\
[book]
title = \"lifecycle: app-lifecycle webhooks for Rust\"
[build]
build-dir = \"html\"
create-missing = false
[output.html]
input-404 = \"\"
no-section-label = true
[output.html.print]
enable = false
";

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no parent folder")?;
    let book = root.join("target/book");
    if book.exists() {
        fs::remove_dir_all(&book)?;
    }
    write_sources(root, &book)?;
    install()?;
    step(Command::new("mdbook").arg("build").arg(&book), "mdbook build target/book")?;
    let dead = Site::new(&book.join("html"), |_| None).dead_links("")?;
    for link in &dead {
        eprintln!("{link}");
    }
    println!("{} dead links; the book is target/book/html/index.html", dead.len());
    Ok(if dead.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The parts of the book, each with the paths of its chapters.
fn parts(root: &Path) -> Result<Vec<(&'static str, Vec<String>)>, Failure> {
    let below = |folder: &str| -> Result<Vec<String>, Failure> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(root.join(folder))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let own = if Path::new(&name).extension().is_some_and(|own| own == "md") {
                name
            } else {
                format!("{name}/README.md")
            };
            paths.push(format!("{folder}/{own}"));
        }
        paths.retain(|path| root.join(path).is_file());
        paths.sort();
        Ok(paths)
    };
    let named = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
    let mut reference = below("docs")?;
    reference.extend(named(&["SECURITY.md", "CHANGELOG.md"]));
    let mut examples = named(&["examples/README.md"]);
    examples.extend(below("examples")?.into_iter().filter(|path| path != "examples/README.md"));
    Ok(vec![
        ("Start", named(&["README.md"])),
        ("Guide", below("docs/guide")?),
        ("Platforms", below("docs/platforms")?),
        ("Reference", reference),
        ("Crates", below("crates")?),
        ("Examples", examples),
        ("Project", named(&["ARCHITECTURE.md", "CONTRIBUTING.md", "fixtures/README.md"])),
    ])
}

/// Copies the chapters, and the files that they link, to where they are in the workspace; so their links hold.
fn write_sources(root: &Path, book: &Path) -> Result<(), Failure> {
    let parts = parts(root)?;
    let chapters: BTreeSet<&String> = parts.iter().flat_map(|(_, chapters)| chapters).collect();
    let source = book.join("src");
    let mut summary = String::new();
    for (part, chapters_of_part) in &parts {
        writeln!(summary, "# {part}\n")?;
        for path in chapters_of_part {
            let text = fs::read_to_string(root.join(path))?;
            let title = text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(path);
            writeln!(summary, "- [{title}]({})", as_chapter(path))?;
            for link in links(&text).into_iter().filter(|link| !is_elsewhere(&link.to)) {
                let target = resolve(path, &link.to);
                if !chapters.contains(&target) {
                    copy(&root.join(&target), &source.join(&target))
                        .map_err(|error| format!("{path}:{}: {}: {error}", link.line, link.to))?;
                }
            }
            let to = source.join(as_chapter(path));
            fs::create_dir_all(to.parent().ok_or("a chapter is in a folder")?)?;
            fs::write(to, text.replace("README.md)", "index.md)").replace("README.md#", "index.md#"))?;
        }
        summary.push('\n');
    }
    fs::write(source.join("SUMMARY.md"), summary)?;
    fs::write(book.join("book.toml"), SETTINGS)?;
    Ok(())
}

/// mdBook makes `index.html` of a `README.md`, and leaves the links to it as they were.
fn as_chapter(path: &str) -> String {
    path.strip_suffix("README.md").map_or_else(|| path.to_owned(), |folder| format!("{folder}index.md"))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to.parent().ok_or("a file is in a folder")?)?;
    fs::copy(from, to)?;
    Ok(())
}

fn install() -> Result<(), Failure> {
    let version =
        Command::new("mdbook").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if version.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    run_cargo(&format!("install mdbook --version {MDBOOK} --locked --quiet --no-default-features"))
}

#[test]
fn every_document_is_a_chapter() -> Result<(), Failure> {
    let book = tempfile::tempdir()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no parent folder")?;
    write_sources(root, book.path())?;
    let summary = fs::read_to_string(book.path().join("src/SUMMARY.md"))?;
    for chapter in
        ["index.md", "docs/guide/testing.md", "docs/platforms/zoom.md", "crates/lifecycle-core/index.md"]
    {
        assert!(summary.contains(&format!("({chapter})")), "{summary}");
    }
    Ok(())
}
