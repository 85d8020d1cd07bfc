//! `TenantKey` and `TenantGate`: a customer of an app on a platform, and who may pass on its behalf.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::delivery::Delivery;
use crate::reply::Reply;

/// A tenant of an app on a platform: what an installation is about.
///
/// Ordered by platform, app and tenant, each byte by byte. Each may be any text, also an empty one, and also one with NUL.
/// `Debug` shows the platform only.
///
/// ```
/// use lifecycle_core::TenantKey;
///
/// let key = TenantKey::new("seismic", "my-app", "a-tenant");
/// assert_eq!(format!("{key:?}"), r#"TenantKey { platform: "seismic", .. }"#);
/// ```
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct TenantKey {
    /// The platform's name.
    pub platform: String,
    /// The app's id on the platform.
    pub app: String,
    /// The platform's id of the customer.
    pub tenant: String,
}

impl TenantKey {
    /// The tenant of this app on this platform.
    pub fn new(platform: impl Into<String>, app: impl Into<String>, tenant: impl Into<String>) -> Self {
        Self { platform: platform.into(), app: app.into(), tenant: tenant.into() }
    }
}

impl From<&Delivery> for TenantKey {
    fn from(delivery: &Delivery) -> Self {
        let event = delivery.event();
        Self::new(delivery.platform().name(), event.app(), event.tenant())
    }
}

impl fmt::Debug for TenantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantKey").field("platform", &self.platform).finish_non_exhaustive()
    }
}

/// Says whether a request on behalf of a tenant may pass: what an adapter's `require_enabled` asks in front of an app's
/// ordinary routes.
///
/// ```
/// use lifecycle_core::{Reply, TenantGate, TenantKey, async_trait};
///
/// struct OneTenant;
///
/// #[async_trait]
/// impl TenantGate for OneTenant {
///     async fn check(&self, tenant: &TenantKey) -> Result<(), Reply> {
///         if tenant.tenant == "t1" { Ok(()) } else { Err(Reply::not_enabled()) }
///     }
/// }
///
/// # tokio_test(async {
/// let tenant = TenantKey::new("seismic", "my-app", "t1");
/// assert_eq!(OneTenant.admit(Some(tenant.clone())).await, Ok(tenant));
/// assert_eq!(OneTenant.admit(None).await.unwrap_err().status(), 403);
/// # });
/// # fn tokio_test(test: impl Future<Output = ()>) {
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     assert!(std::pin::pin!(test).poll(&mut context).is_ready());
/// # }
/// ```
#[async_trait]
pub trait TenantGate: Send + Sync + 'static {
    /// Lets the request pass, or gives the answer to send in its place.
    async fn check(&self, tenant: &TenantKey) -> Result<(), Reply>;

    /// Lets a request pass that is on behalf of this tenant, and hands the tenant back. A request of no tenant does not
    /// pass: it gets [`Reply::not_enabled`].
    async fn admit(&self, tenant: Option<TenantKey>) -> Result<TenantKey, Reply> {
        let tenant = tenant.ok_or_else(Reply::not_enabled)?;
        self.check(&tenant).await?;
        Ok(tenant)
    }
}

#[async_trait]
impl<G: TenantGate + ?Sized> TenantGate for Arc<G> {
    async fn check(&self, tenant: &TenantKey) -> Result<(), Reply> {
        (**self).check(tenant).await
    }

    async fn admit(&self, tenant: Option<TenantKey>) -> Result<TenantKey, Reply> {
        (**self).admit(tenant).await
    }
}
