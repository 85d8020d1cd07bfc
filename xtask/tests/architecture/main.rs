//! The workspace's rules, as tests: who may depend on whom, what a manifest says, how a source file looks.
//! ARCHITECTURE.md has the reasons.

// Read as the book is built.
#[path = "../../src/links.rs"]
mod links;

mod bad_tokens;
mod dependencies;
mod direction;
mod documents;
mod graph;
mod manifests;
mod map;
mod metrics;
mod pages;
mod platforms;
mod public_api;
mod reasons;
mod security;
mod sources;
mod tree;
mod words;
mod workflows;
