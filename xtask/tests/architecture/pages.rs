//! Pages: `docs/platforms` tells of each platform what its data is, and each platform has all of its parts.

use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::time::Duration;

use lifecycle_core::{Ack, AckFailure, Activation, EventKind, Field, Platform, Proof};
use lifecycle_testing::{Answer, Consequence, Sender, SigningKeys, registry};

use crate::tree;

/// What every page tells, in this order.
const CHAPTERS: &[&str] = &[
    "Set it up",
    "Events",
    "Answers",
    "What is not proven, and what is never sent",
    "Traps",
    "In axum",
    "Sources",
];

/// The fewest cases of a platform besides those that are sent every day.
const FEWEST_TRAPS: usize = 8;

#[test]
fn a_platform_has_all_of_its_parts() {
    let mut lacks = String::new();
    for sender in registry() {
        let name = sender.platform().name();
        for what in lacking(sender.platform()) {
            writeln!(lacks, "{name} lacks {what}").unwrap();
        }
    }
    assert!(lacks.is_empty(), "see \"A new platform\" in CONTRIBUTING.md:\n{lacks}");
}

#[test]
fn a_page_tells_what_its_platforms_data_is() {
    for (sender, page) in pages() {
        let facts = facts(sender);
        let name = sender.platform().name();
        assert!(page.contains(&facts), "the table of docs/platforms/{name}.md has to be:\n\n{facts}");
        for header in headers(sender) {
            assert!(page.to_lowercase().contains(&header), "docs/platforms/{name}.md does not name {header}");
        }
        for (_, event) in sender.events().filter(|(kind, _)| EventKind::from_name(kind).is_known()) {
            let parts = event.split_once('.').filter(|_| !page.contains(&format!("`{event}`")));
            let parts = parts.map_or_else(|| vec![event], |(event, action)| vec![event, action]);
            let named = parts.iter().all(|part| page.contains(&format!("`{part}`")));
            assert!(named, "docs/platforms/{name}.md does not name `{event}`");
        }
    }
}

#[test]
fn every_page_has_the_same_chapters() {
    for (sender, page) in pages() {
        let chapters: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(chapters, CHAPTERS, "docs/platforms/{}.md", sender.platform().name());
        let sources = page.rsplit("## Sources\n").next().unwrap();
        assert!(
            sources.contains("](https://"),
            "docs/platforms/{}.md names no source",
            sender.platform().name()
        );
    }
}

/// The folder in core is a link to `docs/platforms`, so that there is one text, and cargo packs what it points to.
#[test]
fn core_is_packed_with_its_pages() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["package", "--package", "lifecycle-core", "--list", "--allow-dirty", "--offline", "--quiet"]);
    let output = cargo.current_dir(tree::root()).output().unwrap();
    let packed = String::from_utf8(output.stdout).unwrap();
    for sender in registry() {
        let page = format!("docs/platforms/{}.md", sender.platform().name());
        assert!(packed.lines().any(|file| file == page), "{page} is not packed:\n{packed}");
    }
}

/// The platforms that have a page, with its text.
fn pages() -> impl Iterator<Item = (&'static Sender, String)> {
    registry().iter().filter_map(|sender| {
        let page = read(&format!("docs/platforms/{}.md", sender.platform().name()))?;
        Some((*sender, page))
    })
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(tree::root().join(path)).ok()
}

fn lacking(platform: &Platform) -> Vec<String> {
    let name = platform.name();
    let page = format!("docs/platforms/{name}.md");
    let mut lacks = Vec::new();
    if read(&page).is_none() {
        lacks.push(format!("its page: {page}, with the chapters of the others"));
    }
    for (file, what) in [
        (
            format!("crates/lifecycle-core/src/platforms/{}.rs", name.replace('-', "_")),
            "which shows it in rustdoc",
        ),
        ("examples/shared/src/lib.rs".to_owned(), "which compiles its code"),
        ("README.md".to_owned(), "whose table links it"),
    ] {
        if !read(&file).is_some_and(|text| text.contains(&page)) {
            lacks.push(format!("{page} in {file}, {what}"));
        }
    }
    let folder = format!("fixtures/conformance/{name}");
    let fixtures = if tree::root().join(&folder).is_dir() { tree::text(&folder) } else { Vec::new() };
    let traps = fixtures.iter().filter(|file| !file.text.contains("\"kind\": \"common\"")).count();
    if traps < FEWEST_TRAPS {
        lacks.push(format!("fixtures: {folder} has {traps} that are unusual or rejected, of {FEWEST_TRAPS}"));
    }
    let of_platform = format!("\"platform\": \"{name}\"");
    let is_vector = |file: &tree::File| file.text.contains(&of_platform);
    if matches!(platform.proof(), Proof::Hmac(_)) && !tree::text("fixtures/vectors").iter().any(is_vector) {
        lacks.push(format!("a vector: a file of fixtures/vectors with {of_platform}"));
    }
    lacks
}

