#![doc = include_str!("../README.md")]

mod address;
mod client;
mod connect;
mod lookups;
mod remote;
pub mod saleor;
pub mod telemetry;
mod tenants;
#[cfg(test)]
mod tests;
mod url;

pub use client::{FetchError, InvalidCertificates, KeySetClient};
pub use remote::RemoteKeys;
pub use tenants::{TenantDirectory, TenantKeys};
pub use url::{InvalidKeySetUrl, KeySetUrl};
