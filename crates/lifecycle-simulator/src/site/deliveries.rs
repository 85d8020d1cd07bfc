//! Deliveries: the page of one delivery, to look into it and to send it again.

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::Site;
use super::apps::{Nothing, number};
use super::explain::Explanation;
use super::facts::PlatformFacts;
use super::page::{OrRefuse, Refusal, go, refreshed, render};
use super::posted::Posted;
use super::text::{curl, pretty};

/// `GET /deliveries/{delivery}`.
pub(super) async fn show(State(site): State<Site>, Path(id): Path<String>) -> Result<Response, Refusal> {
    site.wait_briefly(number(&id)).await.or_refuse(&site)?;
    let delivery = site.marketplace.delivery(number(&id)).await.or_refuse(&site)?;
    let app = site.marketplace.app(delivery.app).await.or_refuse(&site)?;
    let mut copies = site.marketplace.batch(delivery.batch).await.or_refuse(&site)?;
    copies.retain(|copy| copy.id != delivery.id);
    let banner = site.banner_of(&app, std::slice::from_ref(&delivery)).await.or_refuse(&site)?;
    let command = curl(&delivery.request);
    let url = reqwest::Url::parse(&delivery.request.url).ok();
    let host = url.as_ref().and_then(|url| Some(url.host_str()?.to_owned() + &port(url)));
    let answered = delivery.answer.as_ref().and_then(|answer| pretty(&answer.body));
    let sent = pretty(&delivery.request.body);
    let explanation = Explanation::of(&delivery, app.platform(), site.marketplace.address());
    let bytes = delivery.request.body.len();
    let view = site.delivery_view(delivery).await.or_refuse(&site)?;
    let is_waiting = view.is_waiting();
    let values = json!({
        "app": app, "platform": PlatformFacts::from(app.platform()), "view": view, "copies": copies,
        "title": banner.as_ref().map(super::view::Banner::title), "banner": banner, "curl": command, "host": host,
        "pretty": sent, "pretty_answer": answered, "bytes": bytes, "explanation": explanation, "agent": crate::courier::AGENT,
    });
    Ok(refreshed(render(&site, "delivery.html", values, &[]), is_waiting))
}

fn port(url: &reqwest::Url) -> String {
    url.port().map_or_else(String::new, |port| format!(":{port}"))
}

/// `GET /deliveries/{delivery}/body`: the bytes that were signed, as a file.
pub(super) async fn body(State(site): State<Site>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let delivery = site.marketplace.delivery(number(&id)).await.or_refuse(&site)?;
    let name = format!("attachment; filename=\"delivery-{}.body\"", delivery.id);
    let headers = [(CONTENT_TYPE, "application/octet-stream".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, delivery.request.body).into_response())
}

#[derive(Deserialize)]
pub(super) struct Again {
    copies: usize,
    /// Whether the button was on the page of the app.
    #[serde(default)]
    from_app: Option<String>,
    #[serde(default)]
    page: String,
}

/// `POST /deliveries/{delivery}/repeat`.
pub(super) async fn repeat(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(again, _): Posted<Again>,
) -> Result<Response, Refusal> {
    let id = number(&id);
    let repeating = async {
        let original = site.marketplace.delivery(id).await?;
        let started = site.marketplace.repeat(id, again.copies).await?;
        let click = started.click.unwrap_or_default();
        Ok(match again.from_app {
            Some(_) => format!("/apps/{}?click={click}", original.app),
            None => format!("/deliveries/{click}"),
        })
    };
    site.once(format!("{} {id} repeat {}", again.page, again.copies), repeating).await.or_refuse(&site)
}

/// `POST /deliveries/{delivery}/send`.
pub(super) async fn release(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(Nothing {}, _): Posted<Nothing>,
) -> Result<Response, Refusal> {
    let started = site.marketplace.release(number(&id)).await.or_refuse(&site)?;
    Ok(go(&format!("/deliveries/{}", started.click.unwrap_or_default())))
}
