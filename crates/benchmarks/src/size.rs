//! Size: what a library brings into a build, against the packages that the same by hand could not do without.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::report::{Bound, Cell, Goal, Report, Table};
use crate::{Effort, Failure};

/// One thing that an app may depend on: ours, and what it would need by hand. Lines of a manifest; versions come from
/// the workspace's lock file, and `OURS` stands for the folder of our crates.
struct Library {
    name: &'static str,
    ours: &'static [&'static str],
    by_hand: &'static [&'static str],
}

/// Signatures, JSON, an error type, an async trait and a log.
const CORE: &[&str] = &[
    r#"async-trait = "0.1""#,
    r#"bytes = "1""#,
    r#"const-hex = { version = "1", default-features = false }"#,
    r#"hmac = "0.13""#,
    r#"serde = { version = "1", features = ["derive"] }"#,
    r#"serde_json = "1""#,
    r#"sha2 = { version = "0.11", default-features = false }"#,
    r#"thiserror = "2""#,
    r#"tracing = { version = "0.1", default-features = false, features = ["std"] }"#,
    r#"zeroize = "1""#,
];

const LIBRARIES: &[Library] = &[
    Library { name: "core", ours: &[r#"lifecycle-core = { path = "OURS/lifecycle-core" }"#], by_hand: &[] },
    Library {
        name: "tower, for axum",
        ours: &[
            r#"axum = { version = "0.8", default-features = false }"#,
            r#"lifecycle-tower = { path = "OURS/lifecycle-tower", default-features = false, features = ["axum"] }"#,
        ],
        by_hand: &[
            r#"axum = { version = "0.8", default-features = false }"#,
            r#"tokio = { version = "1", default-features = false, features = ["time"] }"#,
        ],
    },
    Library {
        name: "warp",
        ours: &[
            r#"lifecycle-warp = { path = "OURS/lifecycle-warp" }"#,
            r#"warp = { version = "0.4", default-features = false }"#,
        ],
        by_hand: &[
            r#"tokio = { version = "1", default-features = false, features = ["time"] }"#,
            r#"warp = { version = "0.4", default-features = false }"#,
        ],
    },
    Library {
        name: "actix-web",
        ours: &[
            r#"actix-web = { version = "4", default-features = false }"#,
            r#"lifecycle-actix = { path = "OURS/lifecycle-actix" }"#,
        ],
        by_hand: &[r#"actix-web = { version = "4", default-features = false }"#],
    },
];

/// What of ours is not in what is needed by hand.
const BEYOND: &str = "core also has jiff, for times, base64, for platforms that write signatures so, and bytestring, for \
                      fields that share the body; ours are built too, and what they need is empty by hand. Tried, and \
                      kept: a feature for SecurityScorecard's manifest and browser flow, six crates less; no \
                      futures-util, four less. Tried: no jiff, two less, and a calendar of our own to keep";

pub(crate) fn measure(effort: Effort) -> Result<Report, Failure> {
    let mut report = Report::new("Size");
    let mut rows = Vec::new();
    for Library { name, ours, by_hand } in LIBRARIES {
        let by_hand = [CORE, by_hand].concat();
        let (ours, by_hand) = (App::new(ours)?, App::new(&by_hand)?);
        let crates = [ours.crates()?, by_hand.crates()?];
        let seconds = match effort {
            Effort::Full => Some([ours.cold_build()?, by_hand.cold_build()?]),
            Effort::Quick => None,
        };
        let [of_ours, of_hand] = seconds.map_or([None, None], |seconds| seconds.map(Some));
        let cell = |seconds: Option<f64>| seconds.map_or(Cell::None, |seconds| Cell::Number(seconds, "s"));
        rows.push(vec![
            Cell::new(*name),
            Cell::Number(crates[0], ""),
            Cell::Number(crates[1], ""),
            cell(of_ours),
            cell(of_hand),
        ]);
        for (what, measured) in [
            ("crates over those needed by hand", Some(crates[0] / crates[1])),
            (
                "cold build over the same by hand, CPU time",
                of_ours.zip(of_hand).map(|(ours, hand)| ours / hand),
            ),
        ] {
            report.goal(Goal {
                id: "G15",
                what: format!("{name}: {what}"),
                bound: Bound::AtMost(1.1),
                measured,
                note: if measured.is_none() { "not with --quick" } else { BEYOND }.to_owned(),
            });
        }
    }
    report.table(Table {
        title: "What a user compiles".to_owned(),
        note: "An app that depends on the library and its framework without default features, against one that depends \
               on what the same by hand could not do without: the framework, MAC, hex, JSON, an error type, an async \
               trait, a log. Cold debug builds, CPU seconds of all processes."
            .to_owned(),
        headings: ["library", "crates", "by hand", "cold build", "by hand"].map(str::to_owned).to_vec(),
        rows,
    });
    if effort == Effort::Full {
        report.table(program_sizes()?);
    }
    Ok(report)
}

/// What the library adds to a program that people ship.
fn program_sizes() -> Result<Table, Failure> {
    let framework = [
        r#"axum = { version = "0.8", default-features = false, features = ["http1", "tokio"] }"#,
        r#"tokio = { version = "1", features = ["net", "rt"] }"#,
    ];
    let ours = [
        r#"lifecycle-core = { path = "OURS/lifecycle-core" }"#,
        r#"lifecycle-tower = { path = "OURS/lifecycle-tower", features = ["axum"] }"#,
    ];
    let bare = App::new(&framework)?.program(BARE)?;
    let with = App::new(&[&framework[..], &ours].concat())?.program(ENDPOINT)?;
    let row = |name: &str, bytes: f64| vec![Cell::new(name), Cell::Number(bytes / 1024.0, "KiB")];
    Ok(Table {
        title: "What a user ships".to_owned(),
        note: "An app on axum that answers every POST, and one with a `LifecycleEndpoint`; release builds, stripped.".to_owned(),
        headings: ["program", "size"].map(str::to_owned).to_vec(),
        rows: vec![row("bare route", bare), row("with the endpoint", with), row("the difference", with - bare)],
    })
}

const BARE: &str = r#"
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let app = axum::Router::new().route("/seismic", axum::routing::post(async || axum::http::StatusCode::ACCEPTED));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
"#;

const ENDPOINT: &str = r#"
use lifecycle_core::{ExpectedApp, LifecycleHandler, Verifier, Secret, seismic};

struct AcceptAll;
impl LifecycleHandler for AcceptAll {}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let secret = Secret::new(std::env::var("SECRET").unwrap()).unwrap();
    let endpoint = lifecycle_tower::LifecycleEndpoint::new(Verifier::new(&seismic::PLATFORM, secret, ExpectedApp::Any).unwrap(), AcceptAll);
    let app = axum::Router::new().route_service("/seismic", endpoint);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
"#;

/// A package of its own in a temporary folder.
struct App(tempfile::TempDir);

impl App {
    fn new(dependencies: &[&str]) -> Result<Self, Failure> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).ok_or("no workspace")?;
        let folder = tempfile::tempdir()?;
        let dependencies =
            dependencies.join("\n").replace("OURS", &workspace.join("crates").to_string_lossy());
        let manifest = format!(
            "[package]\nname = \"app\"\nedition = \"2024\"\n\n[profile.release]\nstrip = true\n\n[workspace]\n\n\
             [dependencies]\n{dependencies}\n"
        );
        fs::write(folder.path().join("Cargo.toml"), manifest)?;
        fs::copy(workspace.join("Cargo.lock"), folder.path().join("Cargo.lock"))?;
        fs::create_dir(folder.path().join("src"))?;
        fs::write(folder.path().join("src/main.rs"), "fn main() {}\n")?;
        Ok(Self(folder))
    }

    /// How many packages it is made of, itself not counted.
    #[expect(clippy::cast_precision_loss, reason = "some hundred")]
    fn crates(&self) -> Result<f64, Failure> {
        let listed =
            self.cargo(&["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"])?;
        let packages: BTreeSet<&str> = listed.lines().map(|line| line.trim_end_matches(" (*)")).collect();
        Ok((packages.len() - 1) as f64)
    }

    /// The CPU seconds of a build with nothing built before.
    fn cold_build(&self) -> Result<f64, Failure> {
        let before = children_seconds()?;
        self.cargo(&["build", "--offline", "--quiet"])?;
        Ok(children_seconds()? - before)
    }

    /// The bytes of the program that is made of this source.
    #[expect(clippy::cast_precision_loss, reason = "some million")]
    fn program(&self, main: &str) -> Result<f64, Failure> {
        fs::write(self.0.path().join("src/main.rs"), main)?;
        self.cargo(&["build", "--offline", "--quiet", "--release"])?;
        Ok(fs::metadata(self.0.path().join("target/release/app"))?.len() as f64)
    }

    fn cargo(&self, words: &[&str]) -> Result<String, Failure> {
        let output = Command::new("cargo")
            .args(words)
            .current_dir(self.0.path())
            .env("CARGO_TARGET_DIR", self.0.path().join("target"))
            .env("CARGO_INCREMENTAL", "0")
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("cargo {}: {}", words.join(" "), output.status).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// The CPU time of all children that have ended, theirs included; see proc(5), `cutime` and `cstime`.
fn children_seconds() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(") ").ok_or("no name in /proc/self/stat")?.1;
    let ticks: Vec<f64> = after_name.split(' ').skip(13).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0) // of 10 ms, whatever the kernel counts in
}
