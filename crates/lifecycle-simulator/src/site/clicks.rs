//! Clicks: a form that is sent twice, as by a double click, is one click.

use std::collections::VecDeque;

use axum::response::Response;
use tokio::sync::Mutex;

use super::Site;
use super::page::go;
use crate::problem::Problem;

/// How many are remembered.
const REMEMBERED: usize = 256;

/// The latest forms that were sent, and where each led to.
#[derive(Debug, Default)]
pub(super) struct Clicks(Mutex<VecDeque<(String, String)>>);

impl Site {
    /// Does what a form asks for, unless the same form of the same page has asked for it already; then leads to where that led.
    pub(super) async fn once(
        &self,
        form: String,
        act: impl Future<Output = Result<String, Problem>>,
    ) -> Result<Response, Problem> {
        // The second waits until the first is recorded, which takes no answer of the app.
        let mut sent = self.clicks.0.lock().await;
        if let Some((_, to)) = sent.iter().find(|(known, _)| *known == form) {
            return Ok(go(to));
        }
        let to = act.await?;
        sent.truncate(REMEMBERED - 1);
        sent.push_front((form, to.clone()));
        Ok(go(&to))
    }
}
