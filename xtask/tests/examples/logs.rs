//! Logs: what strangers can write into them.

use crate::app::{App, for_each_app};

const TOKEN: &str = "hook-token-canary-0123456789";

#[test]
fn no_log_has_the_hooks_token_wherever_it_stands_in_a_path() {
    for_each_app(|program| {
        let variables = [("RUST_LOG", "trace"), ("SECURITYSCORECARD_HOOK_TOKEN", TOKEN)];
        let app = App::start_with(program, &variables);
        for path in
            ["", "seismic/", "verified/", "securityscorecard/", "securityscorecard/hook/", "features/"]
        {
            for method in ["GET", "POST"] {
                app.send(&format!(
                    "{method} /{path}{TOKEN} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"
                ));
            }
        }
        let log = app.log();
        assert!(!log.contains(TOKEN), "{}: {log}", program.name);
    });
}

#[test]
fn forged_requests_do_not_fill_the_log_that_is_on_by_default() {
    for_each_app(|program| {
        let app = App::start_with_the_default_log(program);
        let send_forged = || {
            let forged = "x-seismic-signature: 00\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
            assert!(app.send(&format!("POST /seismic HTTP/1.1\r\nhost: h\r\n{forged}")).contains(" 401 "));
        };
        send_forged(); // what is logged at the start is there by then
        let before = app.log().lines().count();
        (0..50).for_each(|_| send_forged());
        let log = app.log();
        assert!(log.contains("signature-mismatch"), "{}: the first is told: {log}", program.name);
        assert!(log.lines().count() <= before + 2, "{}: {log}", program.name);
    });
}
