//! Starving: a PostgreSQL server that has few connections for an app, or none.

use std::thread;
use std::time::{Duration, Instant};

use lifecycle_conformance::Program;
use test_postgres::{Crowd, Server};

use crate::app::{App, PATIENCE, for_each_app};

/// With two connections it acknowledges; from three on, it works too.
const ENOUGH: u32 = 3;

fn is_skipped() -> bool {
    let is_skipped = !test_postgres::is_installed();
    if is_skipped {
        eprintln!("skipped: there is no PostgreSQL");
    }
    is_skipped
}

#[test]
fn with_few_connections_an_app_acknowledges_first_and_its_health_says_so() {
    if is_skipped() {
        return;
    }
    let server = Server::start();
    for_each_app(|program| {
        let few = Few::new(&server, program);
        let error = few.of(1).err().unwrap_or_else(|| panic!("{}: one is too few", program.name));
        assert!(error.contains("too many connections"), "{}: {error}", program.name);
        for limit in 2..=8 {
            let mut app = few.of(limit).unwrap_or_else(|log| panic!("{}, {limit}: {log}", program.name));
            few.is_well(&app, limit);
            if limit >= ENOUGH {
                few.has_handled(&app, limit - 1); // also what waited when there were too few
            }
            if limit == 8 {
                few.is_unwell_without_any(&app);
                few.is_well(&app, limit + 1);
                few.has_handled(&app, limit);
            }
            assert!(app.stop("TERM").is_some_and(|status| status.success()), "{}", program.name);
        }
    });
}

#[test]
fn a_replica_that_starts_into_a_full_server_waits_for_room_and_the_old_one_goes_on() {
    if is_skipped() {
        return;
    }
    for_each_app(|program| {
        let server = Server::start_small(16);
        let name = &program.name;
        let url = server.url();
        let variables = [("DATABASE_URL", url.as_str())];
        let mut old = App::start_with(program, &variables);
        acknowledge(&old, "load"); // it has what it needs under load
        let crowd = Crowd::fill(&server);
        let started = Instant::now();
        let mut sent = CALLBACKS;
        let new = loop {
            sent += 1;
            until(&format!("{name}: the old one acknowledges"), || {
                old.callback(&format!("meanwhile-{sent}")).contains(" 202 ")
                    && old.status("/healthz") == "200"
            });
            match App::try_start_with(program, &variables) {
                Ok(new) => break new,
                Err(log) => {
                    assert!(log.contains("too many clients"), "{name}: {log}");
                    assert!(started.elapsed() < PATIENCE * 2, "{name}: it finds no room");
                }
            }
        };
        assert!(old.stop("TERM").is_some_and(|status| status.success()), "{name}");
        acknowledge(&new, "new");
        drop(crowd);
        has_handled(&server, "postgres", sent + CALLBACKS, &new);
    });
}

/// How many callbacks each load is of.
const CALLBACKS: u32 = 40;

/// Sends callbacks of many tenants at the same time, as a platform that tries again until each is acknowledged.
fn acknowledge(app: &App, load: &str) {
    thread::scope(|scope| {
        for tenant in 0..8 {
            scope.spawn(move || {
                for nth in 0..CALLBACKS / 8 {
                    let (tenant, id) = (tenant.to_string(), format!("{load}-{nth}"));
                    until(&id, || app.callback_of(&tenant, &id).contains(" 202 "));
                }
            });
        }
    });
}

/// All of so many callbacks is handled, once.
fn has_handled(server: &Server, database: &str, all: u32, app: &App) {
    let all = all.to_string();
    let mut handled = String::new();
    let started = Instant::now();
    while handled != all {
        assert!(started.elapsed() < PATIENCE * 3, "of {all} {handled} are handled: {}", app.log());
        thread::sleep(Duration::from_millis(100));
        handled = server.execute_in(database, &["SELECT count(*) FROM public.handled"]);
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A database of an app's own, whose user may have only a few connections.
struct Few<'a> {
    server: &'a Server,
    program: &'a Program,
    database: String,
    url: String,
}

impl<'a> Few<'a> {
    fn new(server: &'a Server, program: &'a Program) -> Self {
        let database = program.name.replace('-', "_");
        let role = format!("CREATE ROLE {database} LOGIN PASSWORD 'p'");
        server.execute(&[&role, &format!("CREATE DATABASE {database} OWNER {database}")]);
        let url = server.url_of(&database, "p", &database);
        Self { server, program, database, url }
    }

    fn limit(&self, connections: u32) {
        self.server.execute(&[&format!("ALTER ROLE {} CONNECTION LIMIT {connections}", self.database)]);
    }

    /// An app with so many connections, or its log.
    fn of(&self, connections: u32) -> Result<App, String> {
        self.limit(connections);
        App::try_start_with(self.program, &[("DATABASE_URL", &self.url)])
    }

    /// It acknowledges, and its health says so.
    fn is_well(&self, app: &App, nth: u32) {
        acknowledge(app, &nth.to_string());
        until(&self.program.name, || app.status("/healthz") == "200");
    }

    /// All of so many loads is handled, once.
    fn has_handled(&self, app: &App, loads: u32) {
        has_handled(self.server, &self.database, loads * CALLBACKS, app);
    }

    /// Without a connection it acknowledges nothing, and its health says so; and it recovers by itself.
    fn is_unwell_without_any(&self, app: &App) {
        self.limit(0);
        let end = format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '{}'",
            self.database
        );
        self.server.execute(&[&end]);
        let answer = app.callback("without");
        assert!(answer.contains(" 503 "), "{}: {answer}", self.program.name);
        assert_eq!(app.status("/healthz"), "503", "{}", self.program.name);
        self.limit(8);
        until(&self.program.name, || app.status("/healthz") == "200");
    }
}
