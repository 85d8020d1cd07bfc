//! Requests of every platform, genuine and not, to every adapter over real sockets, while everything logs at `TRACE`: nothing of them is shown.

mod all_logs;
mod client;
mod needles;
mod requests;
mod servers;

use std::collections::{BTreeMap, BTreeSet};
use std::panic;

use all_logs::AllLogs;
use lifecycle_testing::registry;
use needles::Needles;
use requests::{Sort, requests_of};
use servers::{PARAMETER, ROUTES, Server};
use test_privacy::CANARY;

/// Targets of other crates that show a part of a request at `TRACE`, and how such an event begins. SECURITY.md names each: an app keeps it off that level.
const TELL: &[(&str, &str)] = &[
    ("actix_http::h1::decoder", " message=illegal Content-Length: "),
    ("warp::filters::path", " message=param?: "),
];

/// Crates of others that log while they serve: whether these are heard.
const HEARD: [&str; 3] = ["actix_http", "h2", "warp"];

#[test]
fn nothing_of_a_request_is_in_a_log_an_answer_an_error_or_a_debug_text() {
    AllLogs::start();
    let shown = panic::take_hook();
    // Handlers panic, and Rust prints what with, a hundred times.
    panic::set_hook(Box::new(move |info| {
        if !info.to_string().contains(CANARY) {
            shown(info);
        }
    }));
    let mut needles = Needles::default();
    let (mut answers, mut statuses) = (Vec::new(), BTreeMap::<Sort, BTreeSet<u16>>::new());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let servers = [Server::axum(&runtime), Server::actix(), Server::warp(&runtime)];
    let mut requests = Vec::new();
    for sender in registry() {
        // They are signed and sent at once: some tokens are good for half a minute.
        let own = requests_of(sender);
        for request in &own {
            needles.add(request);
            let shown = request.shown().into_iter();
            answers.extend(shown.map(|text| ("this process", format!("{request:?}"), text)));
        }
        for (server, request) in servers.iter().flat_map(|server| own.iter().map(move |own| (server, own))) {
            // What does not reach a handler is the same whatever the handler does.
            let routes = if request.sort == Sort::Genuine { ROUTES } else { &ROUTES[..3] };
            for route in routes {
                let answer = client::http1(server.address, &request.at(route), request);
                statuses.entry(request.sort).or_default().insert(client::status(&answer));
                answers.push((server.name, format!("{request:?} at {route}"), text(&answer)));
            }
            if server.speaks_http2 {
                let answer = client::http2(server.address, &request.at(ROUTES[0]), request);
                answers.push((server.name, format!("{request:?} by HTTP/2"), text(&answer)));
            }
        }
        requests.extend(own);
    }
    for server in &servers {
        for head in BROKEN {
            let head = head.replace("CANARY", CANARY);
            let answer = client::bytes(server.address, head.as_bytes());
            answers.push((server.name, head, text(&answer)));
        }
        if server.name == "warp" {
            let genuine = requests.iter().find(|request| request.is_hook()).unwrap();
            let answer = client::http1(server.address, &genuine.at(PARAMETER), genuine);
            answers.push((server.name, PARAMETER.to_owned(), text(&answer)));
        }
    }

    drop(panic::take_hook());

    // 0: tower leaves it to the app to catch a panic, and its server closes.
    assert_eq!(statuses[&Sort::Genuine], BTreeSet::from([0, 200, 202, 204, 403, 500]), "{statuses:?}");
    for (sort, statuses) in &statuses {
        let accepted = statuses.iter().any(|status| (200..300).contains(status));
        assert_eq!(accepted, sort.may_be_accepted(), "{sort:?}: {statuses:?}");
        assert!(*sort == Sort::Genuine || !statuses.contains(&0), "{sort:?}: no answer");
    }
    let shown = answers.iter().filter_map(|(by, what, text)| Some((by, what, needles.found(text)?, text)));
    let shown: Vec<_> = shown.take(5).collect();
    assert!(shown.is_empty(), "{shown:#?}");

    let events = AllLogs::take();
    let mut telling = BTreeSet::new();
    for event in &events {
        if let Some(found) = needles.found(&event.text) {
            let named =
                TELL.iter().find(|(target, start)| *target == event.target && event.text.starts_with(start));
            let named = named.unwrap_or_else(|| panic!("{found} by {}: {}", event.target, event.text));
            telling.insert(*named);
        }
    }
    assert_eq!(telling, TELL.iter().copied().collect(), "what shows nothing any more needs no name");
    let count = |name: &str| events.iter().filter(|event| event.target.starts_with(name)).count();
    assert!(HEARD.iter().all(|name| count(name) > 0), "other crates log, too");
    assert!(count("lifecycle::callback") > requests.len(), "{}", count("lifecycle::callback"));
    println!(
        "{} requests, {} answers and errors, {} events, {} of them ours",
        requests.len(),
        answers.len(),
        events.len(),
        count("lifecycle")
    );
}

fn text(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).into_owned()
}

/// Heads that no server takes, with the canary where it does not fit.
const BROKEN: [&str; 8] = [
    "POST /accept/seismic HTTP/1.1\r\nhost: a\r\nx-CANARY\r\n\r\n",
    "POST /accept/seismic HTTP/1.1\r\nhost: a\r\nx CANARY: CANARY\r\n\r\n",
    "POST /accept/seismic HTTP/1.1\r\nhost: a\r\nx-seismic-signature: CANARY\0\r\n\r\n",
    "POST /accept/seismic HTTP/1.1\r\nhost: a\r\ncontent-length: CANARY\r\n\r\n",
    "POST /accept/seismic HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nCANARY\r\n",
    "POST /accept/CANARY\u{7f} HTTP/1.1\r\nhost: a\r\n\r\n",
    "CANARY /accept/seismic HTTP/CANARY\r\nhost: a\r\n\r\n",
    "CANARY CANARY CANARY CANARY\r\n\r\n",
];
