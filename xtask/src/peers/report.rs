//! Report: what came of all exchanges, for a terminal and as `docs/peers.md`.

use std::fmt::Write as _;

use super::exchange::{Direction, Outcome};
use super::library::{Deviation, LIBRARIES, Library};

/// The table, each fault, and the closing line.
pub(crate) fn summary(outcomes: &[Outcome]) -> String {
    let mut text = table(outcomes);
    let mut failed = 0;
    for fault in outcomes.iter().flat_map(|outcome| &outcome.faults) {
        let _ = writeln!(text, "FAILED: {fault}");
        failed += 1;
    }
    let requests: usize = outcomes.iter().map(|outcome| outcome.requests).sum();
    let _ = writeln!(text, "{} passed, {failed} failed", requests.saturating_sub(failed));
    text
}

/// The whole of `docs/peers.md`.
pub(crate) fn document(outcomes: &[Outcome]) -> String {
    format!("{HEAD}\n{}\n{DEVIATIONS}\n{}{TAIL}", table(outcomes), deviations(outcomes))
}

const HEAD: &str = "\
# Peers

The writing half of a platform and its reading half come from the same hands, and could be wrong in the same way. So the vendors'
own libraries take the place of either half:

```sh
cargo xtask peers           # installs them below target/peers, exchanges requests, and compares with this page
cargo xtask peers --write   # writes this page
```

Every event that `lifecycle-testing` writes for a platform, and every handshake, is sent in five forms: as the vendor documents it,
with text beyond ASCII, with escapes and numbers that no serializer writes back as they came, with white space around, and with
64 KiB more. Each is then changed in its body; the first form also in its signature, its signed time and its signed id, and it is
sent with another secret, unsigned, and just inside and outside of the maximum age on both sides. Where a platform has room for two signatures,
one is of a secret that the receiver does not know.

Where the proof is a token, its claims are written in these forms, with 4 KiB more in place of 64. The first form's token is also changed
in each of its parts, written in other base64, left out, received around its end, and its claims are signed otherwise: without an end,
for another audience, by another issuer, with a claim twice. What we sign also gets headers that no platform signs, such as one of the
other algorithm: `none`, HS256 under the public key, RS256 by a secret.

- **They sign**: the library's signature takes the place of ours, and our `Verifier` has to accept and decode what is genuine, and to
  reject the rest for the right reason.
- **We sign**: our `Verifier` and the library judge the same requests. Where the library answers a handshake by itself, as Zoom's does,
  both give the same answer.

`node:crypto` stands for the formula of the vendor's documentation, where no library of the vendor's signs. Shopify's library signs in
its test helpers. Seismic has no library for its callbacks, and SecurityScorecard signs nothing. The libraries of Zoom, Wix and Saleor
verify, and do not sign. Azure, BigCommerce, Forge and monday have none that verifies: their documentation leads to a library for JWTs,
which here is told the algorithm, the keys, the issuer and the audience, and a leeway of 10 s as ours has.
";

const DEVIATIONS: &str = "\
## Where a library decides otherwise

These are known, and listed in `xtask/src/peers/library.rs`. Any other one fails, and so does one that is listed and is gone.
";

const TAIL: &str = "
What is left out: bodies that are not UTF-8, or begin with a byte order mark. Most of the libraries for Node decode a body before they
verify it, so they take other bytes for the signed ones. Ours verifies the bytes.
";

fn table(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "| Platform | Library | Version | Direction | Requests | As ours | Otherwise |\n\
         | --- | --- | --- | --- | --: | --: | --: |\n",
    );
    for outcome in sorted(outcomes) {
        let Outcome { library, requests, .. } = outcome;
        let version = if library.is_formula() { "built in" } else { &outcome.version };
        let direction = match outcome.direction {
            Direction::TheySign => "they sign",
            Direction::WeSign => "we sign",
        };
        let otherwise = outcome.deviations.values().sum::<usize>() + outcome.faults.len();
        let _ = writeln!(
            text,
            "| {} | {} | {version} | {direction} | {requests} | {} | {otherwise} |",
            library.platform,
            name(library),
            requests.saturating_sub(otherwise),
        );
    }
    text
}

/// A row for each case and reason, with the libraries that share it.
fn deviations(outcomes: &[Outcome]) -> String {
    let mut rows: Vec<(&Deviation, Vec<String>)> = Vec::new();
    for Outcome { library, deviations, .. } in sorted(outcomes) {
        for deviation in library.deviations.iter().filter(|own| deviations.contains_key(own.case)) {
            match rows.iter_mut().find(|(known, _)| known == &deviation) {
                Some((_, libraries)) => libraries.push(name(library)),
                None => rows.push((deviation, vec![name(library)])),
            }
        }
    }
    let mut text = String::from("| Case | Library | Why ours stays as it is |\n| --- | --- | --- |\n");
    for (Deviation { case, why }, libraries) in rows {
        let _ = writeln!(text, "| {case} | {} | {why} |", libraries.join(", "));
    }
    text
}

fn name(library: &Library) -> String {
    format!("`{}` ({})", library.name, library.language.name())
}

/// In the order of the list of libraries.
fn sorted(outcomes: &[Outcome]) -> Vec<&Outcome> {
    let mut sorted: Vec<&Outcome> = outcomes.iter().collect();
    sorted.sort_by_key(|outcome| LIBRARIES.iter().position(|library| std::ptr::eq(library, outcome.library)));
    sorted
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn outcome(library: &'static Library, requests: usize, faults: &[&str]) -> Outcome {
        Outcome {
            library,
            version: "1.2.3".into(),
            direction: Direction::WeSign,
            requests,
            deviations: library
                .deviations
                .iter()
                .map(|deviation| (deviation.case, 1))
                .collect::<BTreeMap<_, _>>(),
            faults: faults.iter().map(|fault| (*fault).to_owned()).collect(),
        }
    }

    #[test]
    fn a_known_deviation_passes_and_a_fault_is_counted_and_told() {
        let text = summary(&[outcome(&LIBRARIES[1], 10, &[]), outcome(&LIBRARIES[0], 5, &["it is wrong"])]);
        assert!(text.ends_with("FAILED: it is wrong\n14 passed, 1 failed\n"), "{text}");
        let [first, second] = [0, 1].map(|nth| text.find(LIBRARIES[nth].name).unwrap());
        assert!(first < second, "in the order of the list");
    }

    #[test]
    fn every_known_deviation_is_told_with_its_reason() {
        let text = document(&LIBRARIES.iter().map(|library| outcome(library, 10, &[])).collect::<Vec<_>>());
        for deviation in LIBRARIES.iter().flat_map(|library| library.deviations) {
            assert!(text.contains(deviation.why), "{}", deviation.case);
        }
        assert!(!text.contains("node:crypto` (Node) | 1.2.3"), "its version is that of the machine");
    }
}
