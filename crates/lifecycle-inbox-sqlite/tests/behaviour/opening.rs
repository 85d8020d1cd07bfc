//! Files that are no inbox, or not yet, or not for this program.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;

use lifecycle_inbox::Engine;
use lifecycle_inbox_sqlite::{OpenError, SqliteEngine, rusqlite};
use rusqlite::Connection;

use crate::support::{Bench, again, put};

const FOLDER: &str = "LIFECYCLE_TEST_OPENING";

/// What opening this path says. It must not be more than one line.
fn refused(path: &Path) -> (OpenError, String) {
    let error = SqliteEngine::open(path).unwrap_err();
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    (error, text)
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let (error, text) = refused(&missing.join("inbox.db"));
    assert!(matches!(error, OpenError::NoFolder(path) if path == missing), "{text}");
    assert!(!missing.exists());
}

#[test]
fn a_file_of_another_kind_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    fs::write(&path, "Dear reader,\n".repeat(1_000)).unwrap();
    let (error, text) = refused(&path);
    assert!(matches!(error, OpenError::NotADatabase(_)), "{text}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "Dear reader,\n".repeat(1_000));
    let (error, text) = refused(folder.path());
    assert!(matches!(error, OpenError::NotADatabase(_)), "{text}");
}

#[test]
fn text_in_another_encoding_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    Connection::open(&path).unwrap().execute_batch("PRAGMA encoding = 'UTF-16'; CREATE TABLE t (x)").unwrap();
    let (error, text) = refused(&path);
    assert!(matches!(error, OpenError::NotUtf8 { .. }), "{text}");
}

#[test]
fn a_file_that_another_process_keeps_to_itself_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE t (x); BEGIN EXCLUSIVE").unwrap();
    let (error, text) = refused(&path);
    assert!(matches!(error, OpenError::Locked(_)), "{text}");
}

#[test]
fn a_newer_schema_is_refused_and_not_touched() {
    let bench = Bench::new();
    let path = bench.path();
    bench.connection().execute_batch("INSERT INTO lifecycle_schema VALUES (1000, 0)").unwrap();
    let before = contents(&path);
    let (error, text) = refused(&path);
    let OpenError::NewerSchema { found, known, .. } = error else { panic!("{text}") };
    assert!(found == 1000 && known < found, "{text}");
    assert!(matches!(SqliteEngine::migrate(&path), Err(OpenError::NewerSchema { .. })));
    assert!(matches!(SqliteEngine::open_without_migrating(&path), Err(OpenError::NewerSchema { .. })));
    assert_eq!(contents(&path), before);
}

/// All that is in a file, whichever of its pages it is in.
fn contents(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let tables = "SELECT name || sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    let versions = "SELECT version || ' ' || applied_at FROM lifecycle_schema ORDER BY version";
    let mut found = Vec::new();
    for sql in [tables, versions] {
        let mut statement = connection.prepare(sql).unwrap();
        found.extend(statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap));
    }
    found
}

#[tokio::test]
async fn migrating_can_be_a_step_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inbox.db");
    assert!(SqliteEngine::open_without_migrating(&path).is_err());
    assert!(!path.exists(), "only a migration makes a file");
    fs::write(&path, "").unwrap();
    let refused = SqliteEngine::open_without_migrating(&path);
    assert!(matches!(refused, Err(OpenError::OlderSchema { found: 0, .. })));
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    SqliteEngine::migrate(&path).unwrap();
    SqliteEngine::migrate(&path).unwrap();
    put(&SqliteEngine::open_without_migrating(&path).unwrap(), "r").await;
}

#[tokio::test]
async fn processes_that_open_a_new_file_at_once_migrate_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inbox.db");
    let open = || {
        std::thread::spawn({
            let path = path.clone();
            move || SqliteEngine::open(path).unwrap()
        })
    };
    let threads: Vec<_> = (0..8).map(|_| open()).collect();
    let engines: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    put(&engines[0], "r").await;
    assert_eq!(engines[7].stats(engines[7].now()).await.unwrap().pending, 1);
}

#[tokio::test]
async fn the_inbox_lives_beside_the_apps_own_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let app = Connection::open(&path).unwrap();
    app.execute_batch("CREATE TABLE inbox (x); INSERT INTO inbox VALUES (7)").unwrap();
    put(&SqliteEngine::open(&path).unwrap(), "r").await;
    let seven: i64 = app.query_row("SELECT x FROM inbox", [], |row| row.get(0)).unwrap();
    assert_eq!(seven, 7);
}

#[tokio::test]
async fn a_name_that_sqlite_takes_for_something_else_is_a_file() {
    for name in [":memory:", "file:inbox.db?mode=memory", " "] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        put(&SqliteEngine::open(&path).unwrap(), "r").await;
        assert!(path.is_file(), "{name}");
        assert!(SqliteEngine::open(&path).unwrap().check().await.is_ok());
    }
    assert!(SqliteEngine::open("").is_err());
}

#[tokio::test]
async fn a_new_file_can_be_read_by_its_user_only() {
    let bench = Bench::new();
    put(&bench.engine, "r").await;
    let mut files = 0;
    for file in fs::read_dir(bench.folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", file.path().display());
        files += 1;
    }
    assert_eq!(files, 3, "the file, its log, and the log's index");
}

/// The administrator of a machine may do everything, so these are opened by somebody else.
#[test]
fn files_without_permission_are_refused_each_with_its_own_reason() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let folder = Path::new(&folder);
        let (error, text) = refused(&folder.join("closed/inbox.db"));
        assert!(matches!(error, OpenError::NotPermitted(_)), "new file, closed folder: {text}");
        let (error, text) = refused(&folder.join("secret.db"));
        assert!(matches!(error, OpenError::NotPermitted(_)), "file of somebody else: {text}");
        let (error, text) = refused(&folder.join("read-only.db"));
        assert!(matches!(error, OpenError::ReadOnly(_)), "file that can only be read: {text}");
        let (error, text) = refused(&folder.join("closed/existing.db"));
        assert!(
            matches!(error, OpenError::NotPermitted(_) | OpenError::ReadOnly(_)),
            "existing, closed: {text}"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("closed")).unwrap();
    for (name, mode) in [("secret.db", 0o000), ("read-only.db", 0o444), ("closed/existing.db", 0o666)] {
        let connection = Connection::open(at(name)).unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(at("closed"), fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();

    let test = "opening::files_without_permission_are_refused_each_with_its_own_reason";
    let mut command = again(test, FOLDER, folder.path());
    if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        // Where the test program lies, nobody else may be let in.
        let copy = at("program");
        fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        command = {
            let mut command = std::process::Command::new(copy);
            command.args(["--exact", test, "--nocapture"]).env(FOLDER, folder.path());
            command
        };
        command.uid(65534).gid(65534);
    }
    let output = command.output().unwrap();
    fs::set_permissions(at("closed"), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}
