//! Outcome: what became of each delivery that something was to be done to.

use std::fmt::Write;

use lifecycle_inbox::EngineError;
use serde_json::{Value, json};

use super::database::unanswered;
use crate::answer::{Answer, Exit};
use crate::failure::Failure;

/// What became of each.
pub(crate) struct Outcome {
    /// What was to be done: `retried` or `dropped`.
    done: &'static str,
    changed: Vec<i64>,
    unchanged: Vec<(i64, &'static str)>,
}

impl Outcome {
    pub(crate) fn new(done: &'static str) -> Self {
        Self { done, changed: Vec::new(), unchanged: Vec::new() }
    }

    pub(crate) fn changed(&mut self, id: i64) {
        self.changed.push(id);
    }

    pub(crate) fn unchanged(&mut self, id: i64, why: &'static str) {
        self.unchanged.push((id, why));
    }

    /// The database went away in the middle of it.
    pub(crate) fn broken(&self, error: &EngineError) -> Failure {
        let failure = unanswered(error);
        if self.changed.is_empty() {
            failure
        } else {
            failure.after(&format!("{} {}", self.changed.len(), self.done))
        }
    }

    /// One line for each delivery; well if it was done to all of them.
    pub(crate) fn answer(self) -> Answer {
        let Self { done, changed, unchanged } = self;
        let mut text = String::new();
        // A String takes every write.
        for id in &changed {
            let _ = writeln!(text, "{id}: {done}");
        }
        for (id, why) in &unchanged {
            let _ = writeln!(text, "{id}: not {done}: {why}");
        }
        let _ = writeln!(text, "{} {done}, {} not", changed.len(), unchanged.len());
        let left: Vec<Value> = unchanged.iter().map(|(id, why)| json!({"id": id, "why": why})).collect();
        let json = json!({done: changed, format!("not_{done}"): left});
        Answer { text, json, exit: Exit::well_if(unchanged.is_empty()) }
    }
}
