//! Deliveries: the page of one delivery, to look into it and to send it again.

use axum::extract::{Path, State};
use axum::response::Response;
use lifecycle_core::AckFailure;
use serde::Deserialize;
use serde_json::json;

use super::Site;
use super::apps::{Nothing, number};
use super::page::{OrRefuse, Refusal, go, render};
use super::posted::Posted;

/// `GET /deliveries/{delivery}`.
pub(super) async fn show(State(site): State<Site>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let delivery = site.marketplace.delivery(number(&id)).await.or_refuse(&site)?;
    let app = site.marketplace.app(delivery.app).await.or_refuse(&site)?;
    let mut copies = site.marketplace.batch(delivery.batch).await.or_refuse(&site)?;
    copies.retain(|copy| copy.id != delivery.id);
    let ack = app.ack();
    let expected = json!({"status": ack.status(), "blocks": ack.failure() == AckFailure::Blocks});
    let view = site.delivery_view(delivery).await.or_refuse(&site)?;
    Ok(render(
        &site,
        "delivery.html",
        json!({"app": app, "view": view, "copies": copies, "expected": expected}),
        &[],
    ))
}

#[derive(Deserialize)]
pub(super) struct Again {
    copies: usize,
}

/// `POST /deliveries/{delivery}/repeat`.
pub(super) async fn repeat(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(again): Posted<Again>,
) -> Result<Response, Refusal> {
    let deliveries = site.marketplace.repeat(number(&id), again.copies).await.or_refuse(&site)?;
    Ok(go(&deliveries.first().map_or_else(|| "/".to_owned(), |first| format!("/deliveries/{}", first.id))))
}

/// `POST /deliveries/{delivery}/send`.
pub(super) async fn release(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Refusal> {
    let delivery = site.marketplace.release(number(&id)).await.or_refuse(&site)?;
    Ok(go(&format!("/deliveries/{}", delivery.id)))
}
