//! Tenant: a customer of a platform, with the administrator who clicks.

use serde::Serialize;

use crate::app::Platform;
use crate::key_file;

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
        let domain = match (platform, name.split_once('@')) {
            (Platform::SecurityScorecard, Some((_, domain))) => domain.to_owned(),
            _ => format!("{}.example", label(name)),
        };
        let user_email = match platform {
            Platform::Seismic => format!("admin@{domain}"),
            Platform::SecurityScorecard => name.to_owned(),
        };
        let tenant_id = match platform {
            Platform::Seismic => uuid::Uuid::new_v4().to_string(),
            Platform::SecurityScorecard => name.to_owned(),
        };
        let user_id = uuid::Uuid::new_v4().to_string();
        Self { id: 0, platform, name: name.to_owned(), tenant_id, user_id, user_email, domain }
    }

    /// The tenants of a new marketplace.
    pub(crate) fn first() -> [Self; 4] {
        [
            Self::new(Platform::Seismic, "Acme"),
            Self::new(Platform::Seismic, "Globex"),
            Self::new(Platform::SecurityScorecard, "jordan.lee@example.com"),
            Self::new(Platform::SecurityScorecard, "sam.rivera@example.org"),
        ]
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
