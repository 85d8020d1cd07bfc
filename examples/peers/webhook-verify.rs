//! Each platform whose secret is set, with webhook-verify's layer and axum, in the way that its documentation recommends.

use std::env;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use webhook_verify::tower::VerifyLayer;
use webhook_verify::{Provider, Secret};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut app = Router::new();
    for (path, setting, provider) in [
        ("/discord", "DISCORD_PUBLIC_KEY", Provider::Discord),
        ("/github", "GITHUB_SIGNING_SECRET", Provider::GitHub),
        ("/linear", "LINEAR_SIGNING_SECRET", Provider::Linear),
        ("/shopify", "SHOPIFY_SIGNING_SECRET", Provider::Shopify),
        ("/slack", "SLACK_SIGNING_SECRET", Provider::Slack),
        ("/standard-webhooks", "STANDARD_WEBHOOKS_SIGNING_SECRET", Provider::StandardWebhooks),
        ("/stripe", "STRIPE_SIGNING_SECRET", Provider::Stripe),
        ("/zoom", "ZOOM_SIGNING_SECRET", Provider::Zoom),
    ] {
        if let Ok(secret) = env::var(setting) {
            let layer = VerifyLayer::new(provider, Secret::new(secret));
            app = app.merge(Router::new().route(path, post(handle)).layer(layer));
        }
    }

    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn handle(headers: HeaderMap) -> StatusCode {
    println!("{:?}", headers.get("user-agent"));
    StatusCode::OK
}
