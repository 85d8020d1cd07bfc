#![doc = include_str!("../README.md")]

mod enabled;
mod endpoint;
mod extractor;
mod middleware;
mod receive;
mod rejection;

pub use enabled::require_enabled;
pub use endpoint::endpoint;
pub use extractor::{Verified, VerifiedJson};
pub use middleware::verify;
pub use receive::{header_lines, response, response_before_body};
pub use rejection::VerifiedRejection;
