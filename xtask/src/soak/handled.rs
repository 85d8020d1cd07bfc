//! Handled: what the apps say that they have handled, read piece by piece: a page of theirs shows the latest only.

use std::collections::HashSet;

use serde_json::Value;

use crate::Failure;

/// The keys of all events that were handled, in the order of handling.
#[derive(Default)]
pub(crate) struct Handled {
    pub(crate) keys: Vec<String>,
    known: HashSet<String>,
    /// Those that the page had when it was read last.
    shown: HashSet<String>,
    pub(crate) faults: Vec<String>,
}

impl Handled {
    /// Adds what is new on `GET /deliveries`. It has to be read before the page has passed over anything.
    pub(crate) fn read(&mut self, page: &Value) -> Result<(), Failure> {
        let list = page.as_array().ok_or("GET /deliveries: no list")?;
        let key = |delivery: &Value| delivery["idempotency_key"].as_str().map(str::to_owned);
        let keys: Vec<String> =
            list.iter().map(key).collect::<Option<_>>().ok_or("GET /deliveries: an event without a key")?;
        if !self.shown.is_empty() && !keys.iter().any(|key| self.shown.contains(key)) {
            return Err("GET /deliveries has passed over something".into());
        }
        let mut shown = HashSet::new();
        for key in keys {
            let is_new = self.known.insert(key.clone());
            let is_here_again = !shown.insert(key.clone());
            if is_here_again || (!is_new && !self.shown.contains(&key)) {
                self.faults.push(format!("handled twice: {key}"));
            }
            if is_new {
                self.keys.push(key);
            }
        }
        self.shown = shown;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(pages: &[&[&str]]) -> Result<Handled, Failure> {
        let mut handled = Handled::default();
        for page in pages {
            let page: Vec<Value> = page.iter().map(|key| json!({"idempotency_key": key})).collect();
            handled.read(&page.into())?;
        }
        Ok(handled)
    }

    #[test]
    fn pages_that_overlap_are_one_list() {
        // What was committed late can stand before what was seen.
        let handled = read(&[&["a", "b"], &["a", "c", "b", "d"], &["d", "e"]]).unwrap();
        assert_eq!(handled.keys, ["a", "b", "c", "d", "e"]);
        assert_eq!(handled.faults, [""; 0]);
    }

    #[test]
    fn what_is_there_twice_was_handled_twice() {
        assert_eq!(read(&[&["a", "b", "a"]]).unwrap().faults, ["handled twice: a"]);
        assert_eq!(read(&[&["a", "b"], &["b", "c"], &["c", "a"]]).unwrap().faults, ["handled twice: a"]);
    }

    #[test]
    fn a_page_without_anything_of_the_last_one_is_a_failure() {
        assert!(read(&[&["a", "b"], &["c", "d"]]).is_err());
    }
}
