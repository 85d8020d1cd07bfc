#![cfg_attr(feature = "axum", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "axum"),
    doc = "Receives app-lifecycle callbacks in any tower service. Read [`LifecycleLayer`] and [`LifecycleEndpoint`]."
)]

#[cfg(feature = "axum")]
pub mod axum;
mod body;
mod enabled;
mod endpoint;
mod future;
mod layer;
mod receive;
mod response;

pub use body::{BytesOr, ResponseBody};
pub use enabled::{RequireEnabled, RequireEnabledLayer};
pub use endpoint::LifecycleEndpoint;
pub use future::ResponseFuture;
pub use layer::{Lifecycle, LifecycleLayer};
pub use receive::{header_lines, receive};
pub use response::{response, response_before_body};
