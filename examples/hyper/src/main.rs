//! Placeholder until the adapter stands.
fn main() {}
