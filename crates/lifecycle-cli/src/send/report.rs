//! Report: what became of the callbacks that were sent, in words and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use lifecycle_core::Ack;
use serde_json::{Value, json};

use super::courier::Delivered;
use super::options::{Expected, Preview};
use crate::answer::{Answer, Exit};
use crate::client::{Answered, Outgoing};
use crate::failure::Failure;
use crate::private::Private;
use crate::proxy::Proxy;
use crate::shown::{BAD, DIM, GOOD, HEADING, between, harmless, millis, one_line, wrapped};
use crate::signing::Told;
use crate::verdict::{Outcome, code};
use crate::wire;

/// Up to this many are told one by one.
const EACH: usize = 20;

/// What the report is about.
pub(super) struct Sent<'a> {
    pub(super) platform: &'static str,
    /// The kind of callback, such as `install`.
    pub(super) kind: &'a str,
    /// Where to, fit to be shown.
    pub(super) url: String,
    /// What is sent, the same again and again from the first on.
    pub(super) requests: &'a [Outgoing],
    /// What each of them tells.
    pub(super) told: Vec<Told>,
    /// How many are to be sent.
    pub(super) total: usize,
    pub(super) ack: &'a Ack,
    pub(super) expected: Expected,
    /// What no report may repeat.
    pub(super) private: Private,
    /// Whether requests and answers are shown, too.
    pub(super) verbose: bool,
    /// Remarks for people.
    pub(super) notes: Vec<String>,
}

