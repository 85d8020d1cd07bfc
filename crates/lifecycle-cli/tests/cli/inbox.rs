//! `lifecycle inbox`: what an operator sees of an inbox and does to it, in an SQLite file and in PostgreSQL.

use std::env;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, async_trait, run_handler, seismic};
use lifecycle_inbox::{Engine, Inbox, Store};
use lifecycle_inbox_postgres::{PostgresEngine, Settings, tokio_postgres};
use lifecycle_inbox_sqlite::{SqliteEngine, rusqlite};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::databases::refused;
use crate::program::{Ran, lifecycle, lifecycle_with};

/// What a handler says that has no seat to give.
const ERROR: &str =
    "no seats left: \u{1b}[31mask sales, or wait until the end of the month, when some are given back";

/// It ends in blanks, and holds what a terminal would take for a command.
const LAST: &str = "{\"type\":\"upgrade\",\"appId\":\"a\",\"tenantId\":\"globex\",\"requestId\":\"r3\",\"x\":\"\u{9b}2J\"} \r\n";

/// Fails each install.
struct NoSeats;

#[async_trait]
impl LifecycleHandler for NoSeats {
    async fn install(&self, _: &Delivery) -> Result<(), HandlerError> {
        Err(HandlerError::unavailable(ERROR))
    }
}

/// A dead install of acme, its enable, which is done, and an upgrade of globex that waits.
async fn fill(engine: Arc<dyn Engine>) {
    let store = Store::from(engine);
    let (inbox, worker) = store.open(NoSeats);
    for (kind, id) in [("install", "r1"), ("enable", "r2")] {
        let body = json!({"type": kind, "appId": "a", "tenantId": "acme", "requestId": id}).to_string();
        send(&inbox, &body).await;
    }
    worker.attempts(1).run_until_idle().await.unwrap();
    send(&inbox, LAST).await;
}

async fn send(inbox: &Inbox, body: &str) {
    run_handler(inbox, &delivery(body), Duration::from_secs(60)).await.unwrap();
}

/// Makes an inbox with one dead letter in it, as the manual shows it.
pub(crate) fn with_a_dead_letter(file: &Path) {
    struct Full;

    #[async_trait]
    impl LifecycleHandler for Full {
        async fn install(&self, _: &Delivery) -> Result<(), HandlerError> {
            Err(HandlerError::unavailable("no seats left"))
        }
    }

    let store = Store::new(SqliteEngine::open(file).unwrap());
    Runtime::new().unwrap().block_on(async {
        let (inbox, worker) = store.open(Full);
        send(&inbox, r#"{"type":"install","appId":"a","tenantId":"acme"}"#).await;
        worker.attempts(1).run_until_idle().await.unwrap();
    });
}

fn delivery(body: &str) -> Delivery {
    lifecycle_testing::delivery(&seismic::PLATFORM, body)
}

/// A filled inbox in a file, which the app still has open.
struct InFile {
    folder: TempDir,
    url: String,
    _engine: SqliteEngine,
}

impl InFile {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inbox.db");
        let engine = SqliteEngine::open(&path).unwrap();
        Runtime::new().unwrap().block_on(fill(Arc::new(engine.clone())));
        Self { url: format!("sqlite:{}", path.display()), folder, _engine: engine }
    }

    fn inbox(&self, arguments: &[&str]) -> Ran {
        let variables = [("DATABASE_URL", self.url.as_str())];
        lifecycle_with([&["inbox"], arguments].concat(), &variables, b"")
    }

    fn states(&self) -> Vec<String> {
        let mut states = states(&self.inbox(&["list", "--all", "--json"]).json());
        states.reverse();
        states
    }
}

fn states(list: &Value) -> Vec<String> {
    let rows = list["deliveries"].as_array().unwrap().iter();
    rows.map(|row| format!("{} {}", row["kind"].as_str().unwrap(), row["state"].as_str().unwrap())).collect()
}

