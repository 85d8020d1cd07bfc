//! What each kind of route promises, in process and over sockets.

mod body;
mod closing;
mod enabled;
mod endpoint;
#[cfg(feature = "axum")]
mod extractors;
mod layer;
mod logged;
mod support;
mod wire;
