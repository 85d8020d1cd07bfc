//! The platforms that this crate knows, one file or folder each.

pub mod securityscorecard;
