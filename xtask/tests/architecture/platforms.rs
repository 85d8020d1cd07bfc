//! What the code of a platform can see.

use crate::tree;

/// What a platform takes from the rest of core. Neither the configured keys nor what compares signatures is in it: `Scheme`,
/// `PublicScheme` and `TokenScheme` only describe a signature.
const ALLOWED: &[&str] = &[
    "ack::",
    "event::",
    "freshness",
    "handshake::Handshake",
    "idempotency::",
    "platform::",
    "platforms::",
    "public_scheme::PublicScheme",
    "rejection::Undecodable",
    "scheme::",
    "token_scheme::",
    "trust::Field",
    "verified_request::VerifiedRequest",
];

#[test]
fn a_platform_sees_neither_secrets_nor_signatures() {
    for file in tree::rust("crates/lifecycle-core/src/platforms").iter().filter(|file| !file.is_test()) {
        for (line, code) in file.code() {
            let climbs = code.contains("super::super::");
            assert!(!climbs, "{}:{line}: name what is outside of the platform from `crate`", file.path);
            for item in items(code) {
                let allowed = ALLOWED.iter().any(|allowed| match allowed.strip_suffix("::") {
                    Some(module) => item.strip_prefix(module).is_some_and(|rest| rest.starts_with("::")),
                    None => item == *allowed,
                });
                assert!(allowed, "{}:{line}: a platform must not use crate::{item}", file.path);
            }
        }
    }
}

/// Whatever plays a platform finds its halves by its name, and treats all alike: one more is two files, and no branch elsewhere.
#[test]
fn no_code_but_a_platforms_own_tells_platforms_apart_by_name() {
    let names: Vec<String> = tree::rust("crates/lifecycle-testing/src/platforms")
        .iter()
        .filter_map(|file| Some(file.path.rsplit('/').next()?.strip_suffix(".rs")?.to_owned()))
        .filter(|name| name != "mod")
        .collect();
    assert!(names.len() >= 6, "the writing halves were not found: {names:?}");
    for file in tree::rust("crates").iter().chain(&tree::rust("xtask/src")).filter(|file| !file.is_test()) {
        for (line, code) in file.code() {
            let told_apart = names.iter().find(|name| {
                let arms = [format!("\"{name}\" =>"), format!("\"{name}\" |"), format!("== \"{name}\"")];
                arms.iter().any(|arm| code.contains(arm))
            });
            assert_eq!(told_apart, None, "{}:{line}: a platform is told apart by its name", file.path);
        }
    }
}

/// What a line names in this crate: `use crate::event::{A, B};` names `event::A` and `event::B`.
fn items(code: &str) -> Vec<String> {
    let mut items = Vec::new();
    for path in code.split("crate::").skip(1) {
        let end = path.find(|it: char| !it.is_alphanumeric() && !"_:{}, ".contains(it)).unwrap_or(path.len());
        match path[..end].trim().split_once('{') {
            Some((module, list)) => {
                let names =
                    list.trim_end_matches('}').split(',').map(str::trim).filter(|name| !name.is_empty());
                items.extend(names.map(|name| format!("{module}{name}")));
            }
            None => items.push(path[..end].split([' ', ',']).next().unwrap_or_default().to_owned()),
        }
    }
    items
}

#[test]
fn a_line_is_read_item_by_item() {
    assert_eq!(
        items("use crate::event::{EventFields, EventKind};"),
        ["event::EventFields", "event::EventKind"]
    );
    assert_eq!(items("use crate::{Delivery, Trust};"), ["Delivery", "Trust"]);
    assert_eq!(items("fn f(r: crate::Reply, s: crate::secret::Secrets) {"), ["Reply", "secret::Secrets"]);
    assert!(items("let x = 1;").is_empty());
}
