//! Tenant: a customer of a platform, with the administrator who clicks.

use serde::Serialize;

use crate::key_file;
use crate::platform::Platform;

/// A customer: an organization, or a user where installations are per user.
#[expect(clippy::struct_field_names, reason = "`tenant_id` is the platform's own name for it")]
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Tenant {
    pub(crate) id: i64,
    pub(crate) platform: Platform,
    /// The tenant's short name, or the user's name.
    pub(crate) name: String,
    /// The platform's opaque id of the tenant; for a user the name again.
    pub(crate) tenant_id: String,
    /// The administrator who clicks.
    pub(crate) user_id: String,
    pub(crate) user_email: String,
    /// The domain of the organization.
    pub(crate) domain: String,
}

impl Tenant {
    /// A tenant with made-up ids of the shape that the platform's have, not stored yet.
    pub(crate) fn new(platform: Platform, name: &str) -> Self {
        let vendor = platform.vendor();
        let domain = match name.split_once('@') {
            Some((_, domain)) if vendor.is_user => domain.to_owned(),
            _ => format!("{}.example", label(name)),
        };
        let (tenant_id, user_email) = if vendor.is_user {
            (name.to_owned(), name.to_owned())
        } else if platform.tenants_are_urls() {
            // Completed by the simulator's address, which may differ after a restart.
            (format!("/{}/graphql/", label(name)), format!("admin@{domain}"))
        } else {
            (alike(&vendor.tenant), format!("admin@{domain}"))
        };
        let user_id = vendor.actor.as_deref().filter(|_| !vendor.is_user).map(alike);
        let user_id = user_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        Self { id: 0, platform, name: name.to_owned(), tenant_id, user_id, user_email, domain }
    }

    /// The tenants that a platform has at first.
    pub(crate) fn first(platform: Platform) -> [Self; 2] {
        let names = if platform.vendor().is_user {
            ["jordan.lee@example.com", "sam.rivera@example.org"]
        } else {
            ["Acme", "Globex"]
        };
        names.map(|name| Self::new(platform, name))
    }
}

/// Another id of the same shape: its digits are random ones.
pub(crate) fn alike(id: &str) -> String {
    let mut random = [0; 64];
    key_file::random(&mut random);
    let mut random = random.into_iter().cycle();
    // No 0, with which a number must not begin.
    let mut digit = |_: char| char::from(b'1' + random.next().unwrap_or_default() % 9);
    let id: String = id.chars().map(|c| if c.is_ascii_digit() { digit(c) } else { c }).collect();
    match id.chars().filter(char::is_ascii_digit).count() {
        0..6 => (0..6).fold(id, |id, _| format!("{id}{}", digit('0'))),
        _ => id,
    }
}

/// A name as a part of a domain name.
fn label(name: &str) -> String {
    let label: String =
        name.to_ascii_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let label = label.trim_matches('-');
    if label.is_empty() { "tenant".to_owned() } else { label.to_owned() }
}

/// 128 random bits in hex, after a prefix that tells what it is.
pub(crate) fn random_id(prefix: &str) -> String {
    let mut bytes = [0; 16];
    key_file::random(&mut bytes);
    format!("{prefix}{}", const_hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_id_has_the_shape_of_the_platforms_own() {
        let shape = |id: &str| id.replace(|c: char| c.is_ascii_digit(), "0");
        for id in ["548380009", "acct_1DemoMerchant00001", "guild:111178765189277770"] {
            assert_eq!(shape(&alike(id)), shape(id));
            assert_ne!(alike(id), alike(id), "{id}");
        }
        assert!(alike("EabCDEFghiLHMA").starts_with("EabCDEFghiLHMA"));
        assert_ne!(alike("z4zn3wo"), alike("z4zn3wo"), "two digits are too few");
    }
}
