//! Files that are deleted, moved, replaced or overwritten while they are in use.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use lifecycle_inbox::{Accepted, DeliveryFilter, Engine, InstallationStore, TenantKey};
use lifecycle_inbox_sqlite::{SqliteEngine, rusqlite};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::support::{WITHIN, again, record};

const GARBAGE: &[u8] = &[0x5a; 300_000];

/// Long enough for any machine. What is promised is half a second.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// What is done to the files.
struct Shape {
    name: &'static str,
    spoil: fn(&Scene),
    /// Whether a name tells it. Otherwise the content does, which is looked at less often.
    by_name: bool,
    /// Whether what was acknowledged before is in the file in the end.
    kept: bool,
}

const SHAPES: [Shape; 14] = [
    by_name("all three deleted", |scene| scene.all(|path| fs::remove_file(path).unwrap())),
    by_name("the file deleted", |scene| fs::remove_file(scene.path()).unwrap()),
    rescued("-wal and -shm deleted", |scene| {
        fs::remove_file(scene.beside("-wal")).unwrap();
        fs::remove_file(scene.beside("-shm")).unwrap();
    }),
    rescued("-wal deleted", |scene| fs::remove_file(scene.beside("-wal")).unwrap()),
    rescued("-wal moved away", |scene| fs::rename(scene.beside("-wal"), scene.beside("-away")).unwrap()),
    by_name("-wal replaced", |scene| scene.put_over(GARBAGE, &scene.beside("-wal"))),
    by_name("-shm deleted", |scene| fs::remove_file(scene.beside("-shm")).unwrap()),
    by_name("moved away", |scene| fs::rename(scene.path(), scene.beside(".old")).unwrap()),
    by_name("garbage renamed over it", |scene| scene.put_over(GARBAGE, &scene.path())),
    by_name("a backup renamed over it", |scene| fs::rename(scene.backup(), scene.path()).unwrap()),
    by_name("the folder deleted", |scene| fs::remove_dir_all(scene.folder()).unwrap()),
    by_name("the folder replaced", |scene| {
        fs::rename(scene.folder(), scene.root.path().join("before")).unwrap();
        fs::create_dir(scene.folder()).unwrap();
    }),
    in_place("truncated", |scene| {
        fs::File::create(scene.path()).unwrap();
    }),
    in_place("garbage written into it", |scene| {
        let mut file = fs::OpenOptions::new().write(true).open(scene.path()).unwrap();
        file.write_all(GARBAGE).unwrap();
    }),
];

const fn by_name(name: &'static str, spoil: fn(&Scene)) -> Shape {
    Shape { name, spoil, by_name: true, kept: false }
}

const fn rescued(name: &'static str, spoil: fn(&Scene)) -> Shape {
    Shape { name, spoil, by_name: true, kept: true }
}

const fn in_place(name: &'static str, spoil: fn(&Scene)) -> Shape {
    Shape { name, spoil, by_name: false, kept: false }
}

