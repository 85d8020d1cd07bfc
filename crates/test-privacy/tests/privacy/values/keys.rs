//! Values of fetched keys.

use std::collections::BTreeMap;

use lifecycle_core::discord;
use lifecycle_keys::saleor::{API_URL, Registration};
use lifecycle_keys::{KeySetClient, KeySetUrl, RemoteKeys, TenantKeys};
use test_privacy::CANARY;

use super::{Shown, debug};

pub(super) fn values() -> Vec<Shown> {
    let url = KeySetUrl::parse(&format!("https://{CANARY}.example/{CANARY}?{CANARY}")).unwrap();
    let client = KeySetClient::new();
    let remote = RemoteKeys::owned(&discord::PLATFORM, url.clone(), client.clone(), CANARY);
    let directory = BTreeMap::from([(CANARY.to_owned(), url.clone())]);
    let tenants = TenantKeys::new(&discord::PLATFORM, CANARY, directory, client.clone());
    let body = format!(r#"{{"auth_token":"{CANARY}"}}"#);
    let registration = Registration::read([(API_URL, CANARY.as_bytes())], body.as_bytes(), |_| true);
    vec![debug(&url), debug(&client), debug(&remote), debug(&tenants), debug(&registration.unwrap())]
}
