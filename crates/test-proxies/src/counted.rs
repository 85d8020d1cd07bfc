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
    took: Vec<Duration>,
    is_genuine: bool,
}

impl Counted {
    pub(crate) fn new(who: impl Into<String>, allowed: &'static [&'static str]) -> Self {
        Self { who: who.into(), allowed, answers: BTreeMap::new(), took: Vec::new(), is_genuine: false }
    }

    /// Of callbacks among an attack, whose times a report shows.
    pub(crate) fn of_genuine(self) -> Self {
        Self { is_genuine: true, ..self }
    }

    pub(crate) fn is_genuine(&self) -> bool {
        self.is_genuine
    }

    pub(crate) fn add(&mut self, answer: impl Into<String>, took: Duration) {
        *self.answers.entry(answer.into()).or_default() += 1;
        self.took.push(took);
    }

    /// By when so many of a hundred had come.
    pub(crate) fn within(&self, percent: usize) -> Duration {
        let mut took = self.took.clone();
        took.sort_unstable();
        let place = (took.len() * percent / 100).min(took.len().saturating_sub(1));
        took.get(place).copied().unwrap_or_default()
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
        write!(
            f,
            ", 99 % within {} ms, all within {} ms",
            self.within(99).as_millis(),
            self.within(100).as_millis()
        )?;
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
        assert_eq!(
            counted.to_string(),
            "genuine: 202 x2 502 x1, 99 % within 3 ms, all within 3 ms; allowed: 202"
        );
    }
}
