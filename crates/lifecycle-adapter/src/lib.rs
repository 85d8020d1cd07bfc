#![doc = include_str!("../README.md")]

mod deadline;
mod discard;
mod exchange;

pub use deadline::Deadline;
pub use discard::discard;
pub use exchange::Exchange;
