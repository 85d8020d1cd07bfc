//! Repeats: a delivery is sent again, or a held one is let go.

use lifecycle_core::EventKind;

use super::Marketplace;
use super::sending::{Click, Outgoing, Stake};
use crate::app::App;
use crate::delivery::{Delivery, Effect, Role, State};
use crate::installation::allows;
use crate::problem::Problem;

impl Marketplace {
    /// Sends the same body again, once or twice at a time, signed by the secrets that count now.
    ///
    /// A blocked action goes through after all if it is acknowledged this time, as when the administrator tries again,
    /// unless another action went through since. Repeating one that went through changes nothing.
    pub(crate) async fn repeat(&self, id: i64, copies: usize) -> Result<Vec<Delivery>, Problem> {
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
        let claim = self.claim(app.id, original.tenant)?;
        let marketplace = self.clone();
        self.to_the_end(async move {
            let deliveries = marketplace.send_again(&app, &original, copies).await;
            drop(claim);
            deliveries
        })
        .await
    }

    /// Sends a held delivery exactly as it was made, signature and all. Whatever the answer, the administrator has
    /// given up long ago.
    pub(crate) async fn release(&self, id: i64) -> Result<Delivery, Problem> {
        let held = self.delivery(id).await?;
        let app = self.app(held.app).await?;
        if !self.run(move |store| store.release_delivery(id)).await? {
            return Err(Problem::conflict("not-held", "the delivery is not held"));
        }
        let marketplace = self.clone();
        self.to_the_end(async move {
            let hidden_values = marketplace.signing_secrets(&app).await?;
            let outgoing = Outgoing { request: &held.request, hidden_headers: Vec::new(), hidden_values };
            let mut finishes = marketplace.send(&app, &[id], &outgoing).await;
            for finish in &mut finishes {
                finish.effect = Effect::Blocked;
            }
            marketplace.conclude(app.id, held.tenant, finishes, None).await?;
            marketplace.delivery(id).await
        })
        .await
    }

    async fn send_again(
        &self,
        app: &App,
        original: &Delivery,
        copies: usize,
    ) -> Result<Vec<Delivery>, Problem> {
        let click = Click {
            tenant: original.tenant,
            repeats: Some(original.repeats.unwrap_or(original.id)),
            roles: vec![Role::Repeat; copies],
        };
        let mut request = original.request.clone();
        if app.signing.is_none() {
            let (hidden_headers, hidden_values) = self.hidden(app, original).await?;
            let outgoing = Outgoing { request: &request, hidden_headers, hidden_values };
            return self.deliver(app, &click, &outgoing, None).await;
        }
        request.headers = self.signed_headers(app, &request.body).await?;
        let hidden_values = self.signing_secrets(app).await?;
        let outgoing = Outgoing { request: &request, hidden_headers: Vec::new(), hidden_values };
        let kind = EventKind::from_name(&request.event);
        let (app_id, tenant) = (app.id, original.tenant);
        let current = self.run(move |store| store.installation_of(app_id, tenant)).await?;
        let status = current.map(|installation| installation.status);
        let delivery = original.clone();
        let overtaken = self.run(move |store| store.is_overtaken(&delivery)).await?;
        let retry = original.effect == Effect::Blocked && original.role != Role::Late && !overtaken;
        let version = version_of(&request.body);
        let stake =
            (retry && allows(status, &kind)).then_some(Stake { kind: &kind, status, version: &version });
        self.deliver(app, &click, &outgoing, stake).await
    }
}

fn version_of(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    body["version"].as_str().unwrap_or_default().to_owned()
}
