//! Installation: the detour from SecurityScorecard's installation page and back, as browsers and proxies send it.

use lifecycle_conformance::Program;

use crate::app::{App, for_each_app};

#[test]
fn two_tabs_of_one_browser_do_not_break_each_other() {
    for_each_app(|program| {
        let app = App::start(program);
        let (first, second) = (visit(&app, "ins_first-tab"), visit(&app, "ins_second-tab"));
        assert_ne!(first.cookie_name(), second.cookie_name(), "{}", program.name);
        // HTTP/2 may cut the header into lines; not everybody writes a space.
        let lines = format!("Cookie: a=b; {}\r\nCookie: {}\r\n", second.cookie, first.cookie);
        expect(program, &first.come_back(&app, &lines), "200", "ins_first-tab");
        let dense = format!("Cookie: {};a=b;{}\r\n", first.cookie, second.cookie);
        expect(program, &second.come_back(&app, &dense), "200", "ins_second-tab");
        expect(program, &second.come_back(&app, &dense), "400", "invalid-state"); // a state is good once
    });
}

#[test]
fn a_cookie_that_stands_twice_with_different_values_is_none() {
    for_each_app(|program| {
        let app = App::start(program);
        let visit = visit(&app, "ins_twice");
        let twice = format!("Cookie: {}; {}=other\r\n", visit.cookie, visit.cookie_name());
        expect(program, &visit.come_back(&app, &twice), "400", "invalid-state");
        expect(program, &visit.come_back(&app, ""), "400", "invalid-state");
        let same = format!("Cookie: {0}; {0}\r\n", visit.cookie);
        expect(program, &visit.come_back(&app, &same), "200", "ins_twice"); // neither has used the state up
    });
}

#[test]
fn no_log_tells_a_state_a_cookie_or_an_installation() {
    for_each_app(|program| {
        let app = App::start_with(program, &[("RUST_LOG", "trace")]);
        let visit = visit(&app, "ins_not-in-the-log");
        let answer = visit.come_back(&app, &format!("Cookie: {}\r\n", visit.cookie));
        expect(program, &answer, "200", "ins_not-in-the-log");
        let log = app.log();
        assert!(
            log.contains("/securityscorecard/connect"),
            "{}: the log names the route: {log}",
            program.name
        );
        let (_, value) = visit.cookie.split_once('=').unwrap();
        for private in [visit.state.as_str(), value, "ins_not-in-the-log"] {
            assert!(!log.contains(private), "{}: {private}", program.name);
        }
    });
}

/// What a browser has after a visit to the installation page.
struct Visit {
    state: String,
    /// Name and value.
    cookie: String,
}

impl Visit {
    fn cookie_name(&self) -> &str {
        self.cookie.split_once('=').unwrap().0
    }

    /// The callback of the app's own step, with these header lines.
    fn come_back(&self, app: &App, lines: &str) -> String {
        get(app, &format!("/securityscorecard/connect?state={}", self.state), lines)
    }
}

fn visit(app: &App, installation: &str) -> Visit {
    let page = get(app, &format!("/securityscorecard/install?installation={installation}"), "");
    let between = |before: &str, end: &[char]| {
        let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}"));
        rest.split(end).next().unwrap_or_default().to_owned()
    };
    Visit { state: between("connect?state=", &['"', '&']), cookie: between("set-cookie: ", &[';', '\r']) }
}

fn get(app: &App, target: &str, lines: &str) -> String {
    app.send(&format!("GET {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{lines}\r\n"))
}

fn expect(program: &Program, answer: &str, status: &str, part: &str) {
    let right = answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(part);
    assert!(right, "{}: no {status} with {part}: {answer}", program.name);
}
