//! Report: what became of a scenario's steps, in words and as JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use super::script::{Script, Step};
use crate::answer::{Answer, Exit};
use crate::client::Outgoing;
use crate::private::Private;
use crate::send::{Delivered, Expected};
use crate::shown::{BAD, DIM, GOOD, HEADING, between, millis, one_line, wrapped};
use crate::signing::Told;
use crate::verdict::Outcome;
use crate::wire;

/// How wide the column of the steps' titles is.
const TITLE: usize = 42;

/// What a step came to.
pub(super) struct Done<'a> {
    pub(super) step: &'a Step,
    pub(super) request: Outgoing,
    pub(super) told: Told,
    pub(super) signatures: Vec<String>,
    /// Nothing where nothing was sent.
    pub(super) delivered: Vec<Delivered>,
}

/// A scenario that was played, or would be.
pub(super) struct Played<'a> {
    pub(super) scenario: String,
    pub(super) script: &'a Script,
    /// Where to, fit to be shown.
    pub(super) url: String,
    pub(super) tenant: String,
    pub(super) steps: Vec<Done<'a>>,
    pub(super) private: Private,
    /// Whether requests and answers are shown, too.
    pub(super) verbose: bool,
}

impl Played<'_> {
    /// What would be sent.
    pub(super) fn preview(&self) -> Answer {
        let mut text = self.head();
        for (place, done) in (1..).zip(&self.steps) {
            // A String takes every write.
            let _ = writeln!(text, "\n{HEADING}{place:>2}  {}{HEADING:#}", done.title());
            text.push_str(&wire::request(&done.request, &self.private));
        }
        let _ = writeln!(text, "\n{DIM}nothing was sent{DIM:#}");
        let one = |done: &Done<'_>| {
            json!({
                "step": done.step.title(),
                "request_id": done.told.request_id,
                "request": wire::request_json(&done.request, &self.private),
            })
        };
        let json = json!({
            "scenario": self.scenario,
            "about": self.script.about,
            "url": self.url,
            "tenant": self.tenant,
            "steps": self.steps.iter().map(one).collect::<Vec<_>>(),
        });
        Answer { text, json, exit: Exit::Well }
    }

    /// What became of it.
    pub(super) fn answer(&self) -> Answer {
        let mut text = self.head();
        for (place, done) in (1..).zip(&self.steps) {
            self.row(&mut text, place, done);
        }
        let places = |exit| {
            (1..).zip(&self.steps).filter(move |(_, done)| done.exit() == exit).map(|(place, _)| place)
        };
        let wrong: Vec<usize> = places(Exit::Wrong).collect();
        let undecided: Vec<usize> = places(Exit::Undecided).collect();
        // A String takes every write.
        let _ = writeln!(text, "{}", self.summary(&wrong, &undecided));
        if let Some(unseen) = &self.script.unseen {
            let unseen = wrapped(&format!("not seen from here: {}", one_line(unseen)), 2);
            let _ = writeln!(text, "{DIM}{unseen}{DIM:#}");
        }
        let proxy =
            self.steps.iter().flat_map(|done| &done.delivered).find_map(|one| one.exchange.proxy.as_ref());
        if let Some(proxy) = proxy {
            let _ = writeln!(text, "{DIM}by way of the proxy {proxy}, whose time counts too{DIM:#}");
        }
        let json = json!({
            "scenario": self.scenario,
            "about": self.script.about,
            "unseen": self.script.unseen,
            "url": self.url,
            "tenant": self.tenant,
            "proxy": proxy.map(ToString::to_string),
            "steps": self.steps.iter().map(|done| self.json(done)).collect::<Vec<_>>(),
            "not_as_expected": wrong,
            "undecided": undecided,
        });
        let exit = match (wrong.as_slice(), undecided.as_slice()) {
            ([], []) if !self.is_interrupted() => Exit::Well,
            ([], _) => Exit::Undecided,
            _ => Exit::Wrong,
        };
        Answer { text, json, exit }
    }

    fn head(&self) -> String {
        let gap = between(&self.scenario, &self.url);
        let about = wrapped(&one_line(&self.script.about), 0);
        let tenant = one_line(&self.tenant);
        format!(
            "{HEADING}{}{HEADING:#}{gap}{}\n{DIM}{about}{DIM:#}\ntenant {tenant}\n",
            self.scenario, self.url
        )
    }

    fn row(&self, text: &mut String, place: usize, done: &Done<'_>) {
        let (style, mark) = if done.exit() == Exit::Well { (GOOD, "✓") } else { (BAD, "✗") };
        let row = format!("{:>2}  {:<TITLE$}", place, done.title());
        let short = done.short();
        let rest = match between(&row, &format!("{mark} {short}")) {
            "\n" => {
                format!("{}\n{}", row.trim_end(), wrapped(&format!("      {short}"), 6))
            }
            gap => format!("{row}{gap}{short}"),
        };
        // A String takes every write.
        let _ = writeln!(text, "{style}{mark}{style:#} {rest}");
        if let Some(id) = &done.told.request_id {
            let _ = writeln!(text, "      {DIM}request {}{DIM:#}", one_line(id));
        }
        if let (true, Some(first)) = (self.verbose, done.delivered.first()) {
            text.push_str(&wire::request(&done.request, &self.private));
            if let Ok(answered) = &first.exchange.result {
                let private = Private { signatures: done.signatures.clone(), ..self.private.clone() };
                text.push_str(&wire::answer(answered, &private));
            }
        }
    }

    fn json(&self, done: &Done<'_>) -> Value {
        let count = |outcome| done.delivered.iter().filter(|one| one.verdict.outcome == outcome).count();
        let slowest = done.delivered.iter().map(|one| one.exchange.took).max().unwrap_or_default();
        let mut json = json!({
            "step": done.step.title(),
            "request_id": done.told.request_id,
            "sent": done.delivered.len(),
            "acknowledged": count(Outcome::Acknowledged),
            "blocked": count(Outcome::Blocked),
            "refused": count(Outcome::Refused),
            "forgeries_accepted": count(Outcome::ForgeryAccepted),
            "undecided": count(Outcome::Undecided),
            "slowest_ms": millis(slowest),
            "verdict": done.telling().map_or("nothing was sent", |one| one.verdict.text.as_str()),
            "as_expected": done.exit() == Exit::Well,
        });
        if self.verbose {
            json["request"] = wire::request_json(&done.request, &self.private);
        }
        json
    }

    fn is_interrupted(&self) -> bool {
        self.steps.len() < self.script.steps.len() || self.steps.iter().any(Done::is_interrupted)
    }

    /// The last line: where an administrator would have been blocked.
    fn summary(&self, wrong: &[usize], undecided: &[usize]) -> String {
        let join = |places: &[usize]| places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let (accepted, blocked): (Vec<usize>, Vec<usize>) =
            wrong.iter().partition(|place| self.steps[**place - 1].step.expected() == Expected::Blocked);
        let mut complaints: Vec<String> = [
            ("an administrator would have been blocked", &blocked[..]),
            ("what had to be refused was accepted", &accepted),
            ("it is not known what the platform would have seen", undecided),
        ]
        .into_iter()
        .filter(|(_, places)| !places.is_empty())
        .map(|(complaint, places)| format!("{complaint}: step {}", join(places)))
        .collect();
        if self.is_interrupted() {
            complaints.push(format!("stopped in step {} of {}", self.steps.len(), self.script.steps.len()));
        }
        if complaints.is_empty() {
            let count = self.steps.len();
            let text = format!("no administrator would have been blocked: all {count} steps went well");
            return format!("{GOOD}{text}{GOOD:#}");
        }
        format!("{BAD}{}{BAD:#}", wrapped(&complaints.join("; "), 2))
    }
}

impl Done<'_> {
    fn title(&self) -> String {
        let times = if self.step.repeat > 1 { format!(" x {}", self.step.repeat) } else { String::new() };
        one_line(&format!("{}{times}", self.step.title()))
    }

    fn exit(&self) -> Exit {
        self.step.expected().exit(self.delivered.iter().map(|one| one.verdict.outcome))
    }

    fn is_interrupted(&self) -> bool {
        self.delivered.len() < self.step.repeat as usize
    }

    fn short(&self) -> &str {
        self.telling().map_or("nothing was sent", |one| one.verdict.short.as_str())
    }

    /// What tells most: the first that is wrong, else the first that is not as expected, else the slowest.
    fn telling(&self) -> Option<&Delivered> {
        let expected = self.step.expected();
        let odd = || self.delivered.iter().filter(|one| !expected.is_met_by(one.verdict.outcome));
        let wrong = odd().find(|one| one.verdict.outcome != Outcome::Undecided);
        wrong.or_else(|| odd().next()).or(self.delivered.iter().max_by_key(|one| one.exchange.took))
    }
}
