//! Servers: the example apps, receivers in other languages, and servers that answer whatever a test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, SystemTime};

use lifecycle_core::{ExpectedApp, Head, Inbound, Keys, Platform, RejectedRequest, Reply, Verifier};
use tempfile::TempDir;

use crate::program::SECRET;

/// The secret from before the rotation.
pub(crate) const PREVIOUS: &str = "retired-secret-OLD-41aa";

/// The token of the hook's URL.
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The example apps, which keep one contract.
pub(crate) const APPS: [&str; 4] = ["example-actix-web", "example-axum", "example-hyper", "example-warp"];

/// A server that ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// Kept open, since a server may write to it as long as it runs.
    out: BufReader<ChildStdout>,
    /// Where an app keeps its inbox.
    _folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

impl Server {
    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Starts an example app.
pub(crate) fn app(name: &str) -> Server {
    app_with(name, [])
}

/// Starts an example app with these settings, too.
pub(crate) fn app_with(name: &str, settings: impl IntoIterator<Item = (String, String)>) -> Server {
    start(Command::new(program(name)), settings)
}

/// Starts a receiver in another language.
pub(crate) fn script(interpreter: &str, file: &Path) -> Option<Server> {
    if is_missing(interpreter) {
        return None;
    }
    let mut command = Command::new(interpreter);
    command.arg(file);
    Some(start(command, []))
}

/// Whether this machine lacks a program, without which there is nothing to test. In CI that is an error.
pub(crate) fn is_missing(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if version.is_ok_and(|status| status.success()) {
        return false;
    }
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!is_ci, "{program} is missing");
    eprintln!("skipped: {program} is missing");
    true
}

/// A file of `examples/other-languages`.
pub(crate) fn other_language(file: &str) -> PathBuf {
    root().join("examples/other-languages").join(file)
}

/// A server that gives this answer to everything, after this time. It ends with the test's process.
pub(crate) fn answering(answer: &'static str, after: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // One read has the request, which is small and written at once.
            let _ = stream.read(&mut [0; 16 * 1024]);
            thread::sleep(after);
            let _ = stream.write_all(answer.as_bytes()); // the client may have given up
        }
    });
    format!("http://{address}/seismic")
}

/// A receiver of one platform, as small as the library allows. It ends with the test's process.
pub(crate) fn receiver(platform: &'static Platform, keys: Keys, app: ExpectedApp) -> String {
    let verifier = Verifier::new(platform, keys, app).unwrap();
    serving(move |head, body| {
        let reply = verified(&verifier, head, body).unwrap_or_else(|rejected| rejected.reply());
        let lines = reply.headers().map(|(name, value)| format!("{name}: {value}\r\n"));
        let length = reply.body().len();
        let head: String =
            [format!("HTTP/1.1 {} any\r\n", reply.status())].into_iter().chain(lines).collect();
        [format!("{head}content-length: {length}\r\n\r\n").as_bytes(), reply.body()].concat()
    })
}

/// A server that publishes a set of keys, at any path.
pub(crate) fn publishing(key_set: &str) -> String {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", key_set.len());
    let answer = head + key_set;
    serving(move |_, _| answer.clone().into_bytes())
}

/// A server that accepts everything, and the heads and bodies that it got.
pub(crate) fn recording() -> (String, Receiver<(String, Vec<u8>)>) {
    let (sender, requests) = channel();
    let url = serving(move |head, body| {
        sender.send((head.to_owned(), body.to_vec())).unwrap();
        b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_vec()
    });
    (url, requests)
}

fn verified(verifier: &Verifier, head: &str, body: &[u8]) -> Result<Reply, RejectedRequest> {
    let mut lines = head.lines();
    let mut line = lines.next().unwrap().split(' ');
    let (method, target) = (line.next().unwrap(), line.next().unwrap());
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name, value.as_bytes()));
    let mut verification = verifier.begin(Head::new(method, target, headers))?;
    verification.push(body.to_vec().into())?;
    Ok(match verification.finish(SystemTime::now())? {
        Inbound::Delivery(_) => verifier.platform().ack().reply(),
        Inbound::Handshake(reply) => reply,
    })
}

/// Answers each request's head and body. It ends with the test's process.
fn serving(answer: impl Fn(&str, &[u8]) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(stream.read_line(&mut head).unwrap() > 0, "no end of {head:?}");
            }
            let body = body(&mut stream, &head);
            stream.get_mut().write_all(&answer(&head, &body)).unwrap();
        }
    });
    format!("http://{address}")
}

fn body(stream: &mut impl BufRead, head: &str) -> Vec<u8> {
    let mut body = Vec::new();
    if let Some(length) = head.lines().find_map(|line| value(line, "content-length")) {
        body.resize(length.parse().unwrap(), 0);
        stream.read_exact(&mut body).unwrap();
        return body;
    }
    if !head.lines().any(|line| value(line, "transfer-encoding").is_some()) {
        return body;
    }
    loop {
        let mut size = String::new();
        stream.read_line(&mut size).unwrap();
        let mut chunk = vec![0; usize::from_str_radix(size.trim(), 16).unwrap() + 2];
        stream.read_exact(&mut chunk).unwrap();
        if chunk == b"\r\n" {
            return body;
        }
        body.extend(&chunk[..chunk.len() - 2]);
    }
}

/// The value of a header with this name in lower case.
fn value<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let (own, value) = line.split_once(": ")?;
    own.eq_ignore_ascii_case(name).then_some(value)
}

fn start(mut command: Command, settings: impl IntoIterator<Item = (String, String)>) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command
        .current_dir(&folder)
        .env("PORT", "0")
        .env("SEISMIC_SIGNING_SECRET", SECRET)
        .env("SEISMIC_PREVIOUS_SIGNING_SECRET", PREVIOUS)
        .env("SECURITYSCORECARD_HOOK_TOKEN", TOKEN)
        .env("RUST_LOG", "off")
        .env_remove("DATABASE_URL")
        .envs(settings)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut server = Server { child, address: String::new(), out, _folder: folder };
    while server.address.is_empty() {
        let mut line = String::new();
        assert!(server.out.read_line(&mut line).unwrap() > 0, "the server ended before it listened");
        if let Some((_, address)) = line.trim().split_once("listening on http://") {
            address.clone_into(&mut server.address);
        }
    }
    server
}

/// The built program of an example app.
pub(crate) fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        if let Some(folder) = built_before() {
            return folder;
        }
        let packages = APPS.iter().flat_map(|app| ["--package", app]);
        let status = cargo().arg("build").args(packages).current_dir(root()).status().unwrap();
        assert!(status.success(), "the example apps do not build");
        // This program stands where they do.
        Path::new(env!("CARGO_BIN_EXE_lifecycle")).parent().unwrap().to_owned()
    });
    built.join(name)
}

/// Where `cargo xtask test` has built what is tested here.
pub(crate) fn built_before() -> Option<PathBuf> {
    Some(std::env::var_os("LIFECYCLE_BUILT_EXAMPLES")?.into())
}

/// Cargo as a shell calls it. By what it hears of this test's package it would build ring again, and all that needs it.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    let of_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars().filter(|(name, _)| of_package(name)) {
        cargo.env_remove(name);
    }
    cargo
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
