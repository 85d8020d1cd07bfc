//! Databases that `lifecycle inbox` refuses, each with one line.

use std::fs;

use lifecycle_inbox_sqlite::{SqliteEngine, rusqlite};

use crate::program::lifecycle;

/// Exit code 2, nothing but one line, no password.
pub(crate) fn refused(url: &str, more: &[&str]) -> String {
    let ran = lifecycle([&["inbox", "stats", "--database-url", url], more].concat());
    assert_eq!((ran.code, ran.out.as_str(), ran.err.lines().count()), (2, "", 1), "{url}: {ran:?}");
    assert!(!ran.err.contains("hunter2"), "{ran:?}");
    ran.err
}

#[test]
fn a_database_that_cannot_be_opened_gets_one_line_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let url = |name: &str| format!("sqlite:{}", path(name).display());
    fs::write(path("text"), "this is no database, however long it may go on about it").unwrap();
    rusqlite::Connection::open(path("other.db")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    SqliteEngine::migrate(path("newer.db")).unwrap();
    let newer = rusqlite::Connection::open(path("newer.db")).unwrap();
    newer.execute("INSERT INTO lifecycle_schema (version, applied_at) VALUES (99, 0)", []).unwrap();
    drop(newer);
    let before = fs::read(path("other.db")).unwrap();
    for (url, says) in [
        (url("missing.db"), "there is no such file: check the path"),
        (url("text"), "is not an SQLite database: check the path"),
        (url("other.db"), "is it the app's database?"),
        (url("newer.db"), "use the `lifecycle` of the release that the app is of"),
        ("sqlite:".to_owned(), "it is like sqlite:inbox.db"),
        ("mysql://u:hunter2@host/db".to_owned(), "it begins with sqlite:, postgres:// or postgresql://"),
        (
            "postgres://u:hunter2@host@host:x/db".to_owned(),
            "it is like postgres://user:password@host:5432/database",
        ),
        ("postgres://u:hunter2@127.0.0.1:1/db".to_owned(), "127.0.0.1:1 cannot be reached"),
    ] {
        let line = refused(&url, &[]);
        assert!(line.contains(says), "{url}: {line}");
    }
    assert!(refused(&url("other.db"), &["--schema", "x"]).contains("leave --schema out"));
    assert!(!path("missing.db").exists(), "a look makes no file");
    assert_eq!(fs::read(path("other.db")).unwrap(), before, "a look changes no file");
}
