#![doc = include_str!("../README.md")]

mod enabled;
mod endpoint;
mod filter;
mod receive;
mod rejection;
mod response;
mod verify;

pub use enabled::require_enabled;
pub use endpoint::endpoint;
pub use filter::{payload, verified};
pub use receive::header_lines;
pub use rejection::{VerifiedRejection, recover};
pub use response::{response, response_before_body};
pub use verify::verify;
