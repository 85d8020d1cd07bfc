//! Notifier: a process that is asked to stop ends, whenever it is asked.

use std::io::Write;

use crate::app::{App, for_each_app};

#[test]
fn a_signal_right_after_the_start_ends_the_app() {
    for_each_app(|program| {
        for round in 0..20 {
            let mut app = App::start(program);
            let signal = if round % 2 == 0 { "TERM" } else { "INT" };
            let status = app.stop(signal);
            let status = status.unwrap_or_else(|| panic!("{} runs on after {signal} {round}", program.name));
            assert!(status.success(), "{} after {signal}: {status}: {}", program.name, app.log());
        }
    });
}

#[test]
fn a_client_that_is_stuck_does_not_hold_up_the_end() {
    for_each_app(|program| {
        let mut app = App::start(program);
        let mut stuck = app.connect();
        let head =
            "POST /seismic HTTP/1.1\r\nhost: h\r\nx-seismic-signature: 00\r\ncontent-length: 9\r\n\r\n";
        stuck.write_all(head.as_bytes()).unwrap();
        assert!(app.callback("before").contains(" 202 "), "{}", program.name);
        assert!(app.stop("TERM").is_some_and(|status| status.success()), "{}", program.name);
    });
}
