//! The workspace's rules, as tests: who may depend on whom, what a manifest says, how a source file looks.
//! ARCHITECTURE.md has the reasons.

mod dependencies;
mod direction;
mod graph;
mod links;
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
