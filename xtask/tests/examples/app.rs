//! App: one running example app, with a database of its own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use lifecycle_conformance::Program;
use lifecycle_core::{Secret, seismic};
use tempfile::TempDir;

/// Far longer than anything here takes, and far shorter than for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const SECRET: &str = "the-signing-secret-of-this-test";

/// The apps, built once.
pub(crate) fn programs() -> &'static [Program] {
    static PROGRAMS: OnceLock<Vec<Program>> = OnceLock::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace");
    PROGRAMS.get_or_init(|| crate::examples::build(root).expect("the examples build"))
}

/// Runs a test for each app, all at the same time. A failure names the app by its thread.
pub(crate) fn for_each_app(test: impl Fn(&Program) + Sync) {
    thread::scope(|scope| {
        for program in programs() {
            thread::Builder::new().name(program.name.clone()).spawn_scoped(scope, || test(program)).unwrap();
        }
    });
}

/// It is killed when this is dropped.
pub(crate) struct App {
    pub(crate) address: String,
    child: Child,
    folder: TempDir,
}

impl App {
    pub(crate) fn start(program: &Program) -> Self {
        Self::start_with(program, &[])
    }

    /// With these environment variables.
    pub(crate) fn start_with(program: &Program, variables: &[(&str, &str)]) -> Self {
        Self::start_by(Command::new(&program.executable), variables)
    }

    /// The same, of an app that may end by itself: its log, then.
    pub(crate) fn try_start_with(program: &Program, variables: &[(&str, &str)]) -> Result<Self, String> {
        Self::try_start_by(Command::new(&program.executable), variables)
    }

    /// With the log that is on where nobody chooses one.
    pub(crate) fn start_with_the_default_log(program: &Program) -> Self {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg("unset RUST_LOG && exec \"$0\"").arg(&program.executable);
        Self::start_by(shell, &[])
    }

    /// With so many open files at most.
    pub(crate) fn start_with_files(program: &Program, files: usize) -> Self {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("ulimit -n {files} && exec \"$0\"")).arg(&program.executable);
        Self::start_by(shell, &[])
    }

    fn start_by(command: Command, variables: &[(&str, &str)]) -> Self {
        Self::try_start_by(command, variables).unwrap_or_else(|log| panic!("it does not listen: {log}"))
    }

    fn try_start_by(mut command: Command, variables: &[(&str, &str)]) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let child = command
            .current_dir(&folder)
            .env("PORT", "0")
            .env("RUST_LOG", "info")
            .env("SEISMIC_SIGNING_SECRET", SECRET)
            .env_remove("DATABASE_URL")
            .env_remove("SEISMIC_APP_ID")
            .env_remove("SEISMIC_MAX_AGE_SECONDS")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut app = Self { address: String::new(), child, folder };
        let lines = BufReader::new(app.child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address =
            lines.into_iter().find_map(|line| line.strip_prefix("listening on http://").map(str::to_owned));
        app.address = address.ok_or_else(|| app.log())?;
        Ok(app)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends a request, and gives all that comes back until the connection is closed.
    pub(crate) fn send(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        read_all(stream).unwrap_or_else(|| panic!("no end of the answer to {request:?}"))
    }

    /// Sends a genuine callback, and gives the answer's first line.
    pub(crate) fn callback(&self, id: &str) -> String {
        self.callback_of("t", id)
    }

    /// The same, of this tenant.
    pub(crate) fn callback_of(&self, tenant: &str, id: &str) -> String {
        let body = format!(r#"{{"type":"install","appId":"a","tenantId":"{tenant}","requestId":"{id}"}}"#);
        let signature = seismic::SCHEME.sign(&Secret::new(SECRET).unwrap(), &[], body.as_bytes());
        let answer = self.send(&format!(
            "POST /seismic HTTP/1.1\r\nhost: h\r\nconnection: close\r\nx-seismic-signature: {signature}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        ));
        answer.lines().next().unwrap_or_default().to_owned()
    }

    /// The status of a page.
    pub(crate) fn status(&self, path: &str) -> String {
        let answer = self.send(&format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"));
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    /// How many files it has open, where the system tells.
    pub(crate) fn open_files(&self) -> Option<usize> {
        Some(fs::read_dir(format!("/proc/{}/fd", self.child.id())).ok()?.count())
    }

    /// Sends a signal, such as `TERM`, and waits until it has ended.
    pub(crate) fn stop(&mut self, signal: &str) -> Option<ExitStatus> {
        let sent = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

/// What comes until the connection is closed, by a reset or not; nothing if it is not.
pub(crate) fn read_all(mut stream: TcpStream) -> Option<String> {
    let mut received = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => received.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return None,
            Err(_) => break,
        }
    }
    Some(String::from_utf8_lossy(&received).into_owned())
}