/// Lines with single blanks in place of columns.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_list_tells_each_state_and_keeps_tenants_and_bodies_to_itself() {
    let file = InFile::new();
    let ran = file.inbox(&["list", "--all"]);
    let shown = lines(&ran.out);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(shown[0], "id platform kind state attempts age due last error");
    assert!(shown[3].starts_with("1 seismic install dead 1 ") && shown[3].ends_with('…'), "{shown:?}");
    assert!(shown[3].contains(" overtaken by 2 no seats left: \u{fffd}[31mask sales"), "{shown:?}");
    assert!(shown[2].starts_with("2 seismic enable done 1 "), "{shown:?}");
    assert!(shown[1].starts_with("3 seismic upgrade pending 0 ") && shown[1].ends_with(" now"), "{shown:?}");
    let json = file.inbox(&["list", "--all", "--json"]);
    for ran in [&ran, &json] {
        assert!(!ran.out.contains("acme") && !ran.out.contains("globex"), "{ran:?}");
    }
    assert!(file.inbox(&["list", "--show-tenants"]).out.contains("globex"));
    let json = file.inbox(&["list", "--show-tenants", "--json"]).json();
    assert_eq!(json["deliveries"][1]["tenant"], "acme");
    assert_eq!(json["deliveries"][1]["last_error"], ERROR);
}

#[test]
fn a_list_comes_in_pages_and_by_state() {
    let file = InFile::new();
    for (more, pages) in [
        (&[][..], &[&["upgrade pending"], &["install dead"][..]][..]),
        (&["--all"], &[&["upgrade pending"], &["enable done"], &["install dead"]]),
        (&["--all", "--platform", "seismic"], &[&["upgrade pending"], &["enable done"], &["install dead"]]),
    ] {
        let mut before = i64::MAX;
        for (place, page) in pages.iter().enumerate() {
            let arguments = ["list", "--limit", "1", "--json", "--before", &before.to_string()];
            let json = file.inbox(&[&arguments[..], more].concat()).json();
            assert_eq!(states(&json), *page, "{more:?}");
            assert_eq!(json["next_before"].is_null(), place + 1 == pages.len(), "{more:?}: {json}");
            before = json["next_before"].as_i64().unwrap_or_default();
        }
    }
    assert!(file.inbox(&["list", "--limit", "1"]).out.ends_with("there are more: --before 3\n"));
    let json = file.inbox(&["list", "--state", "done", "--json"]).json();
    assert_eq!(states(&json), ["enable done"]);
    assert_eq!(
        states(&file.inbox(&["list", "--json"]).json()),
        ["upgrade pending", "install dead"],
        "not done"
    );
    assert_eq!(file.inbox(&["list", "--state", "leased"]).out, "no such deliveries\n");
}

#[test]
fn a_list_is_of_those_that_are_asked_for() {
    let file = InFile::new();
    for (more, expected) in [
        (&["--kind", "install"][..], &["install dead"][..]),
        (&["--tenant", "acme"], &["enable done", "install dead"]),
        (&["--platform", "github"], &[]),
        (&["--platform", "seismic", "--tenant", "globex"], &["upgrade pending"]),
        (&["--since", "1h"], &["upgrade pending", "enable done", "install dead"]),
        (&["--since", "2999-01-01T00:00Z"], &[]),
    ] {
        let json = file.inbox(&[&["list", "--all", "--json"], more].concat()).json();
        assert_eq!(states(&json), expected, "{more:?}");
        assert!(!json.to_string().contains("acme"), "{more:?}");
    }
    let ran = file.inbox(&["list", "--since", "soon"]);
    assert!(ran.code == 2 && ran.err.contains("such as 90min, 2h or 3d"), "{ran:?}");
    assert_eq!(file.inbox(&["list", "--all", "--state", "dead"]).code, 2);
}

#[test]
fn a_body_comes_out_byte_for_byte() {
    let file = InFile::new();
    assert_eq!(file.inbox(&["show", "3", "--body"]).out, LAST);
    assert_eq!(file.inbox(&["show", "3", "--body", "--json"]).json()["body"], LAST);
    let shown = file.inbox(&["show", "3"]).out;
    assert!(shown.contains("  tenant      globex\n") && !shown.contains("requestId"), "{shown}");
    let json = file.inbox(&["show", "3", "--json"]).json();
    assert_eq!(
        (json.get("body"), &json["body_bytes"], &json["headers"]),
        (None, &json!(LAST.len()), &json!([]))
    );
}

#[test]
fn a_damaged_delivery_is_shown_as_far_as_it_reads() {
    let file = InFile::new();
    let open = rusqlite::Connection::open(file.folder.path().join("inbox.db")).unwrap();
    open.execute("UPDATE lifecycle_inbox SET envelope = '{', body = x'ff00' WHERE id = 3", []).unwrap();
    let shown = file.inbox(&["show", "3"]);
    assert_eq!(shown.code, 0);
    assert!(shown.out.contains("the stored delivery cannot be read: the envelope"), "{shown:?}");
    let json = file.inbox(&["show", "3", "--body", "--json"]).json();
    assert_eq!((&json["headers"], &json["body_base64"]), (&Value::Null, &json!("/wA=")));
}

