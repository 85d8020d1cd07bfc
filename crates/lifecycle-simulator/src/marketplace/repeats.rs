//! Repeats: a delivery is sent again, or a held one is let go.

use std::time::SystemTime;

use super::sending::{Click, Outgoing, Stake, Started};
use super::{Claim, Marketplace};
use crate::app::App;
use crate::delivery::{Delivery, Effect, Role, State};
use crate::problem::Problem;
use crate::tenant::Tenant;

impl Marketplace {
    /// Sends the same event again, once or twice at a time, signed by the secrets that count now.
    ///
    /// A blocked action goes through after all if it is acknowledged this time, as when the administrator tries again,
    /// unless another action went through since. Repeating one that went through changes nothing.
    pub(crate) async fn repeat(&self, id: i64, copies: usize) -> Result<Started, Problem> {
        if !(1..=2).contains(&copies) {
            return Err(Problem::invalid("copies", "copies must be 1 or 2"));
        }
        let original = self.delivery(id).await?;
        match original.state {
            State::Held => return Err(Problem::conflict("held", "the delivery is held; send it instead")),
            State::Sending => return Err(Problem::conflict("busy", "the delivery is still on its way")),
            State::Acknowledged | State::Failed => {}
        }
        let app = self.app(original.app).await?;
        let tenant = self.tenant(original.tenant).await?;
        let claim = self.claim(app.id, tenant.id)?;
        self.send_again(app, tenant, &original, copies, claim).await
    }

    /// Sends a held delivery exactly as it was made, signature and all. Whatever the answer, the administrator has
    /// given up long ago.
    pub(crate) async fn release(&self, id: i64) -> Result<Started, Problem> {
        let held = self.delivery(id).await?;
        let app = self.app(held.app).await?;
        let tenant = self.tenant(held.tenant).await?;
        let hidden_values = self.signing_secrets(&app).await?;
        if !self.run(move |store| store.release_delivery(id)).await? {
            return Err(Problem::conflict("not-held", "the delivery is not held"));
        }
        let outgoing = Outgoing { hidden_values, effect: Effect::Blocked, ..Outgoing::new(held.request) };
        Ok(self.background(app, tenant, vec![id], outgoing, None, None))
    }

    async fn send_again(
        &self,
        app: App,
        tenant: Tenant,
        original: &Delivery,
        copies: usize,
        claim: Claim,
    ) -> Result<Started, Problem> {
        let outgoing = match (original.occurrence.clone(), original.forgery) {
            (Some(occurrence), Some(forgery)) => self.forged(&app, occurrence, forgery).await?,
            (Some(occurrence), None) => self.written(&app, occurrence, SystemTime::now()).await?,
            (None, _) if app.callbacks().is_some() => Outgoing::new(original.request.clone()),
            (None, _) => {
                let (hidden_headers, hidden_values) = self.hidden(&app, original).await?;
                Outgoing { hidden_headers, hidden_values, ..Outgoing::new(original.request.clone()) }
            }
        };
        let stake = match original.forgery {
            Some(_) => None,
            None => self.stake_again(&app, &tenant, original).await?,
        };
        let roles = vec![Role::Repeat; copies];
        let click = Click { tenant, repeats: Some(original.repeats.unwrap_or(original.id)), roles };
        self.deliver(app, click, outgoing, stake, Some(claim)).await
    }

    /// What goes through after all, if it is acknowledged this time.
    async fn stake_again(
        &self,
        app: &App,
        tenant: &Tenant,
        original: &Delivery,
    ) -> Result<Option<Stake>, Problem> {
        if original.effect != Effect::Blocked || original.role == Role::Late {
            return Ok(None);
        }
        let kind = app.platform().kind(&original.request.event);
        let (Some(kind), Some(occurrence)) = (kind, &original.occurrence) else { return Ok(None) };
        let (app_id, tenant_id) = (app.id, tenant.id);
        let current = self.run(move |store| store.installation_of(app_id, tenant_id)).await?;
        let status = current.map(|installation| installation.status);
        let delivery = original.clone();
        let overtaken = self.run(move |store| store.is_overtaken(&delivery)).await?;
        let version = occurrence.version.clone();
        let can_be = !overtaken && app.platform().allows(status, &kind);
        Ok(can_be.then_some(Stake { kind, status, version }))
    }
}
