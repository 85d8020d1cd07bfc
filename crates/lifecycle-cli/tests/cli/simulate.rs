//! `lifecycle simulate`: it starts, says where, stops when asked to; and says in one line why it cannot.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::program::lifecycle;

/// A simulator in the built program, and the rest of what it prints.
pub(crate) fn start(
    folder: &tempfile::TempDir,
    arguments: &[&str],
) -> (Child, String, BufReader<ChildStdout>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lifecycle"))
        .args(["simulate", "--port", "0", "--database"])
        .arg(folder.path().join("simulator.db"))
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut printed = String::new();
    while !printed.contains("listening on ") {
        assert_ne!(out.read_line(&mut printed).unwrap(), 0, "it ended: {printed}");
    }
    (child, printed, out)
}

#[cfg(unix)]
fn terminate(mut child: Child) -> Option<i32> {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    child.wait().unwrap().code()
}

#[cfg(unix)]
#[test]
fn it_says_where_it_listens_and_stops_when_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let (child, printed, _out) = start(&folder, &["--app-url", "http://127.0.0.1:3000"]);
    assert!(printed.contains("signing secret, made for this app and shown this once: "), "{printed}");
    assert!(printed.contains("listening on http://127.0.0.1:"), "{printed}");
    assert_eq!(terminate(child), Some(0));
    // The second time the app is there already, and its secret is not told again.
    let (child, printed, _out) = start(&folder, &["--app-url", "http://127.0.0.1:3000"]);
    assert!(!printed.contains("signing secret"), "{printed}");
    assert_eq!(terminate(child), Some(0));
}

#[cfg(unix)]
#[test]
fn each_delivery_is_a_line_and_for_programs_an_object() {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    let install = |url: &str| {
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        let body = r#"{"tenant": 1, "action": "install"}"#;
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        write!(stream, "POST /api/apps/1/actions HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        stream.read_to_string(&mut String::new()).unwrap();
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap(); // nobody listens there afterwards
    let url = format!("http://{}/hooks", taken.local_addr().unwrap());
    drop(taken);
    let folder = tempfile::tempdir().unwrap();
    let (child, printed, mut out) = start(&folder, &["--callback-url", &url]);
    install(printed.split("listening on ").nth(1).unwrap().trim());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert!(line.contains("  BLOCKED       Acme       Install    connection refused: "), "{line}");
    let secret = printed.split("shown this once: ").nth(1).unwrap().lines().next().unwrap();
    let simulator = printed.split("listening on ").nth(1).unwrap().trim();
    let explain = |id: &str, secret: &str| {
        let secret = format!("--secret={secret}"); // which may begin with a hyphen
        lifecycle(["explain", "--delivery", id, "--simulator", simulator, &secret])
    };
    let ran = explain("1", secret);
    assert!(ran.code == 0 && ran.out.starts_with("the signature matches"), "{ran:?}");
    let ran = explain("1", &format!("{secret} "));
    assert!(ran.out.contains("(secret-blanks)"), "{ran:?}");
    let ran = explain("77", secret);
    assert!(ran.code == 2 && ran.err.contains("the simulator has no delivery 77"), "{ran:?}");
    assert_eq!(terminate(child), Some(0));
    let mut child = Command::new(env!("CARGO_BIN_EXE_lifecycle"))
        .args(["--json", "simulate", "--port", "0", "--database"])
        .arg(folder.path().join("simulator.db"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut object = || {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        serde_json::from_str::<serde_json::Value>(&line).unwrap()
    };
    let url = object()["url"].as_str().unwrap().to_owned();
    install(&url);
    let outcome = object();
    assert_eq!((&outcome["verdict"], &outcome["tenant"]), (&"BLOCKED".into(), &"Acme".into()), "{outcome}");
    assert_eq!(terminate(child), Some(0));
}

#[test]
fn what_cannot_be_done_is_one_line_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    std::fs::write(at("text"), "no database, but a text that is as long as the header of one ".repeat(9))
        .unwrap();
    std::fs::write(at("bad.key"), "no key").unwrap();
    let (new, other) = (at("new.db"), at("other.db"));
    for (arguments, said) in [
        (vec!["--port", &port, "--database", &new], "choose another port"),
        (vec!["--port", "70000"], "70000"),
        (vec!["--port", "0", "--database", &at("text")], "not a database of the simulator"),
        (vec!["--port", "0", "--database", &at("no/such/folder.db")], "there is no folder"),
        (vec!["--port", "0", "--database", &other, "--master-key-file", &at("bad.key")], "key file"),
        (vec!["--port", "0", "--database", &new, "--app-url", "http://app.example"], "must use https"),
        (vec!["--port", "0", "--database", &new, "--app-url", "nonsense"], "is not a URL"),
        (
            vec!["--port", "0", "--database", &new, "--manifest", "http://127.0.0.1:1/m.json"],
            "connection refused",
        ),
        (vec!["--port", "0", "--database", &new, "--secret", "hunter2"], "name the app with --app-url"),
    ] {
        let ran = lifecycle(std::iter::once("simulate").chain(arguments.iter().copied()));
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(said) && !ran.err.contains("hunter2"), "{arguments:?}: {ran:?}");
        assert!(ran.err.lines().filter(|line| line.contains("error:")).count() == 1, "{ran:?}");
    }
}
