#![cfg_attr(feature = "axum", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "axum"),
    doc = "Receives app-lifecycle callbacks in any tower service. Read [`LifecycleLayer`] and [`LifecycleEndpoint`]."
)]

#[cfg(feature = "axum")]
pub mod axum;
mod body;
mod deadline;
mod enabled;
mod endpoint;
mod layer;
mod receive;
mod response;

pub use body::BytesOr;
pub use enabled::{RequireEnabled, RequireEnabledFuture, RequireEnabledLayer};
pub use endpoint::{EndpointFuture, LifecycleEndpoint};
pub use layer::{Lifecycle, LifecycleFuture, LifecycleLayer};
pub use receive::{header_lines, receive};
pub use response::{response, response_before_body};
