//! `cargo xtask ci`: all that has to hold before a change lands. It installs what a fresh machine lacks.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use crate::step::{run as step, tool};
use crate::test::{Machine, all};
use crate::{Failure, crash, instructions, peers, proxies, rusqlite};

/// What the tests need, as Debian's packages: the program that tells that one is there, and its package.
const NEEDED: &[(&str, &str)] = &[
    ("/usr/bin/caddy", "caddy"),
    ("/usr/bin/chromium", "chromium"),
    ("/usr/bin/chromedriver", "chromium-driver"),
    ("/usr/bin/faketime", "faketime"),
    ("/usr/bin/node", "nodejs"),
    ("/usr/bin/npm", "npm"),
    ("/usr/bin/pip3", "python3-pip"),
    ("/usr/sbin/pgbouncer", "pgbouncer"),
    ("/usr/share/postgresql-common/pg_wrapper", "postgresql"),
    ("/usr/bin/valgrind", "valgrind"),
    ("/usr/sbin/apache2", "apache2-bin"), // the program without its service
    ("/usr/sbin/haproxy", "haproxy"),
    ("/usr/sbin/nginx", "nginx"),
];

/// A part of what has to hold; it fails where it cannot be checked.
type Check = fn() -> Result<ExitCode, Failure>;

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    install()?;
    deny()?;
    let checks: [(&str, Check); 6] = [
        ("test", || all(Machine::Everything)),
        ("both ends of rusqlite", rusqlite::check_range),
        ("instructions", || instructions::run(false)),
        ("peers", || peers::exchange_all(Machine::Everything, false)),
        ("crash", || crash::run(lexopt::Parser::from_args(["--rounds", "15"]))),
        ("proxies", || proxies::run(lexopt::Parser::from_args([""; 0]))),
    ];
    for (name, check) in checks {
        let start = Instant::now();
        match check()? {
            ExitCode::SUCCESS => println!("== {name}: {:.0} s in all", start.elapsed().as_secs_f32()),
            failed => return Ok(failed),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Installs the packages that are missing, as root; elsewhere the tests themselves say what they lack.
fn install() -> Result<(), Failure> {
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(program, _)| !Path::new(program).exists())
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() || !Path::new("/usr/bin/apt-get").exists() {
        return Ok(());
    }
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        apt
    };
    step(apt().args(["update", "-q"]), "apt-get update")?;
    let heading = format!("apt-get install {}", missing.join(" "));
    let _no_services = NoServices::policy()?;
    step(apt().args(["install", "-y", "-q", "--no-install-recommends"]).args(&missing), &heading)
}

/// Keeps Debian from starting the services of what it installs, as long as this lives. The tests start what they need
/// by themselves; a web server that comes up meanwhile takes port 80, and one that finds it taken fails to install.
struct NoServices(&'static Path);

impl NoServices {
    /// `None` when this machine has a policy already, which then decides.
    fn policy() -> Result<Option<Self>, Failure> {
        let path = Path::new("/usr/sbin/policy-rc.d");
        if path.exists() {
            return Ok(None);
        }
        fs::write(path, "#!/bin/sh\nexit 101\n")?;
        let policy = Self(path);
        step(Command::new("chmod").arg("755").arg(path), "no service is started meanwhile")?;
        Ok(Some(policy))
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(self.0) {
            eprintln!("{} is left, and keeps services from starting: {error}", self.0.display());
        }
    }
}

/// Licences, sources and banned crates, by cargo-deny. Its advisories need a network, so they are not asked for here.
fn deny() -> Result<(), Failure> {
    tool("deny", "0.20.2")?;
    let mut deny = Command::new(env!("CARGO"));
    deny.args(["deny", "--all-features", "--log-level", "warn", "check", "bans", "licenses", "sources"]);
    step(&mut deny, "cargo deny check bans licenses sources")
}
