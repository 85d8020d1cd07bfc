//! Verdict: what was handled, held against what was sent.

use std::collections::{BTreeMap, BTreeSet};

use super::sender::{Sent, Tenant};

/// All that is wrong, in words. `handled` are names of tenants and numbers of their callbacks, in the order of handling.
///
/// What was acknowledged has to be there, once, and after what was acknowledged before it. What is in doubt may be there,
/// once, and late: its sender had gone on when it was received.
pub(crate) fn faults<'a>(
    tenants: &'a [Tenant],
    handled: impl IntoIterator<Item = (&'a str, usize)>,
) -> Vec<String> {
    let mut numbers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (tenant, number) in handled {
        numbers.entry(tenant).or_default().push(number);
    }
    let mut faults = Vec::new();
    for Tenant { name, sent } in tenants {
        let (mut seen, mut highest) = (BTreeSet::new(), 0);
        for number in numbers.remove(&**name).unwrap_or_default() {
            match sent.get(number) {
                None => faults.push(format!("{name}: number {number} was handled and never sent")),
                Some(_) if !seen.insert(number) => {
                    faults.push(format!("{name}: number {number} was handled twice"));
                }
                Some(Sent::Acknowledged) if number < highest => {
                    faults.push(format!("{name}: number {number} was handled after number {highest}"));
                }
                Some(_) => {}
            }
            highest = highest.max(number);
        }
        for (number, _) in sent.iter().enumerate().filter(|(_, sent)| **sent == Sent::Acknowledged) {
            if !seen.contains(&number) {
                faults.push(format!("{name}: number {number} was acknowledged and not handled"));
            }
        }
    }
    faults.extend(numbers.keys().map(|name| format!("{name}: a tenant of which nothing was sent")));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use Sent::{Acknowledged, InDoubt};

    /// Whether these numbers may have been handled, of four of which all but number 2 were acknowledged.
    #[track_caller]
    fn check(handled: &[usize], expected: &[&str]) {
        let sent = vec![Acknowledged, Acknowledged, InDoubt, Acknowledged];
        let tenants = [Tenant { name: "t".into(), sent }];
        assert_eq!(faults(&tenants, handled.iter().map(|number| ("t", *number))), expected, "{handled:?}");
    }

    #[test]
    fn what_is_in_doubt_may_be_handled_or_not_and_may_be_late() {
        check(&[0, 1, 3], &[]);
        check(&[0, 1, 2, 3], &[]);
        check(&[0, 1, 3, 2], &[]);
    }

    #[test]
    fn what_was_acknowledged_may_not_be_lost() {
        check(&[0, 2, 3], &["t: number 1 was acknowledged and not handled"]);
        check(&[0, 1], &["t: number 3 was acknowledged and not handled"]);
    }

    #[test]
    fn nothing_may_be_handled_twice() {
        check(&[0, 1, 1, 3], &["t: number 1 was handled twice"]);
        check(&[0, 1, 2, 3, 2], &["t: number 2 was handled twice"]);
    }

    #[test]
    fn what_was_acknowledged_may_not_be_overtaken() {
        check(&[1, 0, 3], &["t: number 0 was handled after number 1"]);
        check(&[0, 2, 1, 3], &["t: number 1 was handled after number 2"]);
    }

    #[test]
    fn nothing_may_be_handled_that_was_not_sent() {
        check(&[0, 1, 3, 4], &["t: number 4 was handled and never sent"]);
        let expected = ["u: a tenant of which nothing was sent"];
        assert_eq!(faults(&[], [("u", 0)]), expected);
    }
}
