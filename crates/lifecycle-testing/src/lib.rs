#![doc = include_str!("../README.md")]

mod delivery;
mod request;

pub use delivery::{delivery, delivery_at, delivery_with};
pub use request::{SignedRequest, keys};
