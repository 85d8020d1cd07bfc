//! docs/guide/behind-a-proxy.md shows the files that the test runs by, and says nothing about them that is not in them.

use std::fs;
use std::path::{Path, PathBuf};

/// The files, in the order of the columns of the guide's table.
const FILES: [&str; 4] = ["nginx.conf", "haproxy.cfg", "Caddyfile", "apache.conf"];

/// What the table names and the files do not have, as it is a setting of the whole server.
const ELSEWHERE: &[&str] = &["MaxRequestWorkers"];

#[test]
fn the_guide_shows_each_file_as_it_is() {
    let guide = guide();
    for file in FILES {
        assert!(guide.contains(&format!("[proxies/{file}](proxies/{file})\n\n```")), "{file} is not linked");
        let shown = guide.contains(&format!("\n{}```\n", settings(file)));
        assert!(shown, "docs/guide/behind-a-proxy.md does not show docs/guide/proxies/{file} as it is");
    }
}

#[test]
fn every_file_is_in_the_guide() {
    let mut files: Vec<String> = fs::read_dir(folder().join("proxies"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut known = FILES;
    known.sort_unstable();
    assert_eq!(files, known);
}

#[test]
fn what_the_guides_table_names_is_in_the_files() {
    let guide = guide();
    let rows: Vec<&str> = guide.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert!(rows.len() > 5, "the table is not found");
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").skip(1).collect();
        assert_eq!(cells.len(), FILES.len(), "{row}");
        for (file, cell) in FILES.iter().zip(cells) {
            for code in cell.split('`').skip(1).step_by(2).filter(|code| !ELSEWHERE.contains(code)) {
                assert!(settings(file).contains(code), "{file} has no `{code}`");
            }
        }
    }
}

fn guide() -> String {
    fs::read_to_string(folder().join("behind-a-proxy.md")).unwrap()
}

fn settings(file: &str) -> String {
    fs::read_to_string(folder().join("proxies").join(file)).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide")
}
