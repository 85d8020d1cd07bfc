//! crates/lifecycle-conformance