/// The table of a page: what the data of its platform and of its writing half says.
fn facts(sender: &'static Sender) -> String {
    let platform = sender.platform();
    let ack = platform.ack();
    let mut table = String::from("| Fact | Value |\n| --- | --- |\n");
    let mut row = |fact: &str, value: &str| writeln!(table, "| {fact} | {value} |").unwrap();
    row("Name", &format!("`{}`", platform.name()));
    row("Headers that are read", &or_none(headers(sender).map(|name| format!("`{name}`"))));
    row("Kinds", &or_none(kinds(sender)));
    row("Not proven", &unproven(sender));
    row("Handshake", &or_none(sender.handshake().iter().map(|sample| format!("`{}`", sample.event()))));
    let media_type = ack.content_type().map(|media_type| format!(", `{media_type}`"));
    row("The library answers", &format!("{}{}", ack.status(), media_type.unwrap_or_default()));
    row("It takes", &taken(sender));
    row("Deadline", &ack.deadline().map_or_else(|| "not documented".into(), words));
    row("Any other answer", &failure(ack));
    row("Maximum age of an attempt", &platform.max_age().map_or_else(|| "none".into(), words));
    row("Largest body", &size(platform.max_body()));
    let is_by_install = platform.activation() == Activation::OnInstall;
    row("Enabled by", if is_by_install { "an install" } else { "an enable" });
    table
}

/// The headers of a genuine request that are verified or kept with its delivery, while a secret is being replaced.
fn headers(sender: &'static Sender) -> impl Iterator<Item = String> {
    let keys = SigningKeys::for_tests(sender.platform());
    let keys = keys.clone().with_previous(keys);
    let (_, first) = sender.events().next().unwrap();
    let sample = sender.sample(first).unwrap();
    let delivery = sample.delivery();
    let headers = sample.sign(&keys).headers.into_iter().map(|(name, _)| name);
    headers.filter(move |name| {
        sender.platform().proof_headers().contains(&name.as_str()) || delivery.headers().get(name).is_some()
    })
}

/// In the order of an installation's life.
fn kinds(sender: &Sender) -> Vec<String> {
    let has = |kind: &EventKind| sender.events().any(|(own, _)| own == kind.name());
    EventKind::KNOWN.iter().filter(|kind| has(kind)).map(|kind| kind.name().to_owned()).collect()
}

pub(crate) fn unproven(sender: &'static Sender) -> String {
    let (_, first) = sender.events().next().unwrap();
    let delivery = sender.sample(first).unwrap().delivery();
    let fields: Vec<&str> =
        Field::ALL.into_iter().filter(|field| !delivery.proves(*field)).map(Field::name).collect();
    if fields.len() == Field::ALL.len() {
        "anything".into()
    } else {
        or_none(fields.iter().map(|field| format!("`{field}`")))
    }
}

/// The statuses that the platform takes as received.
fn taken(sender: &Sender) -> String {
    let is_taken = |status: &u16| {
        let answer = Answer { status: *status, content_type: Some("application/json"), body: b"" };
        sender.judge(Some(answer), Duration::ZERO).consequence == Consequence::Accepted
    };
    let statuses: Vec<u16> = (100..600).filter(is_taken).collect();
    match statuses[..] {
        [only] => only.to_string(),
        [first, .., last] if usize::from(last - first) + 1 == statuses.len() => format!("{first} to {last}"),
        _ => format!("{statuses:?}"),
    }
}

fn failure(ack: &Ack) -> String {
    let other = match ack.failure() {
        AckFailure::Blocks => "the action is blocked".into(),
        AckFailure::Retried { at_most } => format!("the event is sent again, for up to {}", words(at_most)),
        _ => "the event is lost".into(),
    };
    let mut finals = (300..600).filter(|status| ack.is_final(*status));
    match (finals.next(), finals.next_back()) {
        (Some(first), Some(last)) => format!("{first} to {last}: final. Else {other}"),
        _ => other,
    }
}

pub(crate) fn or_none(list: impl IntoIterator<Item = String>) -> String {
    let list: Vec<String> = list.into_iter().collect();
    if list.is_empty() { "none".into() } else { list.join(", ") }
}

fn size(bytes: usize) -> String {
    match bytes / 1024 {
        0 => "none".into(),
        kib if kib.is_multiple_of(1024) => format!("{} MiB", kib / 1024),
        kib => format!("{kib} KiB"),
    }
}

/// A time in words: `3 s`, `85 min` as `1 h 25 min`, more than a day in days where that is exact.
pub(crate) fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    if time.subsec_millis() > 0 {
        return format!("{} s", time.as_secs_f64());
    }
    if seconds > 86_400 && seconds.is_multiple_of(86_400) {
        return format!("{} d", seconds / 86_400);
    }
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    parts.map(|(number, unit)| format!("{number} {unit}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_time_is_told_in_its_largest_units() {
    for (seconds, told) in
        [(3, "3 s"), (300, "5 min"), (5100, "1 h 25 min"), (86_400, "24 h"), (259_200, "3 d")]
    {
        assert_eq!(words(Duration::from_secs(seconds)), told);
    }
}
