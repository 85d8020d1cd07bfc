//! Bad tokens: each platform that is proven by a token or a JWS has a case for each malformed or misused one.

use std::fmt::Write;

use lifecycle_core::{Platform, Proof};
use lifecycle_testing::registry;

use crate::tree;

/// What can be wrong with a token: the names of its cases without the platform's, of which one has to be there, and the platforms where it
/// cannot occur, each with the reason.
const DEMANDED: &[Demand] = &[
    Demand("no algorithm", &["alg-none"], &[]),
    Demand("another algorithm", &["alg-rs256", "alg-rs512", "signed-with-the-public-key"], &[UNSIGNABLE]),
    Demand(
        "HS256 under the public key",
        &["signed-with-the-public-key"],
        &[SECRET[0], SECRET[1], UNSIGNABLE],
    ),
    Demand("a key id with a path", &["key-id-with-a-path"], &[]),
    Demand("expired", &["expired"], &[UNTIMED]),
    Demand("not yet valid", &["not-yet-valid"], &[UNTIMED]),
    Demand(
        "another audience",
        &["wrong-audience"],
        &[("monday", "its tokens name no app as audience"), UNTIMED],
    ),
    Demand(
        "another issuer",
        &["wrong-issuer"],
        &[("monday", "its tokens name no issuer"), ("wix", "its tokens name no issuer"), UNTIMED],
    ),
    Demand("two tokens", &["two-tokens"], &[]),
    Demand("truncated", &["truncated"], &[]),
    Demand("padded base64", &["padded"], &[]),
    Demand("white space", &["white-space-within"], &[]),
    Demand("9 KiB", &["9-kib"], &[]),
    Demand("a token in a token", &["nested"], &[("saleor", "its signatures have no payload")]),
    Demand("a member twice", &["expiry-twice", "alg-twice"], &[]),
    Demand(
        "a body that contradicts a claim",
        &["body-contradicts"],
        &[
            ("azure", "nothing in its bodies is also in a claim"),
            ("bigcommerce", "its requests have no body"),
            ("saleor", "its bodies are proven"),
            ("wix", "its body is the token"),
        ],
    ),
];

/// What it is, the names, and where it does not apply.
struct Demand(&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

const SECRET: [(&str, &str); 2] = [("bigcommerce", "its key is a secret"), ("monday", "its key is a secret")];
const UNSIGNABLE: (&str, &str) = (
    "saleor",
    "the suite signs its bodies by RS256 alone; core's own tests refuse another algorithm in the header",
);
const UNTIMED: (&str, &str) = ("saleor", "its signatures have no claims");

#[test]
fn each_platform_of_tokens_has_a_case_for_each_bad_token() {
    let mut lacks = String::new();
    for platform in registry().iter().map(|sender| sender.platform()).filter(|it| is_of_tokens(it)) {
        for Demand(what, names, exceptions) in DEMANDED {
            let is_excepted = exceptions.iter().any(|(name, _)| *name == platform.name());
            let is_there = names.iter().any(|name| has_case(platform, name));
            if is_there == is_excepted {
                let fault = if is_there { "has a case and an exception" } else { "has no case" };
                writeln!(lacks, "{} {fault} for {what}: {names:?}", platform.name()).unwrap();
            }
        }
    }
    assert!(lacks.is_empty(), "{lacks}");
}

fn is_of_tokens(platform: &Platform) -> bool {
    matches!(platform.proof(), Proof::Token(_)) || platform.proof().uses_rsa()
}

fn has_case(platform: &Platform, name: &str) -> bool {
    let own = platform.name();
    tree::root().join(format!("fixtures/conformance/{own}/{own}-{name}.json")).is_file()
}
