//! Callbacks: the bodies that are judged, as Seismic writes them or padded to a size.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Serializer;
use serde_json::ser::PrettyFormatter;
use sha2::{Digest, Sha256};

/// What signs them.
pub(super) const SECRET: &str = "seismic-demo-signing-secret-1";

/// How many different ones take turns, so that a branch predictor cannot learn one by heart.
const VARIETY: usize = 256;

/// A body as it was signed and as it is shown to the verifier: the same, unless it was changed on its way.
#[derive(Clone)]
pub(super) struct Callback {
    pub(super) signed: Bytes,
    pub(super) shown: Bytes,
}

impl Callback {
    fn genuine(body: impl Into<Bytes>) -> Self {
        let signed = body.into();
        // The first clone of a `Bytes` out of a `Vec` allocates. A server's buffer is shared from the start.
        Self { shown: signed.clone(), signed }
    }

    /// The same with another letter in its last text, so that only the signature can tell.
    #[cfg(test)]
    pub(super) fn changed(&self) -> Self {
        let mut shown = self.signed.to_vec();
        let end = shown.iter().rposition(|byte| *byte == b'"').expect("a body has a text");
        shown[end - 1] = b'!';
        Self { signed: self.signed.clone(), shown: shown.into() }
    }
}

/// Seismic's own sample, 352 bytes, and others like it.
pub(super) fn compact() -> Vec<Callback> {
    samples()
        .map(|sample| Callback::genuine(serde_json::to_vec(&sample).expect("it is plain text")))
        .collect()
}

/// The same with a line for each member, 383 bytes.
pub(super) fn pretty() -> Vec<Callback> {
    let pretty = |sample: Sample| {
        let mut body = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut body, PrettyFormatter::with_indent(b"\t"));
        sample.serialize(&mut serializer).expect("it is plain text");
        Callback::genuine(body)
    };
    samples().map(pretty).collect()
}

/// Bodies of this size: what no callback can do without, and a member that nobody knows.
pub(super) fn padded(size: usize) -> Vec<Callback> {
    let variety = (1024 * 1024 / size).clamp(2, VARIETY); // the caches are not what is measured
    let body = |number| {
        let tenant = &digits(number)[..16];
        let known = format!(r#"{{"type":"install","appId":"04bd6eda","tenantId":"{tenant}","notes":""#);
        let padding = "x".repeat(size - known.len() - 2);
        Callback::genuine(format!("{known}{padding}\"}}"))
    };
    (0..variety).map(body).collect()
}

/// The mean length in bytes.
pub(super) fn mean(callbacks: &[Callback]) -> usize {
    callbacks.iter().map(|callback| callback.signed.len()).sum::<usize>() / callbacks.len()
}

/// The members of Seismic's sample, in its order.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sample {
    app_id: String,
    app_name: String,
    tenant_id: String,
    tenant: String,
    user_id: String,
    user_email: String,
    request_id: String,
    version: String,
    #[serde(rename = "type")]
    kind: String,
    timestamp: String,
}

#[derive(Deserialize)]
struct Vector {
    body: String,
}

/// The first is Seismic's own; the others have other ids, and names of other lengths.
fn samples() -> impl Iterator<Item = Sample> {
    let vector = include_str!("../../../../fixtures/vectors/seismic-install.json");
    let vector: Vector = serde_json::from_str(vector).expect("a fixture is JSON");
    let first: Sample = serde_json::from_str(&vector.body).expect("its body is a callback");
    let another = {
        let first = first.clone();
        move |number: usize| {
            let digits = digits(number);
            let mut digits = digits.chars();
            let mut other = |id: &str| -> String {
                id.chars().map(|own| if own == '-' { own } else { digits.next().unwrap_or(own) }).collect()
            };
            Sample {
                tenant_id: other(&first.tenant_id),
                user_id: other(&first.user_id),
                request_id: other(&first.request_id),
                app_name: "my test application"[..3 + number % 17].to_owned(),
                tenant: "seismicapplications"[..3 + number / 16].to_owned(),
                ..first.clone()
            }
        }
    };
    std::iter::once(first).chain((1..VARIETY).map(another))
}

/// Enough hexadecimal digits for three ids.
fn digits(number: usize) -> String {
    [0u8, 1]
        .map(|half| const_hex::encode(Sha256::digest([&[half], &number.to_le_bytes()[..]].concat())))
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_first_is_the_documented_one() {
        let vector = include_str!("../../../../fixtures/vectors/seismic-install.json");
        let vector: Vector = serde_json::from_str(vector).unwrap();
        assert_eq!(compact()[0].signed, vector.body);
        assert_eq!((compact()[0].signed.len(), pretty()[0].signed.len()), (352, 383));
    }

    #[test]
    fn all_are_different_and_of_the_size_asked_for() {
        for (callbacks, size) in
            [(compact(), 352), (pretty(), 383), (padded(100), 100), (padded(1024 * 1024), 1024 * 1024)]
        {
            let distinct: HashSet<&Bytes> = callbacks.iter().map(|callback| &callback.signed).collect();
            assert_eq!(distinct.len(), callbacks.len());
            assert!(mean(&callbacks).abs_diff(size) <= 8, "{} for {size}", mean(&callbacks));
        }
    }
}
