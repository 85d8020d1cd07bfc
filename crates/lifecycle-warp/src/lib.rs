//! crates/lifecycle-warp
