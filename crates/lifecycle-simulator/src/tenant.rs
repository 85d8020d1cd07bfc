//! Tenant: a customer of a platform, with the administrator who clicks.

use lifecycle_core::{securityscorecard, seismic};
use serde::Serialize;

use crate::key_file;
use crate::platform::Platform;

/// A customer. On Seismic an organization; on SecurityScorecard a user, since its installations are per user.
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
    /// A tenant with made-up ids, not stored yet.
    pub(crate) fn new(platform: Platform, name: &str) -> Self {
        let is_user = platform.installs_for_users();
        let domain = match name.split_once('@') {
            Some((_, domain)) if is_user => domain.to_owned(),
            _ => format!("{}.example", label(name)),
        };
        let (tenant_id, user_email) = if is_user {
            (name.to_owned(), name.to_owned())
        } else {
            (uuid::Uuid::new_v4().to_string(), format!("admin@{domain}"))
        };
        let user_id = uuid::Uuid::new_v4().to_string();
        Self { id: 0, platform, name: name.to_owned(), tenant_id, user_id, user_email, domain }
    }

    /// The tenants of a new marketplace.
    pub(crate) fn first() -> [Self; 4] {
        [
            (&seismic::PLATFORM, "Acme"),
            (&seismic::PLATFORM, "Globex"),
            (&securityscorecard::PLATFORM, "jordan.lee@example.com"),
            (&securityscorecard::PLATFORM, "sam.rivera@example.org"),
        ]
        .map(|(platform, name)| Self::new(Platform::of(platform), name))
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
