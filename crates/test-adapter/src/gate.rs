//! Gate: stands in front of ordinary routes, and knows its tenants by their names.

use lifecycle_core::{Reply, TenantGate, TenantKey, async_trait};

/// Opens for the tenant `open`, and is out of order for the tenant `broken`.
#[derive(Debug)]
pub struct Gate;

impl Gate {
    /// What it answers when it is out of order: nothing that an adapter knows by itself.
    pub fn out_of_order() -> Reply {
        Reply::problem(503, "unavailable", "The store is away", None)
    }
}

#[async_trait]
impl TenantGate for Gate {
    async fn check(&self, tenant: &TenantKey) -> Result<(), Reply> {
        tokio::task::yield_now().await;
        match &*tenant.tenant {
            "open" => Ok(()),
            "broken" => Err(Self::out_of_order()),
            _ => Err(Reply::not_enabled()),
        }
    }
}
