//! Each platform whose secret is set, with webhook-verify and axum, in the way that its documentation recommends: by `verify`, as its
//! layer has an error that axum's routers do not take.

use std::env;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use webhook_verify::{Provider, Secret, verify};

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
        let Ok(secret) = env::var(setting) else { continue };
        app = app.route(
            path,
            post(async move |headers: HeaderMap, body: Bytes| {
                match verify(provider, &headers, &body, &Secret::new(secret), Default::default()) {
                    Ok(()) => StatusCode::OK,
                    Err(_) => StatusCode::UNAUTHORIZED,
                }
            }),
        );
    }

    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