#[test]
fn a_dead_letter_waits_again_once_it_is_retried_and_one_that_is_done_does_not() {
    let file = InFile::new();
    let ran = file.inbox(&["retry", "1", "2", "9"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let list = "there is no such delivery; `lifecycle inbox list` shows those that there are";
    let expected = format!(
        "1: retried, although later ones of its tenant are done: 2 enable\n2: not retried: it is handled already\n9: not retried: {list}\n1 retried, 2 not\n"
    );
    assert_eq!(ran.out, expected);
    assert_eq!(file.states(), ["install pending", "enable done", "upgrade pending"]);
}

#[test]
fn all_dead_letters_are_retried_and_nothing_else() {
    let file = InFile::new();
    let ran = file.inbox(&["retry", "--all-dead", "--overtaken", "--json"]);
    assert_eq!((ran.code, ran.json()), (0, json!({"retried": [1], "not_retried": []})));
    let ran = file.inbox(&["retry", "--all-dead"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "0 retried, 0 not\n"));
}

#[test]
fn what_later_deliveries_have_overtaken_is_left_alone_unless_it_is_asked_for() {
    let file = InFile::new();
    let ran = file.inbox(&["retry", "--all-dead"]);
    let left = "1 left alone, of whose tenants later deliveries are done; --overtaken takes these too\n";
    assert_eq!((ran.code, ran.out), (0, format!("0 retried, 0 not\n{left}")));
    let json = file.inbox(&["retry", "--all-dead", "--json"]).json();
    assert_eq!(json, json!({"retried": [], "not_retried": [], "overtaken": [1]}));
    assert_eq!(file.states()[0], "install dead");
    assert!(file.inbox(&["show", "1"]).out.contains("  done since  2 enable\n"));
    assert_eq!(file.inbox(&["show", "1", "--json"]).json()["overtaken_by"], 2);
    assert!(!file.inbox(&["show", "2"]).out.contains("done since"));
    file.inbox(&["delete", "--yes", "2"]);
    assert!(file.inbox(&["show", "1"]).out.contains("  done since  2, which is deleted\n"));
    assert_eq!(file.inbox(&["retry", "--overtaken", "1"]).code, 2, "an id is clear enough");
}

#[test]
fn nothing_is_deleted_without_a_yes() {
    let file = InFile::new();
    let ran = file.inbox(&["delete", "1"]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.err, "error: there is no terminal to ask on: give --yes to delete without being asked\n");
    assert_eq!(file.states().len(), 3);
    let ran = file.inbox(&["delete", "1", "--yes"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "1: deleted\n1 deleted, 0 not\n"));
    assert_eq!(file.states(), ["enable done", "upgrade pending"]);
    assert_eq!(file.inbox(&["delete", "1", "--yes"]).code, 1, "it is gone");
}

#[test]
fn stats_count_what_waits_and_what_died() {
    let file = InFile::new();
    let json = file.inbox(&["stats", "--json"]).json();
    assert_eq!((&json["pending"], &json["leased"], &json["dead"]), (&json!(1), &json!(0), &json!(1)));
    assert!(json["oldest_ms"].is_u64(), "{json}");
    assert_eq!((&json["done"], &json["last_hour"]), (&json!(1), &json!({"done": 1, "dead": 1})));
    let ran = file.inbox(&["stats"]);
    assert!(ran.out.starts_with("pending  1\nleased   0\ndead     1 "), "{ran:?}");
    assert!(
        ran.out.contains("\ndone     1, as far as they are kept\nin the last hour  1 done, 1 dead\n"),
        "{ran:?}"
    );
}

#[test]
fn what_waits_for_a_worker_that_knows_its_platform_is_told() {
    let file = InFile::new();
    let stats = file.inbox(&["stats", "--json"]).json();
    assert_eq!(stats["unknown_platforms"], json!([]));
    let open = rusqlite::Connection::open(file.folder.path().join("inbox.db")).unwrap();
    open.execute("UPDATE lifecycle_inbox SET platform = 'own\u{9b}2J' WHERE id = 3", []).unwrap();
    let list = file.inbox(&["list"]);
    let shown = lines(&list.out);
    assert!(shown[1].ends_with(" when a worker knows the platform"), "{shown:?}");
    assert!(file.inbox(&["show", "3"]).out.contains("  due         when a worker knows the platform\n"));
    let stats = file.inbox(&["stats"]);
    assert!(stats.out.contains("1 of the platform own\u{fffd}2J, "), "{stats:?}");
    let json = file.inbox(&["stats", "--json"]).json();
    assert_eq!(json["unknown_platforms"][0]["open"], 1);
    let list = file.inbox(&["list", "--json"]).json();
    assert_eq!(
        (&list["deliveries"][1]["platform_known"], &list["deliveries"][0]["platform_known"]),
        (&json!(true), &json!(false))
    );
}

#[test]
fn a_delivery_that_is_not_there_and_a_missing_database_get_one_line() {
    let file = InFile::new();
    let ran = file.inbox(&["show", "9"]);
    let line =
        "error: there is no delivery 9 in this inbox: `lifecycle inbox list` shows those that there are\n";
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (2, "", line));
    let ran = lifecycle(["inbox", "stats"]);
    assert_eq!((ran.code, ran.err.lines().count()), (2, 1));
    assert!(ran.err.contains("set DATABASE_URL"), "{ran:?}");
}

#[test]
fn an_inbox_in_postgresql_is_operated_alike() {
    if !is_postgres_there() {
        eprintln!("skipped: PostgreSQL is missing");
        return;
    }
    let url = test_postgres::url();
    let schema = format!("cli_{}", std::process::id());
    let inbox = |arguments: &[&str]| {
        lifecycle_with([&["inbox", "--schema", &schema], arguments].concat(), &[("DATABASE_URL", url)], b"")
    };
    let runtime = Runtime::new().unwrap();
    assert!(refused(url, &["--schema", &schema]).contains("there is no inbox in this database"));
    assert!(refused(url, &["--schema", &schema]).contains("there is no inbox"), "a look makes no schema");
    runtime.block_on(async {
        let settings = Settings::new(url).unwrap().schema(&schema).unwrap();
        fill(Arc::new(PostgresEngine::open_with(settings).await.unwrap())).await;
    });
    let list = inbox(&["list", "--all", "--json"]).json();
    assert_eq!(states(&list), ["upgrade pending", "enable done", "install dead"]);
    let ids = list["deliveries"].as_array().unwrap().iter().rev();
    let ids: Vec<String> = ids.map(|row| row["id"].to_string()).collect();
    assert_eq!(list["deliveries"][2]["overtaken_by"].to_string(), ids[1]);
    for (more, expected) in [
        (&[][..], &["upgrade pending", "install dead"][..]),
        (&["--kind", "upgrade", "--since", "1h"], &["upgrade pending"]),
        (&["--tenant", "acme", "--all"], &["enable done", "install dead"]),
        (&["--state", "pending", "--before", &ids[2]], &[]),
    ] {
        assert_eq!(states(&inbox(&[&["list", "--json"], more].concat()).json()), expected, "{more:?}");
    }
    let stats = inbox(&["stats", "--json"]).json();
    assert_eq!((&stats["done"], &stats["last_hour"]), (&json!(1), &json!({"done": 1, "dead": 1})));
    assert_eq!(inbox(&["show", &ids[2], "--body"]).out, LAST);
    assert!(inbox(&["retry", "--all-dead"]).out.contains("1 left alone"));
    assert_eq!(inbox(&["retry", "--all-dead", "--overtaken"]).code, 0);
    assert_eq!(inbox(&["delete", "--yes", &ids[1]]).code, 0);
    assert_eq!(states(&inbox(&["list", "--json"]).json()), ["upgrade pending", "install pending"]);
    assert_eq!(inbox(&["stats", "--json"]).json()["pending"], 2);
    runtime.block_on(async {
        let (client, driver) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let driver = tokio::spawn(driver);
        let newer = format!("INSERT INTO {schema}.schema_version (version) VALUES (99)");
        client.batch_execute(&newer).await.unwrap();
        drop(client);
        driver.await.unwrap().unwrap();
    });
    assert!(refused(url, &["--schema", &schema]).contains("version 99, and this program knows "));
}

/// In CI it has to be.
fn is_postgres_there() -> bool {
    let mut versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    env::var_os("CI").is_some_and(|value| value == "true")
        || env::var_os(test_postgres::VARIABLE).is_some()
        || versions.any(|version| Path::join(&version.path(), "bin/initdb").is_file())
}
