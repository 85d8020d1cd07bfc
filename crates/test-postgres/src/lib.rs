//! A PostgreSQL server for tests: the one that `LIFECYCLE_TEST_POSTGRES` names, or a private one of Debian's programs.

mod crowd;
mod pooler;
mod proxy;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;
use std::{env, fs};

pub use crowd::Crowd;
pub use pooler::Pooler;
pub use proxy::{Fault, Proxy};

/// The variable that names a server to use instead of a private one: a URL of a user that may create schemas.
pub const VARIABLE: &str = "LIFECYCLE_TEST_POSTGRES";

const USER: &str = "lifecycle";
const PASSWORD: &str = "not a secret";
const SUPERVISOR: &str = include_str!("supervisor.sh");

/// The URL of the server that all tests of this process share: the one that [`VARIABLE`] names, else a private one,
/// which starts at the first call and stops when this process ends.
///
/// # Panics
/// When there is neither.
pub fn url() -> &'static str {
    static SHARED: OnceLock<(String, Option<Server>)> = OnceLock::new();
    let (url, _server) = SHARED.get_or_init(|| {
        if let Ok(url) = env::var(VARIABLE) {
            return (url, None);
        }
        let server = Server::start();
        (server.url(), Some(server))
    });
    url
}

/// Whether a private server can be started here. In CI it has to be.
#[must_use]
pub fn is_installed() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true") || newest().is_some()
}

/// A private server on loopback, with an empty cluster and a superuser. It stops, and its files go, when this value is
/// dropped or the process ends in whatever way.
#[derive(Debug)]
pub struct Server {
    supervisor: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    port: u16,
}

impl Server {
    /// Starts one.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not start.
    pub fn start() -> Self {
        Self::start_by(&mut as_ordinary_user(), [""; 0])
    }

    /// Starts one that has so many connections at most.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not start.
    #[must_use]
    pub fn start_small(connections: usize) -> Self {
        Self::start_by(as_ordinary_user().env("CONNECTIONS", connections.to_string()), [""; 0])
    }

