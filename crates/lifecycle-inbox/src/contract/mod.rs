//! The contract that every engine keeps, as rules that run against one.
//!
//! An engine's own test file needs no more than this:
//!
//! ```
//! use lifecycle_inbox::contract::{self, Replicas};
//! use lifecycle_inbox::MemoryEngine;
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(
//! contract::check(|| async {
//!     let engine = MemoryEngine::new(); // a new, empty store for each rule
//!     Replicas { one: Arc::new(engine.clone()), two: Arc::new(engine) }
//! })
//! # );
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! [`check_secrets`] does the same for a [`SecretStore`](crate::SecretStore). What needs a process to die, a disk to fill or a server to stop is not in it: test that beside the engine.

mod accepting;
mod claiming;
mod finishing;
mod installations;
mod operations;
mod order;
mod platforms;
mod random;
mod sample;
mod secrets;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::Engine;
use crate::installations::InstallationStore;

pub use secrets::check_secrets;

/// What the contract checks: an engine that also shows the installations it keeps. Every such engine is one.
pub trait EngineUnderTest: Engine + InstallationStore {}

impl<E: Engine + InstallationStore> EngineUnderTest for E {}

/// Two handles to one empty store: of two connections, processes or machines, where the engine allows them.
#[derive(Clone)]
pub struct Replicas {
    /// One.
    pub one: Arc<dyn EngineUnderTest>,
    /// The other. A clone of the first, where the engine has but one handle.
    pub two: Arc<dyn EngineUnderTest>,
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replicas").finish_non_exhaustive()
    }
}

/// One rule of the contract.
pub struct Rule {
    name: &'static str,
    check: Box<dyn Fn(Replicas) -> Check + Send + Sync>,
}

type Check = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Rule {
    fn new<F, R>(rule: F) -> Self
    where
        F: Fn(Replicas) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let path = std::any::type_name::<F>();
        let name = path.split_once("contract::").map_or(path, |(_, name)| name);
        Self { name, check: Box::new(move |replicas| Box::pin(rule(replicas))) }
    }

    /// What it demands, in words.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Checks it against a new, empty store.
    ///
    /// # Panics
    /// When the engine breaks it.
    pub async fn check(&self, replicas: Replicas) {
        (self.check)(replicas).await;
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rule").field(&self.name).finish()
    }
}

/// All rules.
pub fn rules() -> Vec<Rule> {
    [accepting::rules(), claiming::rules(), order::rules(), finishing::rules()]
        .into_iter()
        .chain([platforms::rules(), operations::rules(), installations::rules(), random::rules()])
        .flatten()
        .collect()
}

/// Checks every rule, each against a store of its own, and names all that are broken. Run it in a tokio runtime.
///
/// # Panics
/// When the engine breaks a rule, or does not end within a minute.
pub async fn check<M, F>(new_store: M)
where
    M: Fn() -> F,
    F: Future<Output = Replicas>,
{
    let mut broken = Vec::new();
    for rule in rules() {
        let name = rule.name();
        let replicas = new_store().await;
        let check = tokio::spawn(async move { rule.check(replicas).await });
        let checked = tokio::time::timeout(Duration::from_secs(60), check).await;
        if !matches!(checked, Ok(Ok(()))) {
            broken.push(name);
        }
    }
    assert!(broken.is_empty(), "rules that are broken: {broken:#?}");
}
