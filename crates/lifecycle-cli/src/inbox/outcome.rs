//! Outcome: what became of each delivery that something was to be done to.

use std::collections::HashMap;
use std::fmt::Write;

use lifecycle_inbox::{DeliverySummary, EngineError};
use serde_json::{Value, json};

use super::database::unanswered;
use super::row;
use crate::answer::{Answer, Exit};
use crate::failure::Failure;

/// What became of each.
pub(crate) struct Outcome {
    /// What was to be done: `retried` or `deleted`.
    done: &'static str,
    changed: Vec<i64>,
    unchanged: Vec<(i64, &'static str)>,
    /// Left alone, because later deliveries of their tenants are done.
    overtaken: Vec<i64>,
    /// Of what was changed, the later deliveries that are done.
    later: HashMap<i64, String>,
}

impl Outcome {
    pub(crate) fn new(done: &'static str) -> Self {
        Self {
            done,
            changed: Vec::new(),
            unchanged: Vec::new(),
            overtaken: Vec::new(),
            later: HashMap::new(),
        }
    }

    pub(crate) fn changed(&mut self, id: i64) {
        self.changed.push(id);
    }

    pub(crate) fn unchanged(&mut self, id: i64, why: &'static str) {
        self.unchanged.push((id, why));
    }

    pub(crate) fn overtaken(&mut self, id: i64) {
        self.overtaken.push(id);
    }

    /// Names the later deliveries of its tenant that are done.
    pub(crate) fn note(&mut self, id: i64, later: &[DeliverySummary]) {
        if !later.is_empty() {
            self.later.insert(id, row::named(later));
        }
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
        let Self { done, changed, unchanged, overtaken, later } = self;
        let mut text = String::new();
        // A String takes every write.
        for id in &changed {
            let _ = match later.get(id) {
                Some(later) => {
                    writeln!(text, "{id}: {done}, although later ones of its tenant are done: {later}")
                }
                None => writeln!(text, "{id}: {done}"),
            };
        }
        for (id, why) in &unchanged {
            let _ = writeln!(text, "{id}: not {done}: {why}");
        }
        let _ = writeln!(text, "{} {done}, {} not", changed.len(), unchanged.len());
        if !overtaken.is_empty() {
            let count = overtaken.len();
            let _ = writeln!(
                text,
                "{count} left alone, of whose tenants later deliveries are done; --overtaken takes these too"
            );
        }
        let left: Vec<Value> = unchanged.iter().map(|(id, why)| json!({"id": id, "why": why})).collect();
        let mut json = json!({done: changed, format!("not_{done}"): left});
        if !overtaken.is_empty() {
            json["overtaken"] = json!(overtaken);
        }
        Answer { text, json, exit: Exit::well_if(unchanged.is_empty()) }
    }
}
