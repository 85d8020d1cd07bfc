//! View: what the templates show of a delivery, of a click and of a moment.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::StatusCode;
use lifecycle_core::Status;
use serde::Serialize;

use super::Site;
use crate::app::App;
use crate::bidi::isolated;
use crate::delivery::{Delivery, Role, State};
use crate::headline::{Headline, duration, event, long};
use crate::installation::{Completeness, Installation};
use crate::moment::Moment;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::remedy::Remedy;
use crate::store::Filter;
use crate::tenant::Tenant;

/// The width of a time bar, in the units of its drawing.
const BAR: u128 = 300;

/// How long a page waits for an app.
const QUICK: Duration = Duration::from_millis(250);

/// A moment as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct When {
    iso: String,
    /// With its date and its zone.
    utc: String,
    /// Such as `2 min ago`.
    ago: String,
}

impl From<Moment> for When {
    fn from(moment: Moment) -> Self {
        let iso = moment.to_string();
        let utc = format!("{} UTC", iso.get(..19).unwrap_or_default().replace('T', " "));
        let passed = u64::try_from(Moment::now().0.saturating_sub(moment.0)).unwrap_or_default();
        let ago = match passed {
            0..5_000 => "just now".to_owned(),
            passed => format!("{} ago", long(Duration::from_millis(passed))),
        };
        Self { iso, utc, ago }
    }
}

/// A delivery in a list, or on its own page.
#[derive(Debug, Serialize)]
pub(super) struct DeliveryView {
    delivery: Delivery,
    headline: Headline,
    event: String,
    when: When,
    /// Such as `12 ms`, and of how much time.
    elapsed: Option<String>,
    limit: String,
    /// How far the time bar reaches.
    bar: u64,
    held: bool,
    done: bool,
    waiting: bool,
    /// What the status is called.
    reason: &'static str,
}

impl DeliveryView {
    pub(super) fn new(delivery: Delivery, platform: Platform, tenant: &str) -> Self {
        let limit = platform.deadline();
        let elapsed = delivery.elapsed.unwrap_or_default();
        let share = elapsed.as_millis().saturating_mul(BAR) / limit.as_millis().max(1);
        let status = delivery.answer.as_ref().and_then(|answer| StatusCode::from_u16(answer.status).ok());
        Self {
            headline: Headline::of(&delivery, platform, tenant),
            event: event(&delivery.request.event),
            when: delivery.created_at.into(),
            elapsed: delivery.elapsed.map(duration),
            limit: duration(limit).replace(".0", ""),
            // A quick answer is still seen.
            bar: u64::try_from(share.clamp(3, BAR)).unwrap_or_default(),
            held: delivery.state == State::Held,
            done: matches!(delivery.state, State::Acknowledged | State::Failed),
            waiting: delivery.state == State::Sending,
            reason: status.and_then(|status| status.canonical_reason()).unwrap_or_default(),
            delivery,
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting
    }
}

/// The verdict on a click.
#[expect(clippy::struct_excessive_bools, reason = "templates ask one question each")]
#[derive(Debug, Serialize)]
pub(super) struct Banner {
    headline: Headline,
    delivery: i64,
    tenant: i64,
    when: When,
    /// How many copies were sent.
    copies: usize,
    remedy: Option<Remedy>,
    /// Whether the page was opened for this click, and the click is over.
    pub(super) focused: bool,
    waiting: bool,
    held: bool,
    can_repeat: bool,
    /// A later click.
    newer: Option<(i64, Headline)>,
}

impl Banner {
    /// What the title of the page says.
    pub(super) fn title(&self) -> String {
        let Headline { label, event, tenant, .. } = &self.headline;
        if tenant.is_empty() {
            return format!("{label}: {event}");
        }
        format!("{label}: {event} for {}", isolated(tenant))
    }

    /// What the click has left incomplete: the user has not finished, or secrets are missing. A hook that is acknowledged hides it.
    pub(super) fn incomplete(&self, app: &App, installations: &[Installation]) -> Option<Completeness> {
        let installation = installations.iter().find(|installation| installation.tenant == self.tenant)?;
        let completeness = installation.completeness(app);
        let is_over = installation.status == Status::Uninstalled || completeness == Completeness::Complete;
        (!is_over).then_some(completeness)
    }
}

impl Site {
    /// The verdict on this click on an app, or else on its last; nothing if there was none yet.
    pub(super) async fn banner(&self, app: &App, click: Option<i64>) -> Result<Option<Banner>, Problem> {
        let latest = self.marketplace.deliveries(&Filter::of_app(app.id), 1).await?.pop();
        let Some(latest) = latest else { return Ok(None) };
        let batch = match click {
            Some(click) => self.marketplace.batch(click).await?,
            None => Vec::new(),
        };
        let is_asked = batch.iter().any(|delivery| delivery.app == app.id);
        let batch = if is_asked { batch } else { self.marketplace.batch(latest.batch).await? };
        let mut banner = self.banner_of(app, &batch).await?;
        if let Some(banner) = &mut banner {
            let is_waiting = banner.waiting;
            banner.focused = is_asked && !is_waiting;
            if latest.batch > batch.first().map_or(i64::MAX, |first| first.batch) {
                let tenant = self.marketplace.tenant(latest.tenant).await?;
                let newer = self.marketplace.batch(latest.batch).await?;
                let headline = Headline::of_batch(&newer, app.platform(), &tenant.name);
                banner.newer = headline.map(|headline| (latest.batch, headline));
            }
        }
        Ok(banner)
    }

    /// The verdict on the copies of one click.
    pub(super) async fn banner_of(&self, app: &App, batch: &[Delivery]) -> Result<Option<Banner>, Problem> {
        let Some(first) = batch.first() else { return Ok(None) };
        let tenant = self.marketplace.tenant(first.tenant).await?;
        let headline = Headline::of_batch(batch, app.platform(), &tenant.name);
        let shown = batch.iter().find(|delivery| delivery.state == State::Failed).unwrap_or(first);
        let waiting = batch.iter().any(|delivery| delivery.state == State::Sending);
        let held = first.state == State::Held;
        Ok(headline.map(|headline| Banner {
            headline,
            delivery: shown.id,
            tenant: tenant.id,
            when: shown.created_at.into(),
            copies: batch.len(),
            remedy: Remedy::of(shown, app),
            focused: false,
            waiting,
            held,
            can_repeat: !waiting && !held && shown.role != Role::Late,
            newer: None,
        }))
    }

    pub(super) async fn delivery_view(&self, delivery: Delivery) -> Result<DeliveryView, Problem> {
        let tenant = self.marketplace.tenant(delivery.tenant).await?;
        Ok(DeliveryView::new(delivery, tenant.platform, &tenant.name))
    }

    /// Gives a quick app the time to answer, so that its verdict is there at once.
    pub(super) async fn wait_briefly(&self, click: i64) -> Result<(), Problem> {
        // Watched before it is looked at, so that no outcome falls between the two.
        let mut outcomes = self.marketplace.outcomes();
        let is_waiting = |delivery: &Delivery| delivery.state == State::Sending;
        if self.marketplace.batch(click).await?.iter().any(is_waiting) {
            let ended =
                async { while outcomes.recv().await.is_ok_and(|outcome| outcome.delivery < click) {} };
            let _ = tokio::time::timeout(QUICK, ended).await; // then the page comes back by itself
        }
        Ok(())
    }
}

/// The names of tenants by their ids.
pub(super) fn names(tenants: &[Tenant]) -> HashMap<i64, &str> {
    tenants.iter().map(|tenant| (tenant.id, tenant.name.as_str())).collect()
}
