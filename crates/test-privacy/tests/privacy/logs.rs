//! What the inbox, its worker and its engines log. PostgreSQL's engine has the same test in its crate.

use std::sync::Arc;

use lifecycle_inbox::{MemoryEngine, SecretStore, Store};
use lifecycle_inbox_sqlite::SqliteEngine;
use test_privacy::{Careless, Logs, live_through, shows};

#[cfg(unix)]
#[test]
fn a_file_that_others_may_open_is_told_and_left_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let logs = Logs::start();
    for (name, mode, is_told) in
        [("private.db", 0o600, false), ("group.db", 0o640, true), ("world.db", 0o644, true)]
    {
        let path = folder.path().join(name);
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        SqliteEngine::open(&path).unwrap();
        let told = format!(
            "may open this file, which holds payloads: chmod 600, unless that is meant path={}",
            path.display()
        );
        assert_eq!(logs.text().contains(&told), is_told, "{name}");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
    }
}

#[tokio::test]
async fn nothing_of_a_delivery_is_logged_at_whatever_level() {
    let folder = tempfile::tempdir().unwrap();
    let logs = Logs::start();
    let sqlite = SqliteEngine::open(folder.path().join("inbox.db")).unwrap();
    let memory = MemoryEngine::new();
    let engines: [(Store, Arc<dyn SecretStore>); 2] =
        [(Store::new(memory.clone()), Arc::new(memory)), (Store::new(sqlite.clone()), Arc::new(sqlite))];
    for (store, secrets) in engines {
        let (inbox, worker) = store.open(Careless);
        for text in live_through(&store, &inbox, worker, secrets).await {
            assert!(!shows(&text), "{text}");
        }
    }
    let text = logs.text();
    for event in ["delivery stored", "attempt ended", "the handler panicked", "old deliveries pruned"] {
        assert!(text.contains(event), "{event}: {text}");
    }
    let shown: Vec<&str> = text.lines().filter(|line| shows(line)).collect();
    assert!(shown.is_empty(), "{shown:#?}");
}
