//! Each operation fails at each row that it changes, in each way in which SQLite lets a statement fail, and at each system call that
//! it makes: nothing of it is kept, or all, and the next one works.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lifecycle_core::Delivery;
use lifecycle_inbox::MemoryEngine;
use lifecycle_inbox_sqlite::rusqlite::Connection;
use lifecycle_inbox_sqlite::{SqliteEngine, SqliteRunner, Transaction};
use tempfile::TempDir;
use test_model::{Operation, Scene};

use crate::support::{Handler, again};

/// What is kept of each table, without when a handler ran.
const STORED: [(&str, &str); 5] = [
    ("lifecycle_keys", "*"),
    (
        "lifecycle_inbox",
        "id, platform, app, tenant, kind, key, state, is_head, attempts, fence, due_at, received_at, accepted_at, \
         finished_at IS NULL, overtaken_by, worker, last_error, envelope, body",
    ),
    ("lifecycle_installations", "*"),
    ("lifecycle_secrets", "*"),
    ("effects", "*"),
];

struct Stage {
    folder: TempDir,
    scene: Scene,
    before: Vec<String>,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prepared.db");
        let engine = SqliteEngine::open(&path).unwrap();
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE effects (tenant TEXT)").unwrap();
        let scene = Scene::prepare(&engine).await;
        let before = stored(&connection);
        drop(connection);
        engine.close().await;
        Self { folder, scene, before }
    }

    /// An engine on a copy, and a connection beside it.
    fn copy(&self, name: &str) -> (SqliteEngine, Connection) {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::copy(self.folder.path().join("prepared.db"), &path).unwrap();
        (SqliteEngine::open(&path).unwrap(), Connection::open(&path).unwrap())
    }

    async fn ask(&self, operation: Operation, engine: &SqliteEngine) -> Result<(), String> {
        self.scene.ask(operation, engine, &runner(engine)).await
    }
}

fn runner(engine: &SqliteEngine) -> SqliteRunner {
    engine.runner(Handler(|delivery: &Delivery, transaction: &Transaction<'_>| {
        transaction.execute("INSERT INTO effects (tenant) VALUES (?1)", [delivery.event().tenant()])?;
        Ok(())
    }))
}

fn stored(connection: &Connection) -> Vec<String> {
    let mut lines = Vec::new();
    for (table, columns) in STORED {
        let mut select =
            connection.prepare(&format!("SELECT {columns} FROM {table} ORDER BY rowid")).unwrap();
        let count = select.column_count();
        let mut rows = select.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values = (0..count).map(|nth| format!("{:?}", row.get_ref(nth).unwrap()));
            lines.push(format!("{table} {}", values.collect::<Vec<_>>().join(" ")));
        }
    }
    lines
}

/// From now on, the change that this counts down to fails, in this way; and all later ones go through.
fn fail_in_this_way(connection: &Connection, how: &str) {
    let changes = ["INSERT", "UPDATE", "DELETE"].into_iter().flat_map(|it| [("BEFORE", it), ("AFTER", it)]);
    let triggers = STORED.iter().flat_map(|(table, _)| changes.clone().map(move |it| (table, it)));
    let triggers = triggers.map(|(table, (time, change))| {
        format!(
            "CREATE TRIGGER fault_{time}_{change}_{table} {time} {change} ON {table} BEGIN
                 UPDATE countdown SET left = left - 1;
                 SELECT raise({how}, 'a fault of this test') WHERE (SELECT left FROM countdown) = 0;
             END;"
        )
    });
    let countdown = "CREATE TABLE countdown (left INTEGER NOT NULL); INSERT INTO countdown VALUES (0);";
    let all: String = std::iter::once(countdown.to_owned()).chain(triggers).collect();
    connection.execute_batch(&all).unwrap();
}

#[tokio::test]
async fn what_fails_at_any_change_of_a_row_has_not_happened() {
    let stage = Stage::new().await;
    let mut faults = 0;
    for operation in Operation::ALL {
        let (engine, connection) = stage.copy("undisturbed.db");
        stage.ask(operation, &engine).await.unwrap();
        let after = stored(&connection);
        assert_ne!(after, stage.before, "{operation:?}");
        close(engine, connection, &stage.folder.path().join("undisturbed.db")).await;
        for how in ["ABORT", "FAIL", "ROLLBACK"] {
            let (engine, connection) = stage.copy("disturbed.db");
            fail_in_this_way(&connection, how);
            for changes in 1.. {
                connection.execute("UPDATE countdown SET left = ?1", [changes]).unwrap();
                let asked = stage.ask(operation, &engine).await;
                let stored = stored(&connection);
                if asked.is_ok() {
                    assert_eq!(stored, after, "{operation:?}, where nothing went wrong");
                    break;
                }
                assert_eq!(stored, stage.before, "{operation:?} that ends by {how} at change {changes}");
                faults += 1;
            }
            close(engine, connection, &stage.folder.path().join("disturbed.db")).await;
        }
    }
    println!("{faults} faults");
    assert!(faults > 100, "{faults} faults");
}

