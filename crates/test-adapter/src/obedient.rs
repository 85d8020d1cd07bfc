//! Obedient: a handler that does as the tenant's name says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lifecycle_core::{Decision, Delivery, HandlerError, LifecycleHandler, async_trait};

/// Counts the installs that it handles. For the tenants `refuse`, `fail`, `panic` and `sleep` it does just that, and it
/// accepts those of all others. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Obedient(Arc<AtomicUsize>);

impl Obedient {
    /// How many it has begun to handle.
    pub fn handled(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl LifecycleHandler for Obedient {
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        Ok(match delivery.event().tenant() {
            "refuse" => Decision::refuse("no contract"),
            _ => Decision::Accept,
        })
    }

    async fn install(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        match delivery.event().tenant() {
            "fail" => return Err("s3cr3t detail".into()),
            "panic" => panic!("as told"),
            "sleep" => tokio::time::sleep(Duration::from_secs(60)).await,
            _ => {}
        }
        Ok(())
    }
}
