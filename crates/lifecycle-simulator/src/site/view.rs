//! View: what the templates show of an app, a tenant and a delivery.

use lifecycle_core::{EventKind, Status};
use serde::Serialize;

use super::Site;
use crate::app::App;
use crate::delivery::{Delivery, State};
use crate::headline::{Headline, Tone, duration, event};
use crate::installation::{Completeness, Installation, allows, words};
use crate::platform::Platform;
use crate::problem::Problem;
use crate::tenant::Tenant;
use crate::version::Version;

/// The width of a time bar, in the units of its drawing.
const BAR: u128 = 300;

/// A delivery in a list, or on its own page.
#[derive(Debug, Serialize)]
pub(super) struct DeliveryView {
    delivery: Delivery,
    headline: Headline,
    event: String,
    tenant: String,
    /// Such as `12 ms`, and of how much time.
    elapsed: Option<String>,
    limit: String,
    /// How far the time bar reaches.
    bar: u64,
    held: bool,
    done: bool,
}

impl DeliveryView {
    fn new(delivery: Delivery, platform: Platform, tenant: &str) -> Self {
        let limit = platform.deadline();
        let elapsed = delivery.elapsed.unwrap_or_default();
        let share = elapsed.as_millis().saturating_mul(BAR) / limit.as_millis().max(1);
        Self {
            headline: Headline::of(&delivery, platform, tenant),
            event: event(&delivery.request.event),
            tenant: tenant.to_owned(),
            elapsed: delivery.elapsed.map(duration),
            limit: duration(limit).replace(".0", ""),
            // A quick answer is still seen.
            bar: u64::try_from(share.clamp(3, BAR)).unwrap_or_default(),
            held: delivery.state == State::Held,
            done: matches!(delivery.state, State::Acknowledged | State::Failed),
            delivery,
        }
    }
}

/// The verdict on the last click.
#[derive(Debug, Serialize)]
pub(super) struct Banner {
    headline: Headline,
    delivery: i64,
    /// How many copies were sent.
    copies: usize,
}

impl Site {
    /// The latest deliveries of an app, newest first.
    pub(super) async fn delivery_views(
        &self,
        app: &App,
        tenants: &[Tenant],
    ) -> Result<Vec<DeliveryView>, Problem> {
        let deliveries = self.marketplace.deliveries(Some(app.id), 50).await?;
        let platform = app.registration.platform();
        let views = deliveries.into_iter().map(|delivery| {
            let tenant = tenants.iter().find(|tenant| tenant.id == delivery.tenant);
            DeliveryView::new(delivery, platform, tenant.map_or("", |tenant| &tenant.name))
        });
        Ok(views.collect())
    }

    pub(super) async fn delivery_view(&self, delivery: Delivery) -> Result<DeliveryView, Problem> {
        let tenant = self.marketplace.tenant(delivery.tenant).await?;
        Ok(DeliveryView::new(delivery, tenant.platform, &tenant.name))
    }

    /// The verdict on the click that a delivery belongs to; nothing if there was none yet.
    pub(super) async fn banner(&self, latest: Option<&Delivery>) -> Result<Option<Banner>, Problem> {
        let Some(latest) = latest else { return Ok(None) };
        let tenant = self.marketplace.tenant(latest.tenant).await?;
        let batch = self.marketplace.batch(latest.batch).await?;
        let headline = Headline::of_batch(&batch, tenant.platform, &tenant.name);
        let shown = batch.iter().find(|delivery| delivery.state == State::Failed).unwrap_or(latest);
        Ok(headline.map(|headline| Banner { headline, delivery: shown.id, copies: batch.len() }))
    }

    /// The verdict on the last click on an app, or on any.
    pub(super) async fn last_banner(&self, app: Option<i64>) -> Result<Option<Banner>, Problem> {
        self.banner(self.marketplace.deliveries(app, 1).await?.first()).await
    }
}

/// A tenant with what its administrator can do now.
#[derive(Debug, Serialize)]
pub(super) struct TenantView {
    tenant: Tenant,
    status: String,
    tone: Tone,
    version: Option<String>,
    /// The actions with a button, by name and title; an upgrade has a field of its own.
    actions: Vec<(String, String)>,
    /// The version that an upgrade is likely to go to, if there can be one.
    upgrade_to: Option<String>,
    /// Of an app with a manifest.
    installation: Option<i64>,
    note: Option<String>,
}

impl TenantView {
    pub(super) fn seismic(app: &App, tenant: Tenant, installations: &[Installation]) -> Self {
        let installation = installations.iter().find(|installation| installation.tenant == tenant.id);
        let status = installation.map(|installation| installation.status);
        let buttons = [EventKind::Install, EventKind::Enable, EventKind::Disable, EventKind::Uninstall];
        let actions = buttons.iter().filter(|kind| allows(status, kind));
        let version = installation.and_then(|installation| installation.version.clone());
        let registered = app.seismic().and_then(|registered| Version::parse(&registered.version));
        let upgrade_to = allows(status, &EventKind::Upgrade).then(|| {
            let next = version.as_deref().and_then(Version::parse).map(Version::next);
            registered.max(next).map(|version| version.to_string()).unwrap_or_default()
        });
        Self {
            tenant,
            status: words(status).to_owned(),
            tone: tone(status),
            version: version.filter(|_| upgrade_to.is_some()),
            actions: actions.map(|kind| (kind.name().to_owned(), event(kind.name()))).collect(),
            upgrade_to,
            installation: None,
            note: None,
        }
    }

    pub(super) fn scorecard(app: &App, tenant: Tenant, installations: &[Installation]) -> Self {
        let installation = installations.iter().find(|installation| installation.tenant == tenant.id);
        let installed = installation.filter(|installation| installation.status != Status::Uninstalled);
        let install = if installed.is_some() { "Install again" } else { "Install" };
        let mut actions = vec![("install".to_owned(), install.to_owned())];
        if installed.is_some() {
            actions.push(("uninstall".to_owned(), "Uninstall".to_owned()));
        }
        let (status, tone, note) = match installed.map(|installation| installation.completeness(app)) {
            None => (words(installation.map(|installation| installation.status)), Tone::Idle, None),
            Some(Completeness::Complete) => ("complete", Tone::Good, None),
            Some(Completeness::ReinstallRequired { missing }) => {
                ("re-install required", Tone::Bad, Some(missing))
            }
            Some(Completeness::Waiting { missing }) => {
                ("waiting for the app's page", Tone::Idle, Some(missing))
            }
        };
        Self {
            tenant,
            status: status.to_owned(),
            tone,
            version: None,
            actions,
            upgrade_to: None,
            installation: installed.map(|installation| installation.id),
            note: note.map(|missing| format!("Missing: {}", missing.join(", "))),
        }
    }
}

fn tone(status: Option<Status>) -> Tone {
    match status {
        Some(Status::Enabled) => Tone::Good,
        _ => Tone::Idle,
    }
}
