//! Documents: the commands that they show run as they are written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use tempfile::TempDir;

use crate::inbox;
use crate::servers::{built_before, cargo, is_missing, program};

/// How a command is tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Trial {
    /// By a shell, to its end: it has to exit with 0 or, where the document shows what it prints, to print that.
    Run,
    /// By starting its program: it has to say where it listens.
    Serve,
    /// By setting the variable for the commands that follow.
    Set,
    /// By looking whether there is such a task, as it takes minutes.
    Task,
    /// By looking whether those of our crates that it names are published, and have these features.
    Add,
    /// Not at all, for this reason.
    Not(&'static str),
}

/// How the commands are tried, by how they begin. A document with another one fails.
const TRIALS: &[(&str, Trial)] = &[
    ("cargo install ", Trial::Not("it builds everything for release; this test has the program")),
    ("cargo add ", Trial::Add),
    ("cargo run -p example-axum", Trial::Serve),
    ("cargo run --release -p test-timing", Trial::Not("it measures for minutes")),
    ("cargo test --all-features", Trial::Not("it is what runs this test")),
    ("cargo test -p lifecycle-simulator", Trial::Not("it takes pictures, in a browser")),
    ("cargo xtask ", Trial::Task),
    ("curl -s http://127.0.0.1:4000/", Trial::Not("it needs a simulator with an app and a tenant, and jq")),
    ("curl ", Trial::Run),
    ("echo ", Trial::Run),
    ("export ", Trial::Set),
    ("lifecycle simulate", Trial::Serve),
    ("lifecycle ", Trial::Run),
    ("printf ", Trial::Run),
    (
        "STRIPE_SIGNING_SECRET=",
        Trial::Not("it needs Stripe's library: `cargo xtask peers --conformance` starts it"),
    ),
];

/// The documents that show commands, with variables that the example gets besides.
const DOCUMENTS: &[(&str, &[(&str, &str)])] = &[
    ("README.md", &[("SEISMIC_SIGNING_SECRET", "demo")]), // as its quick start sets it
    ("CONTRIBUTING.md", &[]),
    ("crates/lifecycle-cli/README.md", &[]),
    ("crates/lifecycle-simulator/README.md", &[]),
    ("docs/guide/another-framework.md", &[]),
    ("docs/guide/behind-a-proxy.md", &[]),
    ("docs/guide/operating.md", &[]),
    ("docs/guide/rotating-secrets.md", &[("SEISMIC_PREVIOUS_SIGNING_SECRET", "the-one-before")]), // as it sets it
    ("docs/guide/testing.md", &[]),
    ("docs/peers.md", &[]),
    ("docs/performance.md", &[]),
    ("examples/peers/README.md", &[]),
];

fn trial(command: &str) -> Option<Trial> {
    TRIALS.iter().find(|(start, _)| format!("{command} ").starts_with(start)).map(|(_, trial)| *trial)
}

/// A command in a document, and what it prints where the document shows that.
#[derive(Debug)]
struct Shown {
    command: String,
    prints: Option<String>,
}

/// Each line of a block of `sh`, and each line that begins with `$ ` in one of `text`.
fn commands(document: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let mut block = None;
    let mut first = 0; // of the block
    for line in document.lines() {
        if let Some(language) = line.strip_prefix("```") {
            block = if block.is_some() { None } else { Some(language) };
            first = found.len();
            continue;
        }
        match (block, line.strip_prefix("$ ")) {
            (Some("sh"), _) if !line.trim().is_empty() => {
                found.push(Shown { command: line.to_owned(), prints: None });
            }
            (Some("text"), Some(command)) => {
                found.push(Shown { command: command.to_owned(), prints: Some(String::new()) });
            }
            (Some("text"), None) => {
                if let Some(Shown { prints: Some(prints), .. }) = found[first..].last_mut() {
                    prints.push_str(line);
                    prints.push('\n');
                }
            }
            _ => {}
        }
    }
    found
}

/// A folder to run a document's commands in, and the example that they are sent to.
struct Stage {
    folder: TempDir,
    variables: BTreeMap<String, String>,
    example: Example,
}

