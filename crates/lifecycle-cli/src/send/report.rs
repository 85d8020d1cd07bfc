//! Report: what became of the callbacks that were sent, in words and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use lifecycle_core::Ack;
use serde_json::{Value, json};

use super::courier::Delivered;
use super::options::Expected;
use crate::answer::Answer;
use crate::proxy::Proxy;
use crate::secret::Hidden;
use crate::shown::{BAD, DIM, GOOD, HEADING, harmless, millis};
use crate::verdict::{Outcome, code};

/// Up to this many are told one by one.
const EACH: usize = 20;

/// What the report is about.
pub(super) struct Sent<'a> {
    pub(super) platform: &'static str,
    /// The kind of callback, such as `install`.
    pub(super) kind: &'a str,
    pub(super) method: &'static str,
    /// Where to, fit to be shown.
    pub(super) url: String,
    pub(super) ack: &'a Ack,
    pub(super) expected: Expected,
    /// What no report may repeat: secrets, and what was signed with them.
    pub(super) private: Private<'a>,
    /// Remarks for people.
    pub(super) notes: Vec<String>,
}

/// What no report may repeat.
#[derive(Default)]
pub(super) struct Private<'a> {
    pub(super) secrets: Vec<&'a Hidden>,
    pub(super) signatures: Vec<String>,
}

impl Private<'_> {
    fn redact(&self, text: &str) -> String {
        let text = self.signatures.iter().fold(text.to_owned(), |text, own| text.replace(own, "[signature]"));
        self.secrets.iter().fold(text, |text, secret| secret.redact(&text))
    }
}

impl Sent<'_> {
    pub(super) fn answer(&self, delivered: &[Delivered]) -> Answer {
        let count = |outcome| delivered.iter().filter(|one| one.verdict.outcome == outcome).count();
        let json = json!({
            "platform": self.platform,
            "kind": self.kind,
            "url": self.url,
            "success_status": self.ack.status(),
            "deadline_ms": self.ack.deadline().map(millis),
            "acknowledged": count(Outcome::Acknowledged),
            "blocked": count(Outcome::Blocked),
            "refused": count(Outcome::Refused),
            "forgeries_accepted": count(Outcome::ForgeryAccepted),
            "undecided": count(Outcome::Undecided),
            "proxy": proxy(delivered).map(ToString::to_string),
            "latency_ms": {
                "median": millis(quantile(delivered, 50)),
                "p99": millis(quantile(delivered, 99)),
                "max": millis(quantile(delivered, 100)),
            },
            "deliveries": delivered.iter().map(|one| self.json(one)).collect::<Vec<_>>(),
        });
        let exit = self.expected.exit(delivered.iter().map(|one| one.verdict.outcome));
        Answer { text: self.text(delivered), json, exit }
    }

    fn json(&self, one: &Delivered) -> Value {
        let answered = one.exchange.result.as_ref().ok();
        json!({
            "status": answered.map(|answered| answered.status),
            "code": answered.and_then(code),
            "latency_ms": millis(one.exchange.took),
            "body": answered.map(|answered| self.private.redact(&String::from_utf8_lossy(&answered.body))),
            "outcome": one.verdict.outcome.name(),
            "verdict": one.verdict.text,
        })
    }

    fn text(&self, delivered: &[Delivered]) -> String {
        let mut text =
            format!("{HEADING}{} {}{HEADING:#}  {} {}\n", self.method, self.url, self.platform, self.kind);
        for note in &self.notes {
            let _ = writeln!(text, "{DIM}{note}{DIM:#}"); // a String takes every write
        }
        if let Some(proxy) = proxy(delivered) {
            let _ = writeln!(text, "{DIM}by way of the proxy {proxy}, whose time counts too{DIM:#}");
        }
        if let [one] = delivered {
            self.one(&mut text, one);
        } else if delivered.len() <= EACH {
            for (place, one) in delivered.iter().enumerate() {
                let _ = writeln!(text, "{:>4}  {}", place + 1, verdict(one));
            }
        } else {
            summary(&mut text, delivered);
        }
        if delivered.len() > 1 {
            let times = [50, 99, 100].map(|percent| quantile(delivered, percent).as_millis());
            let [median, p99, max] = times;
            let _ = writeln!(
                text,
                "{} sent; median {median} ms, 99th percentile {p99} ms, slowest {max} ms",
                delivered.len()
            );
        }
        text
    }

    fn one(&self, text: &mut String, one: &Delivered) {
        if let Ok(answered) = &one.exchange.result {
            let deadline = match self.ack.deadline() {
                Some(deadline) => format!("of the {} ms that the platform waits", deadline.as_millis()),
                None => "(the platform documents no deadline)".to_owned(),
            };
            let _ =
                writeln!(text, "{} after {} ms {deadline}", answered.status, one.exchange.took.as_millis());
            let body = String::from_utf8_lossy(&answered.body);
            if !body.is_empty() {
                let shown = self.private.redact(&body);
                if shown != body {
                    let _ = writeln!(
                        text,
                        "{BAD}the answer repeats a secret or a signature: whoever reads it can forge{BAD:#}"
                    );
                }
                let _ = writeln!(text, "{}", harmless(shown.trim_end()));
            }
        }
        let _ = writeln!(text, "{}", verdict(one));
    }
}

fn verdict(one: &Delivered) -> String {
    let is_good = matches!(one.verdict.outcome, Outcome::Acknowledged | Outcome::Refused);
    let style = if is_good { GOOD } else { BAD };
    format!("{style}{}{style:#}", one.verdict.text)
}

/// What the callbacks went through: they all have the same URL.
pub(super) fn proxy(delivered: &[Delivered]) -> Option<&Proxy> {
    delivered.iter().find_map(|one| one.exchange.proxy.as_ref())
}

/// How often each verdict was reached, whatever the milliseconds.
fn summary(text: &mut String, delivered: &[Delivered]) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in delivered {
        let (verdict, _) = one.verdict.text.split_once(" after ").unwrap_or((&one.verdict.text, ""));
        *counts.entry(verdict.trim_end_matches(',')).or_default() += 1;
    }
    for (verdict, count) in counts {
        let _ = writeln!(text, "{count:>6} x {verdict}");
    }
}

/// The time within which this percentage of the answers came.
fn quantile(delivered: &[Delivered], percent: usize) -> Duration {
    let mut times: Vec<Duration> = delivered.iter().map(|one| one.exchange.took).collect();
    times.sort_unstable();
    let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(place).copied().unwrap_or_default()
}