    /// Starts a hot standby of this server, which has its users and passwords.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_standby(&self) -> Self {
        Self::start_by(as_ordinary_user().env("PRIMARY_PORT", self.port.to_string()), [""; 0])
    }

    /// Promotes a standby, which takes writes from then on.
    ///
    /// # Panics
    /// When it is not a standby.
    pub fn promote(&mut self) {
        self.command("promote");
        self.wait_for("promoted");
    }

    /// Starts one that also speaks TLS, with this certificate and its key as PEM.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not start.
    pub fn start_tls(certificate: &str, key: &str) -> Self {
        Self::start_by(&mut as_ordinary_user(), [certificate, key])
    }

    fn start_by<const N: usize>(supervisor: &mut Command, tls: [&str; N]) -> Self {
        let programs = programs();
        let port = free_port();
        let mut supervisor = supervisor
            .args(["sh", "-c", SUPERVISOR, "supervisor"])
            .arg(programs)
            .args([&port.to_string(), USER, PASSWORD])
            .args(tls)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`setpriv` (of util-linux) and `sh` are there");
        let commands = supervisor.stdin.take();
        let answers = BufReader::new(supervisor.stdout.take().expect("stdout is piped"));
        let mut server = Self { supervisor, commands, answers, port };
        server.wait_for("started");
        server
    }

    /// Where it listens, with the superuser's name and password.
    pub fn url(&self) -> String {
        self.url_of(USER, PASSWORD, "postgres")
    }

    /// Where it listens, for another user or database.
    pub fn url_of(&self, user: &str, password: &str, database: &str) -> String {
        let password = password.replace(' ', "%20");
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// The URL of this server and another one of the same users, as apps name a primary and its standby.
    pub fn url_with(&self, other: &Self) -> String {
        self.url().replace("/postgres", &format!(",127.0.0.1:{}/postgres", other.port))
    }

    /// Runs SQL as the superuser, and gives what `psql` prints of it: fields between `|`, a row a line. Where there is no
    /// connection left, it waits for one.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn execute(&self, statements: &[&str]) -> String {
        self.execute_in("postgres", statements)
    }

    /// The same in another database.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn execute_in(&self, database: &str, statements: &[&str]) -> String {
        let mut psql = Command::new(programs().join("psql"));
        psql.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            &self.url_of(USER, PASSWORD, database),
        ]);
        psql.args(statements.iter().flat_map(|statement| ["-c", *statement]));
        for _ in 0..200 {
            let ran = psql.output().expect("psql is beside the server");
            let why = String::from_utf8_lossy(&ran.stderr);
            if ran.status.success() {
                return String::from_utf8_lossy(&ran.stdout).trim_end().to_owned();
            }
            assert!(why.contains("too many clients"), "{why}");
            sleep(Duration::from_millis(50));
        }
        panic!("the server stays full");
    }

    /// Stops it at once, as a crash does: its connections are closed, and the next start recovers from its log.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(&mut self) {
        self.command("stop");
        self.wait_for("stopped");
    }

    /// Starts it again after [`stop`](Self::stop), at the same place and with its data.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        self.command("start");
        self.wait_for("started");
    }

    /// Stops all its processes where they are: connections stay open, and nothing answers.
    ///
    /// # Panics
    /// When it is not running.
    pub fn freeze(&mut self) {
        self.command("freeze");
        self.wait_for("frozen");
    }

    /// Lets it go on after [`freeze`](Self::freeze).
    ///
    /// # Panics
    /// When it is not running.
    pub fn thaw(&mut self) {
        self.command("thaw");
        self.wait_for("thawed");
    }

    fn command(&mut self, word: &str) {
        let commands = self.commands.as_mut().expect("it is open until the drop");
        writeln!(commands, "{word}").expect("the supervisor runs");
    }

    fn wait_for(&mut self, word: &str) {
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the supervisor answers in text");
        assert_eq!(answer.trim_end(), word, "PostgreSQL's log stands above");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.supervisor.wait();
    }
}

/// The folder of the newest installed version's programs.
fn newest() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("initdb").is_file())
        .max_by_key(|bin| major(bin))
}

fn programs() -> PathBuf {
    newest().unwrap_or_else(|| {
        panic!("no PostgreSQL: run `apt-get install postgresql`, or set {VARIABLE} to the URL of a server")
    })
}

fn major(bin: &Path) -> u32 {
    let version = bin.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    version.and_then(|version| version.parse().ok()).unwrap_or(0)
}

/// PostgreSQL refuses to run as root, so there it runs as the user that Debian's package made for it.
fn as_ordinary_user() -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        return Command::new("env");
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).env_remove("TMPDIR");
    command
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    listener.local_addr().expect("it is bound").port()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    #[test]
    fn a_crowd_leaves_no_connection_until_it_goes() {
        let server = Server::start_small(6);
        let sessions =
            || server.execute(&["SELECT count(*) FROM pg_stat_activity WHERE datname = 'postgres'"]);
        assert_eq!(sessions(), "1");
        let mut crowd = Crowd::fill(&server);
        crowd.leave(1);
        // The server takes a moment to notice who has gone.
        let until = Instant::now() + Duration::from_secs(30);
        while crowd.count() < 6 && Instant::now() < until {
            crowd.fill_again();
        }
        assert_eq!(crowd.count(), 6);
        crowd.leave(1);
        assert_eq!(sessions(), "1", "who has not logged in yet is in no database");
        drop(crowd);
        assert_eq!(sessions(), "1");
    }

    #[test]
    fn a_server_stops_starts_again_and_leaves_nothing() {
        let mut server = Server::start();
        let place = ("127.0.0.1", server.port);
        assert!(TcpStream::connect(place).is_ok());
        server.stop();
        assert!(TcpStream::connect(place).is_err());
        server.start_again();
        assert!(TcpStream::connect(place).is_ok());
        drop(server);
        assert!(TcpStream::connect(place).is_err());
    }
}
