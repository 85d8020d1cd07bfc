//! Counted: the answers that somebody got, and which of them are allowed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Answers in words, with how often each came.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    who: String,
    allowed: &'static [&'static str],
    answers: BTreeMap<String, usize>,
    slowest: Duration,
}

impl Counted {
    pub(crate) fn new(who: impl Into<String>, allowed: &'static [&'static str]) -> Self {
        Self { who: who.into(), allowed, answers: BTreeMap::new(), slowest: Duration::ZERO }
    }

    pub(crate) fn add(&mut self, answer: impl Into<String>, took: Duration) {
        *self.answers.entry(answer.into()).or_default() += 1;
        self.slowest = self.slowest.max(took);
    }

    /// Whether there are answers, and all of them are allowed.
    pub(crate) fn holds(&self) -> bool {
        !self.answers.is_empty() && self.answers.keys().all(|answer| self.allowed.contains(&&**answer))
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.who)?;
        for (answer, times) in &self.answers {
            write!(f, " {answer} x{times}")?;
        }
        write!(f, ", the slowest after {} ms", self.slowest.as_millis())?;
        if self.holds() {
            return Ok(());
        }
        write!(f, "; allowed: {}", self.allowed.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_that_is_not_allowed_is_enough_to_fail() {
        let mut counted = Counted::new("genuine", &["202"]);
        assert!(!counted.holds(), "nobody was answered");
        counted.add("202", Duration::from_millis(3));
        counted.add("202", Duration::from_millis(1));
        assert!(counted.holds());
        counted.add("502", Duration::from_millis(2));
        assert!(!counted.holds());
        assert_eq!(counted.to_string(), "genuine: 202 x2 502 x1, the slowest after 3 ms; allowed: 202");
    }
}
