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
pub use filter::{payload, verified};
pub use head::header_lines;
pub use rejection::{VerifiedRejection, recover};
pub use response::{response, response_before_body};
pub use verify::verify;
