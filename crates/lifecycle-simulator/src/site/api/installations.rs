//! Installations in the API.

use axum::Json;
use axum::extract::{Path, State};

use super::apps::Installed;
use super::deliveries::{Told, one};
use super::{Answer, Input, number};
use crate::marketplace::Invocation;
use crate::site::Site;

pub(super) async fn show(State(site): State<Site>, Path(id): Path<String>) -> Answer<Installed> {
    let installation = site.marketplace.installation(number(&id)).await?;
    let app = site.marketplace.app(installation.app).await?;
    Ok(Json(Installed::new(&app, installation)))
}

pub(super) async fn invoke(
    State(site): State<Site>,
    Path(id): Path<String>,
    Input(invocation): Input<Invocation>,
) -> Answer<Told> {
    one(&site, site.marketplace.invoke(number(&id), invocation).await?.finished().await?).await
}
