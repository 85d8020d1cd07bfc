//! Build script: puts the fixtures into the program, so that an installed one needs no checkout.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let own = Path::new(&env::var("CARGO_MANIFEST_DIR")?).to_owned();
    // `fixtures` is a link, which a published package has as a folder, and some checkouts on Windows as a text file.
    let fixtures = [own.join("fixtures"), own.join("../../fixtures")];
    let fixtures = fixtures.iter().find(|folder| folder.is_dir()).ok_or("there is no `fixtures` folder")?;
    println!("cargo::rerun-if-changed={}", fixtures.display());

    let mut code = String::from("pub(super) const FIXTURES: &[(&str, &str)] = &[\n");
    for platform in entries(&fixtures.join("conformance"))? {
        for file in entries(&platform)? {
            let name = text(file.strip_prefix(fixtures.join("conformance"))?)?;
            let file = text(&file)?;
            writeln!(code, "    ({name:?}, include_str!({file:?})),")?;
        }
    }
    writeln!(code, "];")?;
    for (name, file) in [("ANSWERS", "answers.json"), ("GROUPS", "groups.json")] {
        let file = text(&fixtures.join(file))?;
        writeln!(code, "pub(super) const {name}: &str = include_str!({file:?});")?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("fixtures.rs"), code)?;
    Ok(())
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
