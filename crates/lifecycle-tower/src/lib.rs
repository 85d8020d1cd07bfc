//! crates/lifecycle-tower
