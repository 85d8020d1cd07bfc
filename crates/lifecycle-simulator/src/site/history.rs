//! History: the list of an app's deliveries, with its counts, filters and pages.

use axum::extract::Query;
use serde::{Deserialize, Serialize};

use super::Site;
use super::view::{DeliveryView, names};
use crate::app::App;
use crate::headline::event;
use crate::problem::Problem;
use crate::store::{Bucket, Filter, KEPT};
use crate::tenant::Tenant;

/// How many deliveries are on a page.
const PAGE: usize = 50;

/// What the address of an app's page says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// The click whose verdict is shown.
    pub(super) click: Option<String>,
    /// What was done, to be said once.
    pub(super) done: Option<String>,
    state: Option<String>,
    tenant: Option<String>,
    event: Option<String>,
    q: Option<String>,
    before: Option<String>,
}

/// The list, and the ways around in it.
#[derive(Debug, Serialize)]
pub(super) struct History {
    deliveries: Vec<DeliveryView>,
    counts: Vec<Link>,
    /// To the deliveries before those on this page.
    older: Option<String>,
    /// To the first page, where this is a later one.
    newest: Option<String>,
    is_filtered: bool,
    tenants: Vec<Choice>,
    events: Vec<Choice>,
    q: String,
    state: Option<Bucket>,
    total: i64,
    kept: i64,
}

#[derive(Debug, Serialize)]
struct Link {
    count: i64,
    label: &'static str,
    href: String,
    is_current: bool,
}

#[derive(Debug, Serialize)]
struct Choice {
    value: String,
    label: String,
    is_chosen: bool,
}

impl Asked {
    /// For nothing but the verdict on a click.
    pub(super) fn of_click(click: Option<i64>) -> Self {
        Self { click: click.map(|click| click.to_string()), ..Self::default() }
    }

    /// What cannot be read is not asked for: an address is often edited by hand.
    fn filter(&self, app: i64) -> Filter {
        let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
        let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let state = self
            .state
            .clone()
            .and_then(|state| serde_json::from_value(serde_json::Value::String(state)).ok());
        Filter {
            app: Some(app),
            tenant: number(&self.tenant),
            event: text(&self.event),
            state,
            q: text(&self.q),
            before: number(&self.before),
        }
    }
}

impl Site {
    pub(super) async fn history(
        &self,
        app: &App,
        tenants: &[Tenant],
        Query(asked): &Query<Asked>,
    ) -> Result<History, Problem> {
        let filter = asked.filter(app.id);
        let limit = u32::try_from(PAGE + 1).unwrap_or(u32::MAX);
        let mut deliveries = self.marketplace.deliveries(&filter, limit).await?;
        let has_older = deliveries.len() > PAGE;
        deliveries.truncate(PAGE);
        let counts = self.marketplace.counts(&filter).await?;
        let total = counts.iter().map(|(_, count)| count).sum();
        let older = deliveries.last().map(|last| last.id).filter(|_| has_older);
        let older = older.map(|before| address(&Filter { before: Some(before), ..filter.clone() }));
        let newest = filter.before.map(|_| address(&Filter { before: None, ..filter.clone() }));
        let link = |state: Option<Bucket>, count| Link {
            count,
            label: state.map_or("in all", label),
            href: address(&Filter { state, before: None, ..filter.clone() }),
            is_current: filter.state == state,
        };
        let all = std::iter::once(link(None, total));
        let links = all.chain(counts.iter().map(|(bucket, count)| link(Some(*bucket), *count)));
        let links = links.collect();
        let known = names(tenants);
        let views = deliveries.into_iter().map(|delivery| {
            let tenant = known.get(&delivery.tenant).copied().unwrap_or_default();
            DeliveryView::new(delivery, app.platform(), tenant)
        });
        let tenant_choice = |tenant: &Tenant| Choice {
            value: tenant.id.to_string(),
            label: tenant.name.clone(),
            is_chosen: filter.tenant == Some(tenant.id),
        };
        let event_choice = |name: &str| Choice {
            value: name.to_owned(),
            label: event(name),
            is_chosen: filter.event.as_deref() == Some(name),
        };
        Ok(History {
            deliveries: views.collect(),
            counts: links,
            older,
            newest,
            is_filtered: filter.tenant.is_some() || filter.event.is_some() || filter.q.is_some(),
            tenants: tenants.iter().map(tenant_choice).collect(),
            events: app.platform().events().into_iter().map(event_choice).collect(),
            q: filter.q.clone().unwrap_or_default(),
            state: filter.state,
            total,
            kept: KEPT,
        })
    }
}

/// Where a filtered list is.
fn address(filter: &Filter) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    };
    let state = filter.state.and_then(|state| serde_json::to_value(state).ok());
    add("state", state.and_then(|state| state.as_str().map(str::to_owned)));
    add("tenant", filter.tenant.map(|tenant| tenant.to_string()));
    add("event", filter.event.clone());
    add("q", filter.q.clone());
    add("before", filter.before.map(|before| before.to_string()));
    format!("/apps/{}?{}#deliveries", filter.app.unwrap_or_default(), query.finish())
}

fn label(bucket: Bucket) -> &'static str {
    match bucket {
        Bucket::Acknowledged => "acknowledged",
        Bucket::Blocked => "blocked",
        Bucket::Failed => "not acknowledged",
        Bucket::Forged => "to fool it",
        Bucket::Held => "held back",
        Bucket::Sending => "on the way",
    }
}
