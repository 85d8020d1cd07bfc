//! Handshake: the platform tries out a URL before it lets a developer save it.

use std::time::SystemTime;

use super::Marketplace;
use super::sending::{Click, Started};
use crate::delivery::Role;
use crate::occurrence::Occurrence;
use crate::problem::Problem;

impl Marketplace {
    /// Tries the app's URL out, as the platform does.
    pub(crate) async fn handshake(&self, app: i64) -> Result<Started, Problem> {
        let app = self.app(app).await?;
        let platform = app.platform();
        let handshake = platform.sender().handshake().map(|handshake| handshake.event());
        let handshake = handshake
            .ok_or_else(|| Problem::invalid("handshake", format!("{} has no handshake", platform.title())))?;
        // It is about no tenant; the first one stands for all.
        let tenants = self.tenants(Some(platform)).await?;
        let tenant = tenants.into_iter().next().ok_or_else(|| Problem::not_found("tenant"))?;
        let occurrence = Occurrence::new(&app, &tenant, self.tenant_id(&tenant), handshake);
        let outgoing = self.written(&app, occurrence, SystemTime::now()).await?;
        let click = Click { tenant, repeats: None, roles: vec![Role::Action] };
        self.deliver(app, click, outgoing, None, None).await
    }
}
