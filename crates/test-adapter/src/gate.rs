//! Gate: a gate for ordinary routes that knows its tenants by name.

use lifecycle_core::{Reply, TenantGate, TenantKey, async_trait};

/// Opens for the tenant `open`, is out of order for the tenant `broken`, and has a reply of its app's own for `careless`.
#[derive(Debug)]
pub struct Gate;

impl Gate {
    /// Tenants that it does not open for, and what it answers: nothing that an adapter knows by itself.
    pub fn closed() -> [(Option<&'static str>, Reply); 4] {
        [
            (None, Reply::not_enabled()),
            (Some("closed"), Reply::not_enabled()),
            (Some("broken"), Self::reply("broken")),
            (Some("careless"), Self::reply("careless")),
        ]
    }

    fn reply(tenant: &str) -> Reply {
        match tenant {
            // Frameworks differ in what they make of upper case, ...
            "broken" => {
                Reply::problem(503, "unavailable", "The store is away", None).header("Retry-After", "5")
            }
            // ... and of a header that HTTP cannot send.
            "careless" => Reply::empty(303).header("location", "/\r\nset-cookie: a=b"),
            _ => Reply::not_enabled(),
        }
    }
}

#[async_trait]
impl TenantGate for Gate {
    async fn check(&self, tenant: &TenantKey) -> Result<(), Reply> {
        tokio::task::yield_now().await;
        match &*tenant.tenant {
            "open" => Ok(()),
            tenant => Err(Self::reply(tenant)),
        }
    }
}