async fn close(engine: SqliteEngine, connection: Connection, path: &Path) {
    drop(connection);
    engine.close().await;
    assert!(!path.with_extension("db-wal").exists(), "the log is gone");
    std::fs::remove_file(path).unwrap();
}

const FILE: &str = "LIFECYCLE_TEST_SYSTEM_CALLS";
const NTH: &str = "LIFECYCLE_TEST_OPERATION";
const READY: &str = "the file is open";

/// What a process says of an operation by its exit code: it was done at once, or at the second time, or not.
const ANSWERS: [i32; 3] = [0, 3, 4];

/// A disk that is full from some moment on, and one that fails once.
const FAULTS: [(&str, &str); 5] = [
    ("write,pwrite64", "error=ENOSPC:when=NTH+"),
    ("write,pwrite64", "error=EIO:when=NTH"),
    ("fsync,fdatasync", "error=EIO:when=NTH"),
    ("ftruncate", "error=EIO:when=NTH"),
    ("fallocate,mmap", "error=ENOMEM:when=NTH"),
];

#[test]
#[ignore = "it needs strace, and some hundred processes"]
fn what_fails_at_any_system_call_has_happened_wholly_or_not_at_all() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    if let Some(path) = std::env::var_os(FILE) {
        let nth: usize = std::env::var(NTH).unwrap().parse().unwrap();
        std::process::exit(runtime.block_on(answer(Path::new(&path), Operation::ALL[nth])));
    }
    let stage = runtime.block_on(Stage::new());
    let mut told = [0; ANSWERS.len()];
    for (nth, operation) in Operation::ALL.into_iter().enumerate() {
        let (engine, connection) = stage.copy("undisturbed.db");
        runtime.block_on(stage.ask(operation, &engine)).unwrap();
        let after = stored(&connection);
        runtime.block_on(close(engine, connection, &stage.folder.path().join("undisturbed.db")));
        for (calls, fault) in FAULTS {
            for call in 1.. {
                let path = stage.folder.path().join("disturbed.db");
                std::fs::copy(stage.folder.path().join("prepared.db"), &path).unwrap();
                let fault = fault.replace("NTH", &call.to_string());
                let (code, has_failed) = disturbed(&path, nth, calls, &fault);
                let connection = Connection::open(&path).unwrap();
                let stored = stored(&connection);
                let whole: String =
                    connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
                let case = format!("{operation:?}, {calls} {fault}, exit code {code:?}");
                assert_eq!(whole, "ok", "{case}");
                assert!(stored == after || stored == stage.before, "{case}: {stored:#?}");
                let answer = ANSWERS.iter().position(|own| code == Some(*own));
                assert!(stored == after || matches!(answer, None | Some(2)), "{case}: it is told as done");
                if !has_failed {
                    assert_eq!((code, stored == after), (Some(0), true), "{case}, where nothing went wrong");
                    break;
                }
                if let Some(answer) = answer {
                    told[answer] += 1;
                }
            }
        }
    }
    println!("{told:?}: done at once, at the second time, and not");
}

/// Opens the file, waits until somebody meddles with its system calls, and asks; twice, where it fails at first.
async fn answer(path: &Path, operation: Operation) -> i32 {
    let scene = Scene::prepare(&MemoryEngine::new()).await; // which has the same tokens
    let engine = SqliteEngine::open(path).unwrap();
    println!("{READY}");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    for told in [ANSWERS[0], ANSWERS[1]] {
        if scene.ask(operation, &engine, &runner(&engine)).await.is_ok() {
            engine.close().await;
            return told;
        }
    }
    ANSWERS[2]
}

/// The exit code of a process that asks while system calls fail, and whether one has.
fn disturbed(path: &Path, nth: usize, calls: &str, fault: &str) -> (Option<i32>, bool) {
    let mut test =
        again("steps::what_fails_at_any_system_call_has_happened_wholly_or_not_at_all", FILE, path);
    test.arg("--ignored").env(NTH, nth.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut asking = test.spawn().unwrap();
    let mut says = BufReader::new(asking.stdout.take().unwrap()).lines();
    assert!(says.any(|line| line.unwrap().contains(READY)), "it has opened the file");

    let log = path.with_extension("strace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o"]).arg(&log).args(["-e", &format!("trace={calls}")]);
    strace.args(["-e", &format!("inject={calls}:{fault}"), "-p", &asking.id().to_string()]);
    for suffix in ["", "-wal", "-shm"] {
        strace.arg("-P").arg(format!("{}{suffix}", path.display()));
    }
    let mut strace = strace.stderr(Stdio::piped()).spawn().expect("strace is installed");
    let mut says = BufReader::new(strace.stderr.take().unwrap()).lines();
    assert!(says.any(|line| line.unwrap().contains("attached")), "strace may look at other processes");
    asking.stdin.take().unwrap().write_all(b"\n").unwrap();
    let code = asking.wait().unwrap().code();
    drop(says);
    strace.wait().unwrap();
    (code, std::fs::read_to_string(log).unwrap().contains("(INJECTED)"))
}
