//! Script: a sequence of callbacks, as a scenario's file writes it, and those that are built in.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::send::Expected;
use crate::verdict::Intent;

/// The built-in scenarios, by name.
pub(super) const BUILT_IN: &[(&str, &str)] = &[
    ("install-to-uninstall", include_str!("builtin/install-to-uninstall.json")),
    ("rotation-day", include_str!("builtin/rotation-day.json")),
    ("duplicates", include_str!("builtin/duplicates.json")),
    ("out-of-order", include_str!("builtin/out-of-order.json")),
    ("slow-network", include_str!("builtin/slow-network.json")),
    ("re-install", include_str!("builtin/re-install.json")),
];

/// A sequence of callbacks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    /// What it is about.
    pub(super) about: String,
    /// What the app has to have made of it, which no answer tells.
    #[serde(default)]
    pub(super) unseen: Option<String>,
    pub(super) steps: Vec<Step>,
}

/// One callback, or one that is sent again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// What the report calls it; by default what is sent.
    #[serde(default)]
    pub(super) name: Option<String>,
    /// The kind of a new callback.
    #[serde(default)]
    pub(super) send: Option<String>,
    /// The label of an earlier step, whose very bytes are sent again.
    #[serde(default)]
    pub(super) again: Option<String>,
    /// A name for later steps to refer to.
    #[serde(default)]
    pub(super) label: Option<String>,
    /// Members of the callback.
    #[serde(default)]
    pub(super) set: Map<String, Value>,
    /// Members that are left out.
    #[serde(default)]
    pub(super) unset: Vec<String>,
    /// How long ago the callback says that it was sent.
    #[serde(default)]
    pub(super) sent_seconds_ago: u32,
    #[serde(default)]
    pub(super) sign: Signing,
    /// Changes the body after signing.
    #[serde(default)]
    pub(super) tamper: bool,
    #[serde(default)]
    pub(super) chunked: bool,
    #[serde(default)]
    pub(super) slow_body_ms: Option<u64>,
    /// The pause before it.
    #[serde(default)]
    pub(super) pause_ms: u64,
    #[serde(default = "once")]
    pub(super) repeat: u32,
    #[serde(default = "once")]
    pub(super) concurrency: u32,
    /// By default what a receiver has to do: take what is genuine, and refuse what is forged.
    #[serde(default)]
    pub(super) expect: Option<Expected>,
}

fn once() -> u32 {
    1
}

/// Which secrets sign.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Signing {
    /// The current one, and the previous one in the second header.
    Both,
    #[default]
    Current,
    None,
    /// The previous one, as before a rotation.
    Previous,
    /// One that no receiver has.
    Unknown,
}

impl Script {
    /// Reads a script, and checks that each step makes sense.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let next = "`lifecycle scenario --print install-to-uninstall` shows the form";
        let wrong = |what: String| Failure::new(format!("the scenario: {what}"), next);
        let script: Self = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if script.steps.is_empty() {
            return Err(wrong("there are no steps".into()));
        }
        let mut labels = Vec::new();
        for (place, step) in script.steps.iter().enumerate() {
            let wrong = |what: &str| wrong(format!("step {}: {what}", place + 1));
            match (&step.send, &step.again) {
                (Some(_), None) => {}
                (None, Some(label)) if !labels.contains(&label) => {
                    return Err(wrong("`again` names no `label` of an earlier step"));
                }
                (None, Some(_)) if step.set.is_empty() && step.unset.is_empty() => {}
                (None, Some(_)) => return Err(wrong("what is sent again cannot be changed")),
                _ => return Err(wrong("it has one of `send` and `again`")),
            }
            if !(1..=10_000).contains(&step.repeat) || !(1..=1000).contains(&step.concurrency) {
                return Err(wrong("`repeat` is from 1 to 10000, and `concurrency` from 1 to 1000"));
            }
            labels.extend(&step.label);
        }
        Ok(script)
    }

    /// Whether any step needs the previous secret.
    pub(super) fn needs_previous(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.sign, Signing::Both | Signing::Previous))
    }
}

impl Step {
    /// Whether it comes from the platform.
    pub(super) const fn intent(&self) -> Intent {
        if self.tamper || matches!(self.sign, Signing::None | Signing::Unknown) {
            Intent::Forged
        } else {
            Intent::Genuine
        }
    }

    pub(super) fn expected(&self) -> Expected {
        self.expect.unwrap_or(Expected::of(self.intent()))
    }

    pub(super) fn title(&self) -> String {
        let kind = match (&self.send, &self.again) {
            (Some(kind), _) => kind.clone(),
            (None, label) => format!("{} again", label.as_deref().unwrap_or_default()),
        };
        match &self.name {
            Some(name) => format!("{kind}: {name}"),
            None => kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_scenario_makes_sense() {
        for (name, text) in BUILT_IN {
            assert!(Script::parse(text).is_ok(), "{name}: {}", Script::parse(text).unwrap_err());
        }
    }

    #[test]
    fn a_scenario_that_makes_no_sense_is_refused_by_the_number_of_its_step() {
        for (steps, complaint) in [
            ("", "no steps"),
            (r#"{"sned": "install"}"#, "unknown field `sned`"),
            (r#"{"send": "install"}, {}"#, "step 2: it has one of"),
            (r#"{"send": "install", "again": "x"}"#, "step 1: it has one of"),
            (r#"{"again": "x"}"#, "step 1: `again` names no `label`"),
            (r#"{"send": "a", "label": "x"}, {"again": "x", "set": {"a": 1}}"#, "step 2: what is sent again"),
            (r#"{"send": "install", "repeat": 0}"#, "step 1: `repeat`"),
            (r#"{"send": "install", "sign": "twice"}"#, "unknown variant `twice`"),
        ] {
            let failure =
                Script::parse(&format!(r#"{{"about": "a", "steps": [{steps}]}}"#)).unwrap_err().to_string();
            assert!(failure.contains(complaint), "{steps}: {failure}");
        }
    }
}
