//! Observed: what the handler of an app says it has seen, against what a case expects.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::check::{Difference, Symptom};
use crate::exchange::Exchanged;
use crate::fixture::{Fixture, Seen};
use crate::route::Route;
use crate::template::{TemplateError, Values};

/// Compares the deliveries of one case with what it expects, the number included.
pub(crate) fn check_seen(
    fixture: &Fixture,
    route: &Route,
    exchanged: &[Exchanged],
    deliveries: &[Value],
    values: &Values<'_>,
) -> Result<Vec<Difference>, TemplateError> {
    let hashes: Vec<String> =
        exchanged.iter().map(|one| const_hex::encode(Sha256::digest(&one.body))).collect();
    // By having no body, a delivery is not of this case.
    let nothing = const_hex::encode(Sha256::digest(b""));
    let of_this_case = |delivery: &&Value| {
        let mentions =
            |member: &str| delivery[member].as_str().is_some_and(|text| text.contains(values.unique));
        let same_bytes = delivery["body_sha256"]
            .as_str()
            .is_some_and(|hash| hash != nothing && hashes.iter().any(|own| own == hash));
        mentions("tenant") || mentions("request_id") || same_bytes
    };
    let mut seen: Vec<&Value> = deliveries.iter().filter(of_this_case).collect();
    let mut differences = check_order(&seen, &hashes);
    seen.sort_by_key(|delivery| request_of(delivery, &hashes));
    let expected: &[Seen] = if route.kind.runs_handler() { &fixture.seen } else { &[] };
    if seen.len() != expected.len() {
        let kinds: Vec<&str> = seen.iter().map(|delivery| delivery["kind"].as_str().unwrap_or("?")).collect();
        let number = format!("{} deliveries", expected.len());
        differences.push(Difference::new(
            Symptom::Content,
            "seen",
            number,
            format!("{}: {kinds:?}", seen.len()),
        ));
        return Ok(differences);
    }
    for (place, (expected, delivery)) in expected.iter().zip(&seen).enumerate() {
        let mut compare = |member: &str, expected: &Value| {
            if &delivery[member] != expected {
                let what = format!("seen {}: {member}", place + 1);
                differences.push(Difference::new(
                    Symptom::Content,
                    what,
                    expected.to_string(),
                    delivery[member].to_string(),
                ));
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

/// The place of the request that a delivery came by, as its bytes tell.
fn request_of(delivery: &Value, hashes: &[String]) -> usize {
    hashes.iter().position(|hash| delivery["body_sha256"] == hash.as_str()).unwrap_or(hashes.len())
}

/// Those of one app in one tenant were seen in the order of the requests. Between others an app promises no order.
fn check_order(seen: &[&Value], hashes: &[String]) -> Vec<Difference> {
    let is_late = |(place, delivery): (usize, &&Value)| {
        let of_the_same =
            |other: &&&Value| other["app"] == delivery["app"] && other["tenant"] == delivery["tenant"];
        let mut before = seen[..place].iter().filter(of_the_same);
        before.any(|other| request_of(other, hashes) > request_of(delivery, hashes))
    };
    if seen.iter().enumerate().any(is_late) {
        let kinds: Vec<&str> = seen.iter().map(|delivery| delivery["kind"].as_str().unwrap_or("?")).collect();
        return vec![Difference::new(
            Symptom::Content,
            "seen",
            "the order of the requests",
            format!("{kinds:?}"),
        )];
    }
    Vec::new()
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
            differences.push(Difference::new(Symptom::Content, what, "64 hex digits", format!("{key:?}")));
        }
        for (other_label, other) in
            keys[..place].iter().filter(|(other, _)| other.is_some() && label.is_some())
        {
            if (label == other_label) != (key == other) {
                let expected = if label == other_label { "the same key" } else { "another key" };
                let got = if key == other { "the same key" } else { "another key" };
                differences.push(Difference::new(
                    Symptom::Content,
                    format!("seen {}: idempotency_key", place + 1),
                    expected,
                    got,
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_is_held_within_a_tenant_and_not_between_tenants() {
        let hashes: Vec<String> = ["1", "2", "3"].map(str::to_owned).into();
        let delivery = |tenant: &str, hash: &str| json!({"app": "a", "tenant": tenant, "body_sha256": hash});
        for (seen, is_right) in [
            ([("t", "1"), ("t", "2"), ("t", "3")], true),
            ([("u", "2"), ("t", "1"), ("t", "3")], true),
            ([("t", "3"), ("u", "2"), ("t", "1")], false),
            ([("t", "1"), ("t", "1"), ("t", "2")], true),
        ] {
            let seen: Vec<Value> = seen.iter().map(|(tenant, hash)| delivery(tenant, hash)).collect();
            let differences = check_order(&seen.iter().collect::<Vec<_>>(), &hashes);
            assert_eq!(differences.is_empty(), is_right, "{seen:?}");
        }
    }
}
