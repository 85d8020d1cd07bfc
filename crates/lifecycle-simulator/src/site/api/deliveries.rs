//! Deliveries in the API.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{self, Path, State};
use serde::{Deserialize, Serialize};

use super::{Answer, Input, number};
use crate::delivery::Delivery;
use crate::headline::Headline;
use crate::problem::Problem;
use crate::site::Site;
use crate::store::{Bucket, Filter};

/// A delivery and its verdict in words.
#[derive(Serialize)]
pub(super) struct Told {
    #[serde(flatten)]
    delivery: Delivery,
    verdict: String,
}

impl Site {
    pub(super) async fn told(&self, deliveries: Vec<Delivery>) -> Result<Vec<Told>, Problem> {
        let tenants = self.marketplace.tenants(None).await?;
        let told = deliveries.into_iter().filter_map(|delivery| {
            let tenant = tenants.iter().find(|tenant| tenant.id == delivery.tenant)?;
            let verdict = Headline::of(&delivery, tenant.platform, &tenant.name).to_string();
            Some(Told { delivery, verdict })
        });
        Ok(told.collect())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    app: Option<i64>,
    tenant: Option<i64>,
    event: Option<String>,
    state: Option<Bucket>,
    q: Option<String>,
    before: Option<i64>,
    #[serde(default = "hundred")]
    limit: u32,
}

fn hundred() -> u32 {
    100
}

pub(super) async fn list(
    State(site): State<Site>,
    query: Result<extract::Query<Query>, QueryRejection>,
) -> Answer<Vec<Told>> {
    let extract::Query(Query { app, tenant, event, state, q, before, limit }) = query.map_err(|_| {
        Problem::malformed("the query may hold app, tenant, event, state, q, before and limit")
    })?;
    let filter = Filter { app, tenant, event, state, q, before };
    let deliveries = site.marketplace.deliveries(&filter, limit).await?;
    Ok(Json(site.told(deliveries).await?))
}

pub(super) async fn show(State(site): State<Site>, Path(id): Path<String>) -> Answer<Told> {
    one(&site, vec![site.marketplace.delivery(number(&id)).await?]).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Again {
    #[serde(default = "once")]
    copies: usize,
}

fn once() -> usize {
    1
}

pub(super) async fn repeat(
    State(site): State<Site>,
    Path(id): Path<String>,
    Input(again): Input<Again>,
) -> Answer<Vec<Told>> {
    let started = site.marketplace.repeat(number(&id), again.copies).await?;
    Ok(Json(site.told(started.finished().await?).await?))
}

pub(super) async fn release(State(site): State<Site>, Path(id): Path<String>) -> Answer<Told> {
    one(&site, site.marketplace.release(number(&id)).await?.finished().await?).await
}

/// One delivery with its verdict.
pub(super) async fn one(site: &Site, deliveries: Vec<Delivery>) -> Answer<Told> {
    let told = site.told(deliveries).await?.pop();
    Ok(Json(told.ok_or_else(|| Problem::not_found("delivery"))?))
}