/// The example app, started as README says.
struct Example {
    child: Child,
    address: String,
    /// The command that it prints, which sends a first callback, where it has made up its secret.
    first: Option<String>,
    secret: String,
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

impl Example {
    fn start(folder: &Path, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(program("example-axum"))
            .current_dir(root())
            .env("PORT", "0")
            .env("DATABASE_URL", format!("sqlite:{}", folder.join("lifecycle-axum.db").display()))
            .env("RUST_LOG", "off")
            .env_remove("SEISMIC_SIGNING_SECRET")
            .env_remove("SEISMIC_PREVIOUS_SIGNING_SECRET")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut printed = Vec::new();
        let address = loop {
            let line = lines.next().expect("the example ended before it listened").unwrap();
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.to_owned();
            }
            printed.push(line.trim().to_owned());
        };
        let starting = |start: &str| printed.iter().find_map(|line| line.strip_prefix(start));
        let given = variables.iter().find(|(name, _)| *name == "SEISMIC_SIGNING_SECRET");
        let secret = given.map(|(_, secret)| *secret).or_else(|| starting("export SEISMIC_SIGNING_SECRET="));
        let secret = secret.expect("it prints its secret as a line to paste").to_owned();
        let first = printed.iter().find(|line| line.starts_with("curl ")).cloned();
        Self { child, address, first, secret }
    }
}

impl Stage {
    /// With an example that has these variables besides.
    fn new(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let example = Example::start(folder.path(), variables);
        inbox::with_a_dead_letter(&folder.path().join("inbox.db"));
        let variables = BTreeMap::from([("SEISMIC_SIGNING_SECRET".to_owned(), example.secret.clone())]);
        Self { folder, variables, example }
    }

    /// Runs a command as it is written, but for the port, and gives what it printed.
    fn run(&self, command: &str) -> (bool, String) {
        let programs = Path::new(env!("CARGO_BIN_EXE_lifecycle")).parent().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
        let output = Command::new("sh")
            .args(["-c", &command.replace("127.0.0.1:3000", &self.example.address)])
            .current_dir(&self.folder)
            .env("PATH", path)
            .env_remove("DATABASE_URL")
            .envs(&self.variables)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    fn run_shown(&self, shown: &Shown) {
        if shown.command.starts_with("curl ") && is_missing("curl") {
            return;
        }
        let (succeeded, printed) = self.run(&shown.command);
        if let Some(prints) = &shown.prints {
            assert_eq!(alike(&printed), alike(prints), "{}", shown.command);
            return;
        }
        assert!(succeeded, "{}: {printed}", shown.command);
        let is_rejected = printed.starts_with("HTTP/") && !printed.starts_with("HTTP/1.1 2");
        assert!(!is_rejected, "{}: {printed}", shown.command);
    }

    /// Starts a server of this program on a free port.
    fn serve(&self, command: &str) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lifecycle"))
            .args(command.split('#').next().unwrap().split_whitespace().skip(1))
            .args(["--port", "0"])
            .current_dir(&self.folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().starts_with("listening on http://")), "{command}");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn set(&mut self, command: &str) {
        let (name, value) = command.trim_start_matches("export ").split_once('=').unwrap();
        self.variables.insert(name.to_owned(), value.to_owned());
    }
}

