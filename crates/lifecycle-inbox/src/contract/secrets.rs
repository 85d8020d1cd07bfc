//! Rules of a store of sealed secrets.

use super::sample::key;
use crate::secrets::{SealedSecret, SecretStore};

/// Checks the rules of a [`SecretStore`] that is empty at first, by two handles to it, which may be the same.
///
/// # Panics
/// When the store breaks a rule.
pub async fn check_secrets(one: &dyn SecretStore, two: &dyn SecretStore) {
    sealed_secrets_are_listed_in_pages(one, two).await; // first: it lists all there are
    a_sealed_secret_is_kept_replaced_and_deleted(one, two).await;
    a_sealed_secret_is_replaced_only_if_it_is_still_the_same(one).await;
}

fn secret(tenant: &str, name: &str, sealed: &[u8]) -> SealedSecret {
    SealedSecret { tenant: key(tenant), name: name.to_owned(), sealed: sealed.to_vec() }
}

async fn a_sealed_secret_is_kept_replaced_and_deleted(one: &dyn SecretStore, two: &dyn SecretStore) {
    let bytes: Vec<u8> = (0..=255).collect();
    one.put_sealed(secret("t", "api\0key", &bytes)).await.unwrap();
    assert_eq!(two.sealed(&key("t"), "api\0key").await.unwrap(), Some(bytes));
    one.put_sealed(secret("t", "api\0key", b"newer")).await.unwrap();
    assert_eq!(two.sealed(&key("t"), "api\0key").await.unwrap(), Some(b"newer".to_vec()));
    assert_eq!(two.sealed(&key("u"), "api\0key").await.unwrap(), None);
    assert_eq!(two.sealed(&key("t"), "api").await.unwrap(), None);

    one.put_sealed(secret("t", "b", b"")).await.unwrap();
    one.put_sealed(secret("u", "b", b"other")).await.unwrap();
    assert_eq!(one.delete_sealed(&key("t"), Some("api\0key")).await.unwrap(), 1);
    assert_eq!(one.delete_sealed(&key("t"), Some("api\0key")).await.unwrap(), 0);
    assert_eq!(one.sealed(&key("t"), "b").await.unwrap(), Some(Vec::new()));
    one.put_sealed(secret("t", "c", b"")).await.unwrap();
    assert_eq!(one.delete_sealed(&key("t"), None).await.unwrap(), 2);
    assert_eq!(one.sealed(&key("u"), "b").await.unwrap(), Some(b"other".to_vec()));
}

async fn a_sealed_secret_is_replaced_only_if_it_is_still_the_same(one: &dyn SecretStore) {
    let old = secret("replaced", "a", b"old");
    assert!(!one.replace_sealed(&old, b"new".to_vec()).await.unwrap());
    assert_eq!(one.sealed(&key("replaced"), "a").await.unwrap(), None);
    one.put_sealed(old.clone()).await.unwrap();
    assert!(one.replace_sealed(&old, b"new".to_vec()).await.unwrap());
    assert!(!one.replace_sealed(&old, b"newer".to_vec()).await.unwrap());
    assert_eq!(one.sealed(&key("replaced"), "a").await.unwrap(), Some(b"new".to_vec()));
}

async fn sealed_secrets_are_listed_in_pages(one: &dyn SecretStore, two: &dyn SecretStore) {
    let mut expected = Vec::new();
    for (tenant, name) in [("a", "x"), ("a", "y"), ("b", ""), ("b", "x"), ("ba", "a")] {
        expected.push(secret(tenant, name, tenant.as_bytes()));
    }
    for secret in expected.iter().rev() {
        one.put_sealed(secret.clone()).await.unwrap();
    }
    let mut seen: Vec<SealedSecret> = Vec::new();
    loop {
        let after = seen.last().map(|last| (&last.tenant, last.name.as_str()));
        let page = two.all_sealed(after, 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen, expected);
}
