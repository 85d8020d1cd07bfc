//! Observed: what the handler of an app says it has seen, against what a case expects.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::check::Difference;
use crate::exchange::Exchanged;
use crate::face::Face;
use crate::fixture::{Fixture, Seen};
use crate::template::{TemplateError, Values};

/// Compares the deliveries of one case with what it expects, the number included.
pub(crate) fn check_seen(
    fixture: &Fixture,
    face: &Face,
    exchanged: &[Exchanged],
    deliveries: &[Value],
    values: &Values<'_>,
) -> Result<Vec<Difference>, TemplateError> {
    let hashes: Vec<String> =
        exchanged.iter().map(|one| const_hex::encode(Sha256::digest(&one.body))).collect();
    let of_this_case = |delivery: &&Value| {
        let mentions =
            |member: &str| delivery[member].as_str().is_some_and(|text| text.contains(values.unique));
        let same_bytes =
            delivery["body_sha256"].as_str().is_some_and(|hash| hashes.iter().any(|own| own == hash));
        mentions("tenant") || mentions("request_id") || same_bytes
    };
    let seen: Vec<&Value> = deliveries.iter().filter(of_this_case).collect();
    let expected: &[Seen] = if face.kind.runs_handler() { &fixture.seen } else { &[] };
    let mut differences = Vec::new();
    if seen.len() != expected.len() {
        let kinds: Vec<&str> = seen.iter().map(|delivery| delivery["kind"].as_str().unwrap_or("?")).collect();
        let number = format!("{} deliveries", expected.len());
        differences.push(Difference::new("seen", number, format!("{}: {kinds:?}", seen.len())));
        return Ok(differences);
    }
    for (place, (expected, delivery)) in expected.iter().zip(&seen).enumerate() {
        let mut compare = |member: &str, expected: &Value| {
            if &delivery[member] != expected {
                let what = format!("seen {}: {member}", place + 1);
                differences.push(Difference::new(what, expected.to_string(), delivery[member].to_string()));
            }
        };
        let request = expected.request.unwrap_or(place + 1) - 1;
        compare("platform", &Value::from(fixture.platform.as_str()));
        compare("body_length", &Value::from(exchanged[request].body.len()));
        compare("body_sha256", &Value::from(hashes[request].as_str()));
        for (member, value) in &expected.fields {
            compare(member, &values.render_json(value)?);
        }
    }
    check_keys(expected, &seen, &mut differences);
    Ok(differences)
}

fn check_keys(expected: &[Seen], seen: &[&Value], differences: &mut Vec<Difference>) {
    let keys: Vec<(&Option<String>, &str)> = expected
        .iter()
        .zip(seen)
        .map(|(expected, delivery)| (&expected.key, delivery["idempotency_key"].as_str().unwrap_or_default()))
        .collect();
    for (place, (label, key)) in keys.iter().enumerate() {
        if key.len() != 64 || const_hex::decode(key).is_err() {
            let what = format!("seen {}: idempotency_key", place + 1);
            differences.push(Difference::new(what, "64 hex digits", format!("{key:?}")));
        }
        for (other_label, other) in
            keys[..place].iter().filter(|(other, _)| other.is_some() && label.is_some())
        {
            if (label == other_label) != (key == other) {
                let expected = if label == other_label { "the same key" } else { "another key" };
                let got = if key == other { "the same key" } else { "another key" };
                differences.push(Difference::new(
                    format!("seen {}: idempotency_key", place + 1),
                    expected,
                    got,
                ));
            }
        }
    }
}
