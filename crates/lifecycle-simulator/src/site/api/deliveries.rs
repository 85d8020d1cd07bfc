//! Deliveries in the API.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};

use super::{Answer, Input, number};
use crate::delivery::Delivery;
use crate::headline::Headline;
use crate::problem::Problem;
use crate::site::Site;

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
            let headline = Headline::of(&delivery, tenant.platform, &tenant.name);
            Some(Told { delivery, verdict: format!("{}: {}", headline.label, headline.text) })
        });
        Ok(told.collect())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    app: Option<i64>,
    #[serde(default = "hundred")]
    limit: u32,
}

fn hundred() -> u32 {
    100
}

pub(super) async fn list(
    State(site): State<Site>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Answer<Vec<Told>> {
    let Query(filter) =
        filter.map_err(|_| Problem::malformed("the query may hold app and limit, both numbers"))?;
    let deliveries = site.marketplace.deliveries(filter.app, filter.limit).await?;
    Ok(Json(site.told(deliveries).await?))
}

pub(super) async fn show(State(site): State<Site>, Path(id): Path<String>) -> Answer<Told> {
    one(&site, site.marketplace.delivery(number(&id)).await?).await
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
    let deliveries = site.marketplace.repeat(number(&id), again.copies).await?;
    Ok(Json(site.told(deliveries).await?))
}

pub(super) async fn release(State(site): State<Site>, Path(id): Path<String>) -> Answer<Told> {
    one(&site, site.marketplace.release(number(&id)).await?).await
}

/// One delivery with its verdict.
pub(super) async fn one(site: &Site, delivery: Delivery) -> Answer<Told> {
    let told = site.told(vec![delivery]).await?.pop();
    Ok(Json(told.ok_or_else(|| Problem::not_found("delivery"))?))
}
