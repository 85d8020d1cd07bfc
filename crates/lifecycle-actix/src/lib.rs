//! crates/lifecycle-actix
