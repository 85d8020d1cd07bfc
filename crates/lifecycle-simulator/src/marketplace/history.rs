//! History: the deliveries that have been, filtered and page by page.

use super::Marketplace;
use crate::delivery::Delivery;
use crate::problem::Problem;
use crate::store::{Counts, Filter};

impl Marketplace {
    /// The latest deliveries that pass a filter, newest first.
    pub(crate) async fn deliveries(&self, filter: &Filter, limit: u32) -> Result<Vec<Delivery>, Problem> {
        let filter = filter.clone();
        self.run(move |store| store.deliveries(&filter, limit)).await
    }

    /// How many pass a filter, whatever its outcome, by outcome.
    pub(crate) async fn counts(&self, filter: &Filter) -> Result<Counts, Problem> {
        let filter = filter.clone();
        self.run(move |store| store.counts(&filter)).await
    }

    /// Whether anything is on its way to this app, or to any.
    pub(crate) async fn is_waiting(&self, app: Option<i64>) -> Result<bool, Problem> {
        self.run(move |store| store.is_waiting(app)).await
    }

    pub(crate) async fn delivery(&self, id: i64) -> Result<Delivery, Problem> {
        self.run(move |store| store.delivery(id)).await?.ok_or_else(|| Problem::not_found("delivery"))
    }

    /// Every delivery of the click that this one belongs to, in order.
    pub(crate) async fn batch(&self, batch: i64) -> Result<Vec<Delivery>, Problem> {
        self.run(move |store| store.batch(batch)).await
    }
}
