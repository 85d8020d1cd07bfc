//! The workspace's own files.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// One text file of the workspace.
pub(crate) struct File {
    /// From the workspace's root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// The lines before the file's own tests: what is compiled into the crate.
    pub(crate) fn product(&self) -> impl Iterator<Item = &str> {
        self.text.lines().take_while(|line| *line != "#[cfg(test)]")
    }

    /// The product's lines that are neither blank nor comments, with their numbers.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.product().enumerate().map(|(n, line)| (n + 1, line.trim()));
        numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with("//"))
    }

    /// Whether the whole file is made of tests.
    pub(crate) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}

/// The Rust files below a folder of the workspace, sorted.
pub(crate) fn rust(folder: &str) -> Vec<File> {
    let mut files = text(folder);
    files.retain(|file| has_extension(file, "rs"));
    assert!(!files.is_empty(), "no Rust file below {folder:?}");
    files
}

/// What people write, below a folder, sorted; without what is built, fetched or locked.
pub(crate) fn text(folder: &str) -> Vec<File> {
    let mut paths = Vec::new();
    collect(&root().join(folder), &mut paths).unwrap();
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        File { path: path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/"), text }
    };
    paths
        .into_iter()
        .filter(|path| WRITTEN.iter().any(|it| path.extension() == Some(it.as_ref())))
        .map(read)
        .collect()
}

/// The extensions of files that people write.
const WRITTEN: &[&str] = &["css", "html", "json", "md", "rs", "sql", "toml", "yaml", "yml"];

pub(crate) fn has_extension(file: &File, extension: &str) -> bool {
    Path::new(&file.path).extension() == Some(extension.as_ref())
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let (kind, path) = entry.map(|entry| (entry.file_type(), entry.path()))?;
        let name = path.file_name().unwrap_or_default();
        if kind?.is_dir() {
            if name != "target" && name != ".git" {
                collect(&path, paths)?;
            }
        } else {
            paths.push(path);
        }
    }
    Ok(())
}
