//! Standard Webhooks with svix and axum, in the way that its documentation recommends.

use std::env;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use svix::webhooks::Webhook;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = env::var("STANDARD_WEBHOOKS_SIGNING_SECRET")?;
    let app = Router::new().route("/standard-webhooks", post(receive)).with_state(secret);

    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn receive(State(secret): State<String>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Ok(webhook) = Webhook::new(&secret) else { return StatusCode::INTERNAL_SERVER_ERROR };
    if webhook.verify(&body, &headers).is_err() {
        return StatusCode::BAD_REQUEST;
    }
    println!("{:?}", headers.get("webhook-id"));
    StatusCode::NO_CONTENT
}