impl Sent<'_> {
    /// What would be sent.
    pub(super) fn preview(&self, preview: Preview) -> Result<Answer, Failure> {
        let request = &self.requests[0];
        let command = || {
            wire::curl(request, &self.private).ok_or_else(|| {
                Failure::new("curl cannot send a header that is not text", "leave it out, or use --dry-run")
            })
        };
        let (text, shown) = match preview {
            Preview::Curl => {
                let command = command()?;
                let is_redacted = Private::is_redacted(&command);
                let remark = if is_redacted { "# put the secret in the place of [secret]\n" } else { "" };
                (format!("{remark}{command}\n"), json!({"curl": command}))
            }
            Preview::Request => {
                let shown = wire::request(request, &self.private);
                let text = format!("{}{shown}{DIM}nothing was sent{DIM:#}\n", self.head());
                (text, json!({"request": wire::request_json(request, &self.private)}))
            }
        };
        let mut json = json!({
            "platform": self.platform,
            "kind": self.kind,
            "url": self.url,
            "tenant": self.told.first().and_then(|told| told.tenant.as_deref()),
            "request_id": self.told.first().and_then(|told| told.request_id.as_deref()),
        });
        if let (Some(json), Some(shown)) = (json.as_object_mut(), shown.as_object()) {
            json.extend(shown.clone());
        }
        Ok(Answer { text, json, exit: Exit::Well })
    }

    /// What became of it.
    pub(super) fn answer(&self, delivered: &[Delivered]) -> Answer {
        let count = |outcome| delivered.iter().filter(|one| one.verdict.outcome == outcome).count();
        let mut json = json!({
            "platform": self.platform,
            "kind": self.kind,
            "url": self.url,
            "tenant": self.told.first().and_then(|told| told.tenant.as_deref()),
            "success_status": self.ack.status(),
            "deadline_ms": self.ack.deadline().map(millis),
            "acknowledged": count(Outcome::Acknowledged),
            "blocked": count(Outcome::Blocked),
            "refused": count(Outcome::Refused),
            "forgeries_accepted": count(Outcome::ForgeryAccepted),
            "undecided": count(Outcome::Undecided),
            "not_sent": self.total - delivered.len(),
            "proxy": proxy(delivered).map(ToString::to_string),
            "latency_ms": {
                "median": millis(quantile(delivered, 50)),
                "p99": millis(quantile(delivered, 99)),
                "max": millis(quantile(delivered, 100)),
            },
            "deliveries": (0..).zip(delivered).map(|(place, one)| self.json(place, one)).collect::<Vec<_>>(),
        });
        if self.verbose {
            json["request"] = wire::request_json(&self.requests[0], &self.private);
        }
        let exit = self.expected.exit(delivered.iter().map(|one| one.verdict.outcome));
        let exit = if exit == Exit::Well && self.is_interrupted(delivered) { Exit::Undecided } else { exit };
        Answer { text: self.text(delivered), json, exit }
    }

    fn is_interrupted(&self, delivered: &[Delivered]) -> bool {
        delivered.len() < self.total
    }

    fn told(&self, place: usize) -> Option<&Told> {
        self.told.get(place % self.told.len().max(1))
    }

    fn json(&self, place: usize, one: &Delivered) -> Value {
        let answered = one.exchange.result.as_ref().ok();
        json!({
            "request_id": self.told(place).and_then(|told| told.request_id.as_deref()),
            "status": answered.map(|answered| answered.status),
            "code": answered.and_then(code),
            "latency_ms": millis(one.exchange.took),
            "body": answered.map(|answered| self.private.answer(&String::from_utf8_lossy(&answered.body))),
            "outcome": one.verdict.outcome.name(),
            "verdict": one.verdict.text,
        })
    }

    /// What is sent, where to, and about whom.
    fn head(&self) -> String {
        let (what, whereto) =
            (format!("{} {}", self.platform, self.kind), format!("{} {}", self.requests[0].method, self.url));
        let mut text = format!("{HEADING}{whereto}{HEADING:#}{}{what}\n", between(&whereto, &what));
        let told = self.told.first();
        let tenant = told.and_then(|told| told.tenant.as_ref());
        let tenant = tenant.map(|tenant| format!("tenant {}", one_line(tenant)));
        let request = told.and_then(|told| told.request_id.as_ref()).filter(|_| self.told.len() == 1);
        let request = request.map(|id| format!("request {}", one_line(id)));
        // A String takes every write.
        let _ = match (tenant, request) {
            (Some(tenant), Some(request)) => {
                writeln!(text, "{tenant}{}{request}", between(&tenant, &request))
            }
            (Some(one), None) | (None, Some(one)) => writeln!(text, "{one}"),
            (None, None) => Ok(()),
        };
        for note in self.notes.iter().flat_map(|note| note.lines()) {
            let _ = writeln!(text, "{DIM}{}{DIM:#}", wrapped(note, 2));
        }
        text
    }

    fn text(&self, delivered: &[Delivered]) -> String {
        let mut text = self.head();
        // A String takes every write.
        if let Some(proxy) = proxy(delivered) {
            let _ = writeln!(text, "{DIM}by way of the proxy {proxy}, whose time counts too{DIM:#}");
        }
        if let (true, Some(first)) = (self.verbose, delivered.first()) {
            text.push_str(&wire::request(&self.requests[0], &self.private));
            if let Ok(answered) = &first.exchange.result {
                text.push_str(&wire::answer(answered, &self.private));
            }
        }
        if let ([one], 1) = (delivered, self.total) {
            self.one(&mut text, one);
        } else if delivered.len() <= EACH {
            for (place, one) in delivered.iter().enumerate() {
                self.row(&mut text, place, one);
            }
        } else {
            summary(&mut text, delivered);
        }
        if delivered.len() > 1 {
            let [median, p99, max] = [50, 99, 100].map(|percent| quantile(delivered, percent).as_millis());
            let _ = writeln!(
                text,
                "{} sent; median {median} ms, 99th percentile {p99} ms, slowest {max} ms",
                delivered.len()
            );
        }
        if self.is_interrupted(delivered) {
            let rest = self.total - delivered.len();
            let _ =
                writeln!(text, "{BAD}stopped: {rest} of {} were not answered or not sent{BAD:#}", self.total);
        }
        text
    }

    /// One of several, with its own id where each has one.
    fn row(&self, text: &mut String, place: usize, one: &Delivered) {
        let style = if is_good(one) { GOOD } else { BAD };
        let short = wrapped(&format!("{:>4}  {}", place + 1, one.verdict.short), 6);
        let _ = write!(text, "{style}{short}{style:#}"); // a String takes every write
        if let Some(id) = self.told(place).and_then(|told| told.request_id.as_ref())
            && self.told.len() > 1
        {
            let id = one_line(id);
            let gap = if between(&short, &id) == "\n" { "\n      " } else { "  " };
            let _ = write!(text, "{gap}{DIM}{id}{DIM:#}");
        }
        text.push('\n');
    }

    fn one(&self, text: &mut String, one: &Delivered) {
        if let Ok(answered) = &one.exchange.result {
            let deadline = match self.ack.deadline() {
                Some(deadline) => format!("of the {} ms that the platform waits", deadline.as_millis()),
                None => "(the platform documents no deadline)".to_owned(),
            };
            let _ =
                writeln!(text, "{} after {} ms {deadline}", answered.status, one.exchange.took.as_millis());
            self.body(text, answered);
        }
        let style = if is_good(one) { GOOD } else { BAD };
        let _ = writeln!(text, "{style}{}{style:#}", wrapped(&one.verdict.text, 2));
    }

    /// The beginning of an answer's body, which the request and its answer show, too.
    fn body(&self, text: &mut String, answered: &Answered) {
        let body = String::from_utf8_lossy(&answered.body);
        let shown = self.private.answer(&body);
        // A String takes every write.
        if shown != body {
            let _ = writeln!(
                text,
                "{BAD}the answer repeats a secret or a signature: whoever reads it can forge{BAD:#}"
            );
        }
        if self.verbose || shown.is_empty() {
            return;
        }
        let most = shown.len().min(wire::ANSWERED);
        let end = (0..=most).rev().find(|end| shown.is_char_boundary(*end)).unwrap_or_default();
        let _ = writeln!(text, "{}", harmless(shown[..end].trim_end()));
        if shown.len() > end {
            let _ = writeln!(text, "{DIM}… and {} bytes more, which --json has{DIM:#}", shown.len() - end);
        }
    }
}

fn is_good(one: &Delivered) -> bool {
    matches!(one.verdict.outcome, Outcome::Acknowledged | Outcome::Refused)
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
        let _ = writeln!(text, "{}", wrapped(&format!("{count:>6} x {verdict}"), 9));
    }
}

/// The time within which this percentage of the answers came.
fn quantile(delivered: &[Delivered], percent: usize) -> Duration {
    let mut times: Vec<Duration> = delivered.iter().map(|one| one.exchange.took).collect();
    times.sort_unstable();
    let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(place).copied().unwrap_or_default()
}
