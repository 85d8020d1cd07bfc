//! What the example apps share, so that each of them shows nothing but its framework: [`Settings`], and the app's
//! business ([`App`]) with its durable inbox.

mod app;
mod body;
mod cookies;
mod database;
mod decision;
mod describe;
mod failure;
mod page;
mod platform_settings;
mod published_keys;
mod route_name;
mod routes;
mod serve;
mod settings;
mod shutdown;

pub use app::App;
pub use body::read_body;
pub use failure::Failure;
pub use page::Page;
pub use route_name::route_name;
pub use serve::{Limits, WatchedBody, serve};
pub use settings::{Settings, SettingsError};
pub use shutdown::Shutdown;

/// The project's README, whose code is compiled here, where all adapters can be had.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The guide to logs of requests, for the same reason.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/access-logs.md")]
struct AccessLogs;

/// The pages on platforms, whose code needs axum, which core does not.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/platforms/azure.md")]
#[doc = include_str!("../../../docs/platforms/bigcommerce.md")]
#[doc = include_str!("../../../docs/platforms/discord.md")]
#[doc = include_str!("../../../docs/platforms/forge.md")]
#[doc = include_str!("../../../docs/platforms/github.md")]
#[doc = include_str!("../../../docs/platforms/linear.md")]
#[doc = include_str!("../../../docs/platforms/monday.md")]
#[doc = include_str!("../../../docs/platforms/saleor.md")]
#[doc = include_str!("../../../docs/platforms/securityscorecard.md")]
#[doc = include_str!("../../../docs/platforms/seismic.md")]
#[doc = include_str!("../../../docs/platforms/shopify.md")]
#[doc = include_str!("../../../docs/platforms/slack.md")]
#[doc = include_str!("../../../docs/platforms/standard-webhooks.md")]
#[doc = include_str!("../../../docs/platforms/stripe.md")]
#[doc = include_str!("../../../docs/platforms/wix.md")]
#[doc = include_str!("../../../docs/platforms/zoom.md")]
struct PlatformPages;

/// The guides whose code runs.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/another-framework.md")]
#[doc = include_str!("../../../docs/guide/another-platform.md")]
#[doc = include_str!("../../../docs/guide/from-sqlite-to-postgresql.md")]
#[doc = include_str!("../../../docs/guide/moving.md")]
#[doc = include_str!("../../../docs/guide/oauth-installs.md")]
#[doc = include_str!("../../../docs/guide/rotating-secrets.md")]
#[doc = include_str!("../../../docs/guide/testing.md")]
struct Guides;

/// What is shown without `RUST_LOG`: all but the log of requests. That has a line for whatever strangers send, and may fill
/// the disk that the inbox is on; `RUST_LOG=info` shows it.
const SHOWN: &str = "info,tower_http=error,actix_web::middleware::logger=error,access_log=error";

/// Shows log events on the standard error; `RUST_LOG` chooses which.
pub fn log() {
    use tracing_subscriber::EnvFilter;
    use tracing_subscriber::filter::Directive;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(SHOWN));
    // At `trace`, warp shows each segment of a path that it compares; a token at a wrong place would be logged.
    let filter = match "warp::filters=debug".parse::<Directive>() {
        Ok(quiet) => filter.add_directive(quiet),
        Err(_) => filter,
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
}
