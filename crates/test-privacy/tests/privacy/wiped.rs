//! What is secret is wiped from memory when it is dropped: each type that holds a secret is made of nothing but what wipes itself.

use std::collections::BTreeSet;

use syn::Type;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::sources::{Library, inner, last};

/// Whose types hold secrets of an app or of a platform.
const LIBRARIES: [&str; 6] = [
    "lifecycle-cli",
    "lifecycle-core",
    "lifecycle-keys",
    "lifecycle-securityscorecard",
    "lifecycle-testing",
    "lifecycle-vault",
];

/// Each type that holds a secret, and the types of what else is in it, which is none.
const HOLD: &[(&str, &[&str])] = &[
    ("lifecycle_cli::secret::Hidden", &[]),
    ("lifecycle_cli::secret::Key", &[]),
    ("lifecycle_cli::secret::SecretText", &[]),
    ("lifecycle_core::hook_token::HookToken", &[]),
    ("lifecycle_core::secret::Secret", &[]),
    ("lifecycle_core::secret::Secrets", &[]),
    ("lifecycle_core::secret::SigningSecret", &["KeyName", "SystemTime"]),
    ("lifecycle_core::verification::Proven", &["Trust"]),
    ("lifecycle_keys::saleor::Body", &[]),
    ("lifecycle_keys::saleor::Registration", &["String"]), // the URL of the shop's API
    ("lifecycle_securityscorecard::action_secrets::ActionSecrets", &["String"]), // the secrets' names
    ("lifecycle_securityscorecard::action_secrets::Text", &[]),
    ("lifecycle_securityscorecard::installation_data::InstallationData", &["String"]), // the secrets' names
    ("lifecycle_securityscorecard::installation_id::InstallationId", &[]),
    ("lifecycle_securityscorecard::page::form::Step", &["String"]), // its label
    ("lifecycle_securityscorecard::page::form::Value", &[]),
    ("lifecycle_securityscorecard::states::state::InstallState", &[]),
    // ring wipes no private key, so those that play a platform stay in memory.
    ("lifecycle_testing::keys::SigningKey", &["Ed25519KeyPair", "PublicKey", "RsaSigningKey"]),
    ("lifecycle_testing::keys::SigningKeys", &["str"]), // the keys' owner
    ("lifecycle_vault::keyring::Keyring", &["String"]), // the keys' ids
    ("lifecycle_vault::seal::TenantSecret", &[]),
];

/// Types of other crates that wipe themselves; each by a feature of that crate, which the crate that uses it asserts.
const WIPE: [&str; 3] = ["Hmac", "XChaCha20Poly1305", "Zeroizing"];

/// What holds others, and nothing itself.
const AROUND: [&str; 8] = ["Arc", "BTreeMap", "Box", "HashMap", "Mutex", "Option", "RwLock", "Vec"];

/// Fields with such a name hold a secret, if they can.
const NAMES: [&str; 6] = ["auth_token", "password", "private_key", "secret", "secrets", "token"];

/// Fields with such a name that hold none.
const NO_SECRETS: [(&str, &str); 3] = [
    ("lifecycle_cli::explain::tests::secrets::Given", "secret"), // of a test
    ("lifecycle_core::envelope::StoredTrust", "secret"),         // the name of one
    ("lifecycle_securityscorecard::installation_data::InstallationData", "secrets"), // beside their names
];

#[test]
fn what_a_secret_is_kept_in_wipes_it() {
    fn wipes<T: ZeroizeOnDrop>() {}
    wipes::<Zeroizing<String>>();
    wipes::<Zeroizing<Vec<u8>>>();
    wipes::<Zeroizing<[u8; 32]>>();
}

#[test]
fn each_type_that_holds_a_secret_is_made_of_what_wipes_itself() {
    let libraries = LIBRARIES.map(Library::of);
    let mut missing: BTreeSet<&str> = HOLD.iter().map(|(path, _)| *path).collect();
    let mut unlisted = Vec::new();
    for (path, fields) in libraries.iter().flat_map(Library::types) {
        let of: Vec<String> = fields.iter().flat_map(|field| names(&field.of)).collect();
        let Some((listed, open)) = HOLD.iter().find(|(listed, _)| *listed == path) else {
            if of.iter().any(|name| WIPE.contains(&name.as_str())) {
                unlisted.push((path, of));
            }
            continue;
        };
        missing.remove(listed);
        for name in &of {
            let holds = HOLD.iter().any(|(other, _)| last(other) == name);
            assert!(
                holds || WIPE.contains(&name.as_str()) || open.contains(&name.as_str()),
                "{path}: {name} is not wiped"
            );
        }
        let stale: Vec<_> = open.iter().filter(|name| !of.iter().any(|own| own == *name)).collect();
        assert!(stale.is_empty(), "{path} has no {stale:?}");
    }
    assert!(unlisted.is_empty(), "these hold secrets; list them: {unlisted:#?}");
    assert!(missing.is_empty(), "there are no such types: {missing:?}");
}

#[test]
fn a_field_that_is_called_a_secret_is_no_plain_text() {
    let libraries = LIBRARIES.map(Library::of);
    let mut found = BTreeSet::new();
    for (path, fields) in libraries.iter().flat_map(Library::types) {
        for field in fields.iter().filter(|field| NAMES.contains(&field.name.as_str())) {
            let plain = ["Bytes", "Cow", "String", "u8", "str", "Value"];
            if names(&field.of).iter().any(|name| plain.contains(&name.as_str())) {
                found.insert((path.to_owned(), field.name.clone()));
            }
        }
    }
    let known = NO_SECRETS.map(|(path, name)| (path.to_owned(), name.to_owned()));
    assert_eq!(found, known.into(), "a secret is `Zeroizing`");
}

/// The names of the types that something consists of; what is within those that wipe themselves does not matter.
fn names(of: &Type) -> Vec<String> {
    match of {
        Type::Path(path) => {
            let Some(segment) = path.path.segments.last() else { return Vec::new() };
            let name = segment.ident.to_string();
            if AROUND.contains(&name.as_str()) {
                inner(&segment.arguments).into_iter().flat_map(names).collect()
            } else {
                vec![name]
            }
        }
        Type::Array(it) => names(&it.elem),
        Type::Reference(it) => names(&it.elem),
        Type::Slice(it) => names(&it.elem),
        Type::Tuple(it) => it.elems.iter().flat_map(names).collect(),
        _ => Vec::new(),
    }
}
