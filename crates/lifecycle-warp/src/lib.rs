#![doc = include_str!("../README.md")]

mod endpoint;
mod filter;
mod receive;
mod response;
mod verify;

pub use endpoint::endpoint;
pub use filter::{Refused, recover, verified};
pub use verify::verify;
