//! Verdict: what was handled, compared with what was sent.

use std::collections::{BTreeMap, BTreeSet};

use super::sender::{Sent, Tenant};

/// All that is wrong, in words. `handled` are names of tenants and numbers of their callbacks, in the order of handling.
///
/// What was acknowledged has to be there, once, and after what was acknowledged before it. What is in doubt may be there,
/// once, and late: its sender had gone on when it was received.
pub(crate) fn faults<'a>(
    tenants: impl IntoIterator<Item = &'a Tenant>,
    handled: &[(String, usize)],
) -> Vec<String> {
    let mut numbers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (tenant, number) in handled {
        numbers.entry(tenant).or_default().push(*number);
    }
    let mut faults = Vec::new();
    for Tenant { name, sent, .. } in tenants {
        let (mut seen, mut highest) = (BTreeSet::new(), 0);
        for number in numbers.remove(&**name).unwrap_or_default() {
            match sent.get(number) {
                None => faults.push(format!("{name}: number {number} was handled and never sent")),
                Some(_) if !seen.insert(number) => {
                    faults.push(format!("{name}: number {number} was handled twice"));
                }
                Some(Sent::Acknowledged(_)) if number < highest => {
                    faults.push(format!("{name}: number {number} was handled after number {highest}"));
                }
                Some(_) => {}
            }
            highest = highest.max(number);
        }
        for (number, _) in sent.iter().enumerate().filter(|(_, sent)| **sent != Sent::InDoubt) {
            if !seen.contains(&number) {
                faults.push(format!("{name}: number {number} was acknowledged and not handled"));
            }
        }
    }
    faults.extend(numbers.keys().map(|name| format!("{name}: a tenant of which nothing was sent")));
    faults
}

/// The tenants whose gate is known to be open or closed in the end: those of which nothing came after their last callback.
pub(crate) fn gates<'a>(
    tenants: &'a [Tenant],
    handled: &[(String, usize)],
) -> impl Iterator<Item = (&'a str, bool)> {
    let last: BTreeMap<&str, usize> = handled.iter().map(|(name, number)| (&**name, *number)).collect();
    let known =
        move |tenant: &&Tenant| last.get(&*tenant.name).is_some_and(|last| last + 1 == tenant.sent.len());
    tenants.iter().filter(known).map(|tenant| (&*tenant.name, tenant.is_open()))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::crash::clock::Clock;

    /// Whether these numbers may have been handled, of four of which all but number 2 were acknowledged.
    #[track_caller]
    fn check(handled: &[usize], expected: &[&str]) {
        let acknowledged = Sent::Acknowledged(Instant::now());
        let sent = vec![acknowledged, acknowledged, Sent::InDoubt, acknowledged];
        let tenants = [Tenant { name: "t".into(), clock: Clock::None, sent }];
        assert_eq!(faults(&tenants, &of("t", handled)), expected, "{handled:?}");
    }

    fn of(tenant: &str, numbers: &[usize]) -> Vec<(String, usize)> {
        numbers.iter().map(|number| (tenant.to_owned(), *number)).collect()
    }

    #[test]
    fn a_gate_is_as_the_last_callback_says_unless_another_one_came_after_it() {
        for (sent, handled, expected) in [
            (2, [0, 1].as_slice(), Some(true)), // install, enable
            (4, &[0, 1, 3], Some(false)),       // disable
            (5, &[4], Some(false)),             // uninstall
            (7, &[5, 6], Some(true)),
            (4, &[0, 1, 3, 2], None),
            (4, &[0, 1], None),
        ] {
            let sent = vec![Sent::InDoubt; sent];
            let tenants = [Tenant { name: "t".into(), clock: Clock::None, sent }];
            let found: Vec<bool> = gates(&tenants, &of("t", handled)).map(|(_, open)| open).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{handled:?}");
        }
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
        assert_eq!(faults(&[], &of("u", &[0])), expected);
    }
}
