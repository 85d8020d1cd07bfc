//! Files that are changed where they are, under the engine: by others that may, and by others that must not.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use lifecycle_inbox::{Engine, InstallationFilter, InstallationStore};
use lifecycle_inbox_sqlite::rusqlite;
use rusqlite::Connection;
use tokio::time::sleep;

use crate::lost::{LIMIT, Scene, count, listen};
use crate::support::{WITHIN, record};

#[tokio::test]
async fn an_older_backup_that_is_copied_into_the_file_is_noticed() {
    listen();
    let scene = Scene::new().await;
    let copy = Connection::open(scene.path()).unwrap();
    copy.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(())).unwrap();
    scene.accept(20..30).await;
    sleep(Duration::from_millis(600)).await; // the engine has seen the file with what was copied back
    let backup = fs::read(scene.backup()).unwrap();
    fs::write(scene.path(), &backup).unwrap();
    scene.refused().await;
    scene.engine.close().await;
    drop(copy);
    assert_eq!(count(&scene.backup()), 5);
}

/// As a process leaves the file that was killed while it copied the log back: some pages are of before, some of after.
#[tokio::test]
async fn a_log_that_was_copied_back_in_part_is_no_loss() {
    listen();
    let scene = Scene::new().await;
    let other = Connection::open(scene.path()).unwrap();
    other.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(())).unwrap();
    scene.accept(20..30).await; // the log has a newer page of the sequence
    let sequence = "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_sequence'";
    let page: i64 = other.query_row(sequence, [], |row| row.get(0)).unwrap();
    let mut file = fs::OpenOptions::new().write(true).open(scene.path()).unwrap();
    file.seek(SeekFrom::Start(u64::try_from(page - 1).unwrap() * 4096)).unwrap();
    file.write_all(&[0xff; 4096]).unwrap();
    sleep(Duration::from_millis(1_500)).await; // the engine has looked
    scene.accept(30..40).await;
    scene.engine.check().await.unwrap();
    assert!(scene.errors().is_empty(), "{:?}", scene.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_others_make_shorter_or_larger_is_the_same_file() {
    listen();
    let scene = Scene::new().await;
    let other = Connection::open(scene.path()).unwrap();
    other.busy_timeout(LIMIT).unwrap();
    for _ in 0..3 {
        other
            .execute_batch("CREATE TABLE filler (x); INSERT INTO filler VALUES (zeroblob(3000000))")
            .unwrap();
        other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        scene.engine.check().await.unwrap();
        other.execute_batch("DROP TABLE filler; VACUUM").unwrap();
        other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        scene.engine.check().await.unwrap();
        sleep(Duration::from_millis(300)).await;
    }
    assert!(scene.errors().is_empty(), "{:?}", scene.errors());
}

/// Nothing about the file tells of it.
#[tokio::test]
async fn a_page_that_cannot_be_read_is_a_loss_and_the_log_stays() {
    listen();
    let scene = Scene::new().await;
    let other = Connection::open(scene.path()).unwrap();
    other.busy_timeout(LIMIT).unwrap();
    let is_busy: bool = other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert!(!is_busy, "the log is empty");
    scene.accept(20..30).await;
    let index =
        "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_lifecycle_installations_1'";
    let page: i64 = other.query_row(index, [], |row| row.get(0)).unwrap();
    let mut file = fs::OpenOptions::new().write(true).open(scene.path()).unwrap();
    file.seek(SeekFrom::Start(u64::try_from(page - 1).unwrap() * 4096)).unwrap();
    file.write_all(&[0; 4096]).unwrap();
    scene.accept(30..31).await; // what a connection had in its cache is out of date
    assert!(scene.engine.installations(&InstallationFilter::default()).await.is_err());
    assert!(scene.engine.accept(record("t", "later"), scene.engine.now(), WITHIN).await.is_err());
    assert!(scene.engine.check().await.is_err());
    assert!(scene.errors()[0].contains("was damaged"), "{:?}", scene.errors());
    assert!(scene.beside("-wal").exists(), "it holds what was acknowledged last");
}
