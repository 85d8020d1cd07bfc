//! `Owned`: what both programs decode a callback into where ours does not.

use serde::Deserialize;

/// The fields that an event of ours has, as one writes them by hand.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "a route would read it; these do nothing")]
pub struct Owned {
    #[serde(rename = "type")]
    kind: String,
    app_id: String,
    tenant_id: String,
    user_id: Option<String>,
    version: Option<String>,
    prior_version: Option<String>,
    request_id: Option<String>,
    timestamp: Option<String>,
}
