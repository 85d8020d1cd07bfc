//! `cargo xtask quickstart`: the README's quick starts, done as a reader does them, until the app has handled a first callback.

use std::fs;
use std::io::{BufRead, BufReader};
use std::mem;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::Failure;
use crate::cargo::cargo;
use crate::step::run as step;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The port that the README's programs and commands use. Another one takes its place here, as it may be taken.
const PORT: &str = "3000";

/// How the README says to start the program.
const START: &str = "`SEISMIC_SIGNING_SECRET=demo cargo run`";

/// How long the work may take that follows the answer.
const HANDLED: Duration = Duration::from_secs(30);

/// One of the README's: the commands that add crates, and the program below them.
#[derive(Debug)]
struct QuickStart {
    adds: Vec<String>,
    program: String,
}

/// The program of one, while it runs. It is killed when this is dropped.
struct Running {
    child: Child,
    printed: Receiver<String>,
}

/// Each is an app outside of the workspace, with the newest versions of what it depends on, as a reader gets them; ours are those of
/// this workspace.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md"))?;
    if !readme.contains(START) {
        return Err(format!("README.md does not say to start it with {START}").into());
    }
    let callback = callback(&readme).ok_or("README.md shows no curl")?;
    let folder = tempfile::tempdir()?;
    for start in quick_starts(&readme) {
        start.attempt(folder.path(), callback)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn callback(readme: &str) -> Option<&str> {
    readme.lines().find(|line| line.starts_with("curl "))
}

fn quick_starts(readme: &str) -> Vec<QuickStart> {
    let mut starts = Vec::new();
    let mut adds = Vec::new();
    for block in readme.split("\n```").skip(1).step_by(2) {
        let (language, code) = block.split_once('\n').unwrap_or_default();
        if language == "sh" && code.starts_with("cargo add ") {
            adds = code.lines().map(str::to_owned).collect();
        } else if language.starts_with("rust") && code.contains("fn main()") && !adds.is_empty() {
            starts.push(QuickStart { adds: mem::take(&mut adds), program: code.to_owned() });
        }
    }
    starts
}

impl QuickStart {
    fn attempt(&self, folder: &Path, callback: &str) -> Result<(), Failure> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        let name = self.name();
        let app = folder.join(&name);
        let mut init = cargo();
        init.args(["init", "--vcs", "none", "--name", &name]).arg(&app);
        succeed(&mut init)?;
        for mut add in self.adds.iter().flat_map(|command| adds(command)) {
            succeed(add.current_dir(&app))?;
        }
        fs::write(app.join("src/main.rs"), self.program.replace(PORT, &port))?;
        let target = Path::new(ROOT).canonicalize()?.join("target/quickstart"); // what they have in common is built once
        let mut build = cargo();
        build.args(["build", "--quiet", "--target-dir"]).arg(&target);
        step(build.current_dir(&app), &format!("cargo build, of {name}"))?;

        let running = Running::start(&target.join("debug").join(&name), &app)?;
        let callback = callback.replace(PORT, &port);
        expect(&callback, "HTTP/1.1 202 ", "")?;
        let printed = running.printed.recv_timeout(HANDLED).map_err(|_| "the app handled nothing")?;
        if printed != "making an account for acme" {
            return Err(format!("the app said: {printed}").into());
        }
        expect(&callback.replace("acme", "acmf"), "HTTP/1.1 401 ", "\"signature-mismatch\"")?;
        if !app.join("lifecycle.db").is_file() {
            return Err("the app has written nothing down".into());
        }
        println!("== {name}: {printed}");
        Ok(())
    }

    /// That of the app, after the last of our crates: the adapter.
    fn name(&self) -> String {
        let words = self.adds.iter().flat_map(|command| command.split_whitespace());
        let adapter = words.filter_map(|word| word.strip_prefix("lifecycle-")).next_back();
        format!("app-on-{}", adapter.unwrap_or_default())
    }
}

/// The commands that do what one of the README's does. Each of our crates is added by its path.
fn adds(command: &str) -> Vec<Command> {
    let command = command.split('#').next().unwrap_or_default();
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    let (ours, others): (Vec<&str>, Vec<&str>) =
        words.into_iter().partition(|word| word.starts_with("lifecycle-"));
    if ours.is_empty() {
        let mut add = cargo();
        add.args(others);
        return vec![add];
    }
    let by_path = |name: &str| {
        let mut add = cargo();
        add.args(&others).arg("--path").arg(PathBuf::from(ROOT).join("crates").join(name));
        add
    };
    ours.into_iter().map(by_path).collect()
}

impl Running {
    fn start(program: &Path, folder: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command.current_dir(folder).env("SEISMIC_SIGNING_SECRET", "demo");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("a pipe was asked for")?;
        let (sender, printed) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line); // nobody may listen any more
            }
        });
        Ok(Self { child, printed })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

/// Runs it; what it prints is shown only where it fails.
fn succeed(command: &mut Command) -> Result<(), Failure> {
    let ran = command.output()?;
    if !ran.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&ran.stderr)).into());
    }
    Ok(())
}

/// Sends it, as soon as the app listens; the answer has to begin and to go on like this.
fn expect(callback: &str, begins: &str, has: &str) -> Result<(), Failure> {
    let command = format!("{callback} --silent --show-error --retry 10 --retry-connrefused");
    let sent = Command::new("sh").args(["-c", &command]).output()?;
    let answer = String::from_utf8_lossy(&sent.stdout);
    if !answer.starts_with(begins) || !answer.contains(has) {
        return Err(format!("{callback}\n{answer}{}", String::from_utf8_lossy(&sent.stderr)).into());
    }
    Ok(())
}

#[test]
fn the_readme_has_a_quick_start_for_each_adapter() {
    let readme = include_str!("../../README.md");
    let starts = quick_starts(readme);
    let names: Vec<String> = starts.iter().map(QuickStart::name).collect();
    assert_eq!(names, ["app-on-tower", "app-on-actix", "app-on-warp"]);
    assert!(starts.iter().all(|start| start.program.contains(PORT)));
    assert!(callback(readme).is_some_and(|callback| callback.contains(PORT)));
    assert!(readme.contains(START));
}