/// Text in which a number, a time, an id or the width of a column makes no difference.
fn alike(text: &str) -> Vec<String> {
    let is_id =
        |word: &str| word.len() == 36 && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let word = |word: &str| match word.trim_matches(|letter: char| letter.is_ascii_digit()) {
        "" | "ms" | "s" | "min" | "h" | "d" => String::new(),
        _ if is_id(word) => String::new(),
        _ => word.chars().filter(|letter| !letter.is_ascii_digit()).collect(),
    };
    text.lines().map(|line| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ")).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Whether each of our crates that a `cargo add` names is a package here that can be published, with the features that it is added
/// with. The registry is not asked: what it has of us is the last release.
fn assert_can_be_added(command: &str) {
    let words: Vec<&str> = command.split_whitespace().skip(2).collect();
    let (crates, features) = match words.iter().position(|word| *word == "--features") {
        Some(at) => (&words[..at], words[at + 1].split(',').collect()),
        None => (&words[..], Vec::new()),
    };
    for name in crates.iter().filter(|name| name.starts_with("lifecycle-")) {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        let manifest =
            fs::read_to_string(&manifest).unwrap_or_else(|_| panic!("`{command}`: there is no {name}"));
        assert!(!manifest.contains("publish = false"), "`{command}`: {name} is not published");
        let offered = manifest.split("\n[features]").nth(1).unwrap_or_default();
        for feature in &features {
            assert!(
                offered.contains(&format!("\n{feature} = ")),
                "`{command}`: {name} has no feature {feature}"
            );
        }
    }
}

/// The tasks that `cargo xtask` lists.
fn tasks() -> String {
    let output = match built_before() {
        Some(folder) => Command::new(folder.join("xtask")).output(),
        None => cargo().arg("xtask").current_dir(root()).output(),
    };
    String::from_utf8(output.unwrap().stderr).unwrap()
}

/// Tries the commands of a document. The example runs where one is sent to it.
fn try_all(document: &str, shown: &[Shown], variables: &[(&str, &str)]) {
    let trials = shown.iter().map(|one| {
        let trial = trial(&one.command);
        let command = &one.command;
        trial
            .unwrap_or_else(|| panic!("{document}: say in TRIALS how `{command}` is tried, or why it is not"))
    });
    let trials: Vec<Trial> = trials.collect();
    let needs_example = trials.iter().any(|trial| matches!(trial, Trial::Run | Trial::Serve));
    let mut stage = needs_example.then(|| Stage::new(variables));
    for (one, trial) in shown.iter().zip(trials) {
        let command = one.command.as_str();
        match (trial, &mut stage) {
            (Trial::Run, Some(stage)) => stage.run_shown(one),
            (Trial::Serve, Some(stage)) if command.starts_with("lifecycle ") => stage.serve(command),
            (Trial::Set, Some(stage)) => stage.set(command),
            (Trial::Add, _) => assert_can_be_added(command),
            (Trial::Task, _) => {
                let name = command.split_whitespace().nth(2).unwrap();
                let tasks = tasks();
                let is_listed = tasks.lines().any(|line| line.split_whitespace().next() == Some(name));
                assert!(is_listed, "{document}: there is no task of `{command}`:\n{tasks}");
            }
            _ => {} // the example runs since the beginning
        }
    }
}

fn read(document: &str) -> Vec<Shown> {
    commands(&fs::read_to_string(root().join(document)).unwrap())
}

#[test]
fn every_command_of_a_document_runs_as_written() {
    thread::scope(|scope| {
        for (document, variables) in DOCUMENTS {
            let shown = read(document);
            assert!(!shown.is_empty(), "{document} shows no command any more");
            let name = thread::Builder::new().name((*document).to_owned());
            name.spawn_scoped(scope, move || try_all(document, &shown, variables)).unwrap();
        }
    });
}

#[test]
fn no_document_with_commands_is_left_out() {
    let mut documents = Vec::new();
    for folder in [".", "crates", "docs", "examples", "fixtures", "fuzz", "xtask"] {
        collect(&root().join(folder), folder != ".", &mut documents);
    }
    for path in documents {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace("./", "");
        let is_tried = DOCUMENTS.iter().any(|(document, _)| *document == name);
        assert!(
            is_tried || commands(&fs::read_to_string(&path).unwrap()).is_empty(),
            "{name} is not in DOCUMENTS"
        );
    }
}

/// The documents of a folder, and of those in it; not of what is built or fetched, nor of a folder that is a link to another.
fn collect(folder: &Path, with_inner: bool, documents: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            if with_inner && entry.file_name() != "target" && entry.file_name() != "node_modules" {
                collect(&path, true, documents);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(path);
        }
    }
}

#[test]
fn the_example_prints_a_first_callback_that_is_taken() {
    if is_missing("curl") {
        return;
    }
    let stage = Stage::new(&[]);
    let (_, answer) = stage.run(stage.example.first.as_deref().expect("it prints a first callback"));
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
}

#[test]
fn a_command_that_nobody_thought_of_is_found() {
    let shown =
        commands("```sh\ndocker run it\n```\n```text\n$ lifecycle sign\nout\n```\n```rust\nlet a;\n```\n");
    assert_eq!(
        shown.iter().map(|one| one.command.as_str()).collect::<Vec<_>>(),
        ["docker run it", "lifecycle sign"]
    );
    assert_eq!(shown[1].prints.as_deref(), Some("out\n"));
    assert_eq!(trial("docker run it"), None);
    assert_eq!(trial("cargo add lifecycle-core"), Some(Trial::Add));
    assert_eq!(trial("lifecycle simulate"), Some(Trial::Serve));
}