/// An engine on a file of which there is an older backup.
pub(crate) struct Scene {
    root: TempDir,
    pub(crate) engine: SqliteEngine,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("data")).unwrap();
        let engine = SqliteEngine::open(root.path().join("data/inbox.db")).unwrap();
        let scene = Self { root, engine };
        scene.accept(0..5).await;
        let backup = format!("VACUUM INTO '{}'", scene.backup().display());
        Connection::open(scene.path()).unwrap().execute_batch(&backup).unwrap();
        scene.accept(5..20).await;
        scene
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("data")
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder().join("inbox.db")
    }

    pub(crate) fn backup(&self) -> PathBuf {
        self.root.path().join("backup.db")
    }

    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        self.folder().join(format!("inbox.db{suffix}"))
    }

    fn all(&self, each: impl Fn(PathBuf)) {
        for suffix in ["", "-wal", "-shm"] {
            each(self.beside(suffix));
        }
    }

    fn put_over(&self, content: &[u8], path: &Path) {
        let new = self.root.path().join("new");
        fs::write(&new, content).unwrap();
        fs::rename(new, path).unwrap();
    }

    pub(crate) async fn accept(&self, requests: std::ops::Range<u32>) {
        for request in requests {
            let accepted =
                self.engine.accept(record("t", &request.to_string()), self.engine.now(), WITHIN).await;
            assert!(matches!(accepted, Ok(Accepted::New(_))), "{accepted:?}");
        }
    }

    /// Sends until it is refused. How many were acknowledged before?
    pub(crate) async fn refused(&self) -> u32 {
        let until = Instant::now() + LIMIT;
        for request in 1_000.. {
            assert!(Instant::now() < until, "still acknowledged");
            if self.engine.accept(record("t", &request.to_string()), self.engine.now(), WITHIN).await.is_err()
            {
                return request - 1_000;
            }
            sleep(Duration::from_millis(2)).await;
        }
        unreachable!("it returns")
    }

    pub(crate) fn errors(&self) -> Vec<String> {
        let folder = self.root.path().display().to_string();
        let lines = logged();
        lines
            .into_iter()
            .filter(|line| line.contains(&folder) && line.contains("while it was in use"))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_into_files_that_went_away() {
    listen();
    for Shape { name, spoil, by_name, kept } in SHAPES {
        let scene = Scene::new().await;
        spoil(&scene);
        let acknowledged = scene.refused().await;
        assert!(acknowledged == 0 || !by_name, "{name}: {acknowledged} were acknowledged, and lost");
        assert!(scene.engine.check().await.is_err(), "{name}: it is not well");
        assert!(
            scene.engine.list(&DeliveryFilter::default()).await.is_err(),
            "{name}: what is read may be old"
        );
        let tenant = TenantKey::new("seismic", "app", "t");
        assert!(scene.engine.installation(&tenant).await.is_err(), "{name}: nor may a gate believe it");
        assert!(
            scene.engine.accept(record("t", "later"), scene.engine.now(), WITHIN).await.is_err(),
            "{name}"
        );
        assert_eq!(scene.errors().len(), 1, "{name}: {:?}", scene.errors());
        if kept {
            let alone = scene.root.path().join("alone.db"); // as after a kill: without what the engine would do at its end
            fs::copy(scene.path(), &alone).unwrap();
            assert!(count(&alone) >= 20, "{name}: of 20 acknowledged, {} are left", count(&alone));
        }
    }
}

#[tokio::test]
async fn an_idle_engine_notices_too() {
    listen();
    for Shape { name, spoil, .. } in SHAPES {
        let scene = Scene::new().await;
        spoil(&scene);
        let until = Instant::now() + LIMIT;
        while scene.errors().is_empty() {
            assert!(Instant::now() < until, "{name}: nothing was told");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_place_of_the_file_is_not_spoiled() {
    listen();
    for Shape { name, spoil, .. } in SHAPES.into_iter().filter(|shape| !shape.kept) {
        let scene = Scene::new().await;
        spoil(&scene);
        let stands = fs::read(scene.path()).ok();
        scene.refused().await;
        if name == "-shm deleted" || name == "-wal replaced" {
            continue; // the file is the engine's own still
        }
        sleep(Duration::from_millis(600)).await; // time to copy a log, were it to
        scene.engine.close().await;
        assert_eq!(fs::read(scene.path()).ok(), stands, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_beside_one_that_has_lost_its_files_is_safe() {
    const FILE: &str = "LIFECYCLE_TEST_RESTART";
    if let Some(path) = std::env::var_os(FILE) {
        return restarted(Path::new(&path)).await;
    }
    listen();
    for Shape { name, spoil, kept, .. } in SHAPES {
        if name.contains("garbage") || name == "-wal replaced" || name == "the folder deleted" {
            continue; // no inbox stands there
        }
        let scene = Scene::new().await;
        spoil(&scene);
        scene.refused().await;
        let before = match name {
            "a backup renamed over it" => 5,
            "-shm deleted" => 20,
            _ if kept => 20,
            _ => 0,
        };
        let test = "lost::a_restart_beside_one_that_has_lost_its_files_is_safe";
        let mut child = again(test, FILE, &scene.path());
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let found = lines.find_map(|line| line.strip_prefix("found ")?.parse::<i64>().ok());
        let found = found.unwrap_or_else(|| panic!("{name}: it does not start"));
        assert!(found >= before, "{name}: {found} of {before} are left");
        scene.engine.close().await;
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success(), "{name}");
        assert_eq!(count(&scene.path()), found + 1, "{name}");
    }
}

/// Opens the file that stands there, and goes on with it after the one that lost its own has closed.
async fn restarted(path: &Path) {
    let engine = SqliteEngine::open(path).unwrap();
    let found = engine.list(&DeliveryFilter::default()).await.unwrap().len();
    assert!(matches!(engine.accept(record("t", "after"), engine.now(), WITHIN).await, Ok(Accepted::New(_))));
    println!("found {found}");
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await.unwrap().unwrap();
    engine.check().await.unwrap();
    engine.close().await;
    assert!(!path.with_extension("db-wal").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_comes_after_the_file_was_moved_away_is_not_spoiled() {
    listen();
    let scene = Scene::new().await;
    fs::rename(scene.path(), scene.beside(".old")).unwrap();
    scene.refused().await;
    fs::rename(scene.backup(), scene.path()).unwrap();
    let until = Instant::now() + LIMIT;
    while scene.beside("-wal").exists() {
        assert!(Instant::now() < until, "the old log is still in its way");
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(count(&scene.path()), 5);
    // And the old ones can be had: the file and its log belong together.
    fs::rename(scene.beside("-wal.orphan"), scene.beside(".old-wal")).unwrap();
    drop(scene.engine);
    let root = scene.root;
    assert_eq!(count(&root.path().join("data/inbox.db.old")), 20);
}

#[tokio::test]
async fn a_link_to_the_file_is_as_good_as_its_name_until_it_leads_elsewhere() {
    listen();
    let scene = Scene::new().await;
    let link = scene.root.path().join("link.db");
    std::os::unix::fs::symlink(scene.path(), &link).unwrap();
    let engine = SqliteEngine::open(&link).unwrap();
    engine.check().await.unwrap();
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(scene.backup(), &link).unwrap();
    assert!(engine.check().await.is_err());
    scene.engine.check().await.unwrap();
}

#[tokio::test]
async fn an_empty_file_beside_a_log_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let (path, log) = (folder.path().join("inbox.db"), folder.path().join("inbox.db-wal"));
    fs::write(&path, b"").unwrap();
    fs::write(&log, GARBAGE).unwrap();
    for opened in [SqliteEngine::open(&path), SqliteEngine::open_without_migrating(&path)] {
        let error = opened.unwrap_err().to_string();
        assert!(error.contains("it is empty, and its log (-wal) is not"), "{error}");
    }
    assert_eq!(fs::read(&log).unwrap(), GARBAGE, "SQLite has not deleted it");
}

pub(crate) fn count(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok", "{}", path.display());
    connection.query_row("SELECT count(*) FROM lifecycle_inbox", [], |row| row.get(0)).unwrap()
}

/// Keeps what all threads of this program log.
pub(crate) fn listen() -> &'static Arc<Mutex<Vec<u8>>> {
    static LINES: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();
    LINES.get_or_init(|| {
        let lines = Arc::<Mutex<Vec<u8>>>::default();
        let writer = Lines(lines.clone());
        tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).init();
        lines
    })
}

fn logged() -> Vec<String> {
    let lines = listen().lock().unwrap();
    String::from_utf8_lossy(&lines).lines().map(str::to_owned).collect()
}

#[derive(Clone)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
