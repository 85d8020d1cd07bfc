//! Connections: strangers may hold only so many, for so long, with so much memory.

use std::io::Write;
use std::net::TcpStream;
use std::thread;

use crate::app::{App, for_each_app, programs, read_all};

const HALF_A_HEAD: &str = "POST /seismic HTTP/1.1\r\nhost: h\r\n";

#[test]
fn a_connection_that_is_unfinished_or_idle_is_closed() {
    for_each_app(|program| {
        let app = App::start(program);
        let whole = "GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n";
        thread::scope(|scope| {
            for sent in ["", "G", "PRI * HTTP/2.0\r\n", HALF_A_HEAD, whole] {
                let app = &app;
                scope.spawn(move || {
                    let mut stream = app.connect();
                    stream.write_all(sent.as_bytes()).unwrap();
                    let received = read_all(stream);
                    let received =
                        received.unwrap_or_else(|| panic!("{}: held after {sent:?}", program.name));
                    assert_eq!(received.contains("200 OK"), sent == whole, "{}: {received}", program.name);
                });
            }
        });
    });
}

#[test]
fn a_head_that_is_too_large_is_refused_before_its_end() {
    for_each_app(|program| {
        let app = App::start(program);
        let head = format!("{HALF_A_HEAD}x: {}", "y".repeat(380_000));
        let mut stream = app.connect();
        let _ = stream.write_all(head.as_bytes()); // it may be refused already
        let received = read_all(stream).unwrap_or_else(|| panic!("{}: it waits for the end", program.name));
        assert!(received.is_empty() || received.contains(" 431 "), "{}: {received}", program.name);
    });
}

// One app at a time: the test's own open files are limited, too.
#[test]
fn more_connections_than_are_allowed_hold_up_no_genuine_callback_for_long() {
    for program in programs() {
        let app = App::start(program);
        let held = hold(&app, 600);
        let answer = app.callback("beside");
        assert!(answer.contains(" 202 "), "{}: {answer:?}", program.name);
        if let Some(open) = app.open_files() {
            assert!(open < 580, "{} has {open} open files", program.name); // 512 connections and its own
        }
        drop(held);
        assert!(app.callback("afterwards").contains(" 202 "), "{}", program.name);
    }
}

#[test]
fn an_app_out_of_open_files_says_so_and_recovers_by_itself() {
    for program in programs() {
        let app = App::start_with_files(program, 256);
        let held = hold(&app, 300);
        assert!(app.callback("beside").contains(" 202 "), "{}", program.name);
        let log = app.log();
        let errors = log.lines().filter(|line| line.contains("ERROR") && line.contains("open files")).count();
        assert!((1..200).contains(&errors), "{}: {errors} lines: {log}", program.name);
        drop(held);
        assert!(app.callback("afterwards").contains(" 202 "), "{}", program.name);
    }
}

/// Connections that send half a head and then nothing.
fn hold(app: &App, count: usize) -> Vec<TcpStream> {
    let connect = |_| {
        let mut stream = app.connect();
        stream.write_all(HALF_A_HEAD.as_bytes()).unwrap();
        stream
    };
    (0..count).map(connect).collect()
}
