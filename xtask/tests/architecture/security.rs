//! Security: SECURITY.md says of each platform what its data says.

use std::fmt::Write;
use std::fs;

use lifecycle_core::{Algorithm, AttemptTime, Part, Platform, Proof, Scheme, TokenPlace};
use lifecycle_testing::{Sender, registry};

use crate::pages::{or_none, unproven, words};
use crate::tree;

#[test]
fn the_threat_model_tells_of_each_platform_what_its_data_is() {
    let text = fs::read_to_string(tree::root().join("SECURITY.md")).unwrap();
    let table = table();
    assert!(text.contains(&table), "the table of SECURITY.md has to be:\n\n{table}");
}

fn table() -> String {
    let mut table = String::from(
        "| Platform | What proves a request | What it does not prove | How long a captured request is good | Handshake |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for sender in registry() {
        let platform = sender.platform();
        let name = platform.name();
        let handshake = or_none(sender.handshake().iter().map(|sample| format!("`{}`", sample.event())));
        let (proof, not, lasts) = (proof(platform), not_proven(sender), lasts(platform));
        writeln!(table, "| [{name}](docs/platforms/{name}.md) | {proof} | {not} | {lasts} | {handshake} |")
            .unwrap();
    }
    table
}

fn proof(platform: &Platform) -> String {
    match platform.proof() {
        Proof::Hmac(scheme) => format!("HMAC-SHA256 of {}", signed(scheme)),
        Proof::PublicKey(public) => public
            .scheme()
            .map_or_else(|| "RS256 of the body".into(), |scheme| format!("Ed25519 of {}", signed(scheme))),
        Proof::Token(scheme) => {
            let algorithm = scheme.algorithm().name();
            let key = if scheme.algorithm() == Algorithm::Hs256 { ", by a secret" } else { "" };
            let place = match scheme.place() {
                TokenPlace::Header { name, .. } => format!("in the header `{name}`"),
                TokenPlace::Query(name) => format!("in the query, `{name}`"),
                _ => "that is the body".into(),
            };
            format!("a token {place} ({algorithm}{key})")
        }
        _ => "that its sender knows the URL".into(),
    }
}

/// What a signature covers, in its order.
fn signed(scheme: &Scheme) -> String {
    let parts = scheme.signed().iter().filter_map(|part| match part {
        Part::Body => Some("the body".to_owned()),
        Part::Field(name) | Part::Header(name) => Some(format!("`{name}`")),
        _ => None,
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// Beside a token the body is as little proven as the fields that are read from it.
fn not_proven(sender: &'static Sender) -> String {
    let platform = sender.platform();
    let is_beside = matches!(platform.proof(), Proof::Token(scheme) if scheme.place() != TokenPlace::Body);
    match (is_beside && platform.max_body() > 0, unproven(sender)) {
        (false, fields) => fields,
        (true, fields) => format!("the body: {fields}"),
    }
}

fn lasts(platform: &Platform) -> String {
    let is_told = platform.attempt_time() != AttemptTime::Untold;
    let end = match (platform.max_age(), platform.proof()) {
        (Some(age), _) => return words(age),
        (None, Proof::Token(_)) => "until its token expires",
        (None, _) => "for ever",
    };
    if is_told { format!("{end}; less by `with_max_age`") } else { end.into() }
}
