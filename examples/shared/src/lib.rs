//! What the example apps share, so that each of them shows nothing but its framework: [`Settings`], and the app's
//! business ([`App`]) with its durable inbox.

mod app;
mod body;
mod cookies;
mod describe;
mod faces;
mod failure;
mod gate;
mod page;
mod route;
mod serve;
mod settings;
mod shutdown;
mod store;

pub use app::App;
pub use body::read_body;
pub use failure::Failure;
pub use page::Page;
pub use route::route_name;
pub use serve::{Limits, serve};
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

/// Shows log events on the standard error; `RUST_LOG` chooses which.
pub fn log() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
