//! Build script: puts the fixtures into the program, so that an installed one needs no checkout, and what its version is.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let own = Path::new(&env::var("CARGO_MANIFEST_DIR")?).to_owned();
    // `fixtures` is a link, which a published package has as a folder, and some checkouts on Windows as a text file.
    let fixtures = [own.join("fixtures"), own.join("../../fixtures")];
    let fixtures = fixtures.iter().find(|folder| folder.is_dir()).ok_or("there is no `fixtures` folder")?;
    println!("cargo::rerun-if-changed={}", fixtures.display());

    let (mut count, mut platforms) = (0, 0);
    let mut code = String::from("pub(crate) const FIXTURES: &[(&str, &str)] = &[\n");
    for platform in entries(&fixtures.join("conformance"))? {
        platforms += 1;
        for file in entries(&platform)? {
            count += 1;
            let name = text(file.strip_prefix(fixtures.join("conformance"))?)?;
            let file = text(&file)?;
            writeln!(code, "    ({name:?}, include_str!({file:?})),")?;
        }
    }
    writeln!(code, "];")?;
    for (name, file) in [("ANSWERS", "answers.json"), ("GROUPS", "groups.json")] {
        let file = text(&fixtures.join(file))?;
        writeln!(code, "pub(crate) const {name}: &str = include_str!({file:?});")?;
    }
    let mut version = env::var("CARGO_PKG_VERSION")?;
    if let Some(commit) = commit(&own) {
        write!(version, "\ncommit {commit}")?;
    }
    write!(version, "\n{count} fixtures of {platforms} platforms\n{}", env::var("TARGET")?)?;
    writeln!(code, "pub(crate) const LONG_VERSION: &str = {version:?};")?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("fixtures.rs"), code)?;
    Ok(())
}

/// The commit that this is: of a published package as Cargo has noted it, of a checkout as git says; none where neither is there.
fn commit(own: &Path) -> Option<String> {
    let noted = own.join(".cargo_vcs_info.json");
    let root = own.join("../..");
    let commit = if noted.is_file() {
        println!("cargo::rerun-if-changed={}", noted.display());
        let noted = fs::read_to_string(noted).ok().filter(|noted| !noted.contains("\"dirty\": true"))?;
        noted.split_once("\"sha1\"")?.1.split('"').nth(1)?.to_owned()
    } else if root.join("crates/lifecycle-cli/build.rs").is_file() && root.join(".git").exists() {
        // What says which commit is checked out: `HEAD`, and the branch that it may name.
        let branch = git(&root, &["rev-parse", "--symbolic-full-name", "HEAD"])?;
        for name in ["HEAD", "packed-refs", &branch] {
            let file = root.join(git(&root, &["rev-parse", "--git-path", name])?);
            if file.is_file() {
                println!("cargo::rerun-if-changed={}", file.display());
            }
        }
        git(&root, &["rev-parse", "HEAD"])?
    } else {
        return None;
    };
    let is_commit = commit.len() >= 40 && commit.bytes().all(|letter| letter.is_ascii_hexdigit());
    is_commit.then(|| commit[..12].to_owned())
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(text.trim().to_owned())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    paths.sort();
    Ok(paths)
}

fn text(path: &Path) -> Result<String, Box<dyn Error>> {
    path.to_str().map(str::to_owned).ok_or_else(|| "a path is not UTF-8".into())
}
