#![doc = include_str!("../README.md")]

mod deadline;
mod enabled;
mod endpoint;
mod filter;
mod head;
mod receive;
mod rejection;
mod response;
mod verify;

pub use enabled::require_enabled;
pub use endpoint::endpoint;
pub use filter::{action, payload, verified};
pub use rejection::{VerifiedRejection, recover};
pub use response::response;
pub use verify::verify;
