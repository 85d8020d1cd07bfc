//! Chosen stories of installations with ids, each with its end.

use lifecycle_core::{Change, EventKind, Installation, Status, Transition};

use crate::{HOUR, SECOND, change, fold, start, with};

/// Sent that many hours after the start, and received at once, of a platform that activates by an install.
fn told(seq: i64, kind: &str, id: &str, hour: u32) -> Change {
    let sent = start() + HOUR * hour;
    with(change(seq, EventKind::from_name(kind), Some(sent), sent + SECOND), |change| {
        change.activates |= kind == "install";
        change.installation = Some(id.to_owned());
    })
}

fn untold(seq: i64, kind: &str, id: &str, hour: u32) -> Change {
    with(told(seq, kind, id, hour), |change| change.sent = None)
}

fn end(state: Option<&Installation>) -> Option<(Status, &str, u64)> {
    let state = state?;
    Some((state.status(), state.id()?, state.generation()))
}

#[test]
fn an_event_of_a_replaced_installation_is_late_whatever_its_time_is() {
    let state = fold(&[told(1, "install", "a", 1), told(2, "install", "b", 2)]);
    assert_eq!(end(state.as_ref()), Some((Status::Enabled, "b", 2)));
    for kind in ["install", "enable", "upgrade", "disable", "uninstall"] {
        let mut late = vec![untold(3, kind, "a", 3), told(3, kind, "a", 1)];
        if kind != "install" {
            late.push(told(3, kind, "a", 3));
        }
        for mut change in late {
            change.version = Some("1".to_owned());
            assert_eq!(
                Installation::fold(state.clone(), &change),
                (state.clone(), Transition::Late),
                "{kind}"
            );
        }
    }
    let (closed, _) = Installation::fold(state, &untold(3, "uninstall", "b", 3));
    assert_eq!(end(closed.as_ref()), Some((Status::Uninstalled, "b", 2)));
}

#[test]
fn a_replaced_installation_comes_back_by_an_install_that_tells_a_later_time() {
    let changes = [told(1, "install", "a", 1), told(2, "install", "b", 2), told(3, "install", "a", 3)];
    assert_eq!(end(fold(&changes).as_ref()), Some((Status::Enabled, "a", 3)));
    let state = fold(&[&changes[..], &[untold(4, "disable", "b", 4)]].concat());
    assert_eq!(end(state.as_ref()), Some((Status::Enabled, "a", 3)), "now it is the other that was replaced");
    let state = fold(&[&changes[..], &[untold(4, "disable", "a", 4)]].concat());
    assert_eq!(end(state.as_ref()), Some((Status::Disabled, "a", 3)));
}

#[test]
fn what_follows_a_lost_install_goes_by_its_time() {
    let first = told(1, "install", "a", 1);
    let state = fold(&[first.clone(), told(2, "uninstall", "b", 3)]);
    assert_eq!(end(state.as_ref()), Some((Status::Uninstalled, "b", 1)));
    let state = fold(&[first.clone(), untold(2, "enable", "b", 3), untold(3, "uninstall", "b", 3)]);
    assert_eq!(end(state.as_ref()), Some((Status::Uninstalled, "b", 2)));
    let late = with(told(2, "uninstall", "b", 0), |change| change.received = first.received);
    let fresh = fold(std::slice::from_ref(&first));
    assert_eq!(Installation::fold(fresh, &late).1, Transition::Late);
    let state = fold(&[first, told(2, "enable", "b", 3), untold(3, "uninstall", "a", 4)]);
    assert_eq!(end(state.as_ref()).unwrap().0, Status::Uninstalled, "no install was seen to replace it");
}

#[test]
fn a_close_of_another_installation_within_the_skew_goes_by_its_time() {
    let ten_seconds_before = |id| {
        with(told(2, "uninstall", id, 1), |change| change.sent = change.sent.map(|sent| sent - SECOND * 10))
    };
    let state = fold(&[told(1, "install", "b", 1), ten_seconds_before("a")]);
    assert_eq!(end(state.as_ref()), Some((Status::Enabled, "b", 1)));
    let state = fold(&[told(1, "install", "b", 1), ten_seconds_before("b")]);
    assert_eq!(end(state.as_ref()), Some((Status::Uninstalled, "b", 1)), "in doubt, what closes wins");
}

#[test]
fn the_same_id_is_the_same_generation() {
    let changes = ["install", "disable", "enable", "uninstall", "install"];
    let changes: Vec<_> =
        (1..).zip(changes).zip(1..).map(|((seq, kind), hour)| told(seq, kind, "a", hour)).collect();
    assert_eq!(end(fold(&changes).as_ref()), Some((Status::Enabled, "a", 1)));
    let other = [&changes[..], &[told(6, "install", "b", 6)]].concat();
    assert_eq!(end(fold(&other).as_ref()), Some((Status::Enabled, "b", 2)));
}

#[test]
fn an_upgrade_does_not_tell_whose_status_it_is() {
    assert_eq!(fold(&[told(1, "upgrade", "a", 2)]).unwrap().id(), None);
    let state =
        fold(&[told(1, "upgrade", "a", 2), told(2, "install", "b", 1), untold(3, "uninstall", "a", 3)]);
    assert_eq!(end(state.as_ref()).unwrap().0, Status::Uninstalled, "what was upgraded is not replaced");
}

#[test]
fn eight_replaced_installations_are_remembered() {
    let reinstalled = |times: u32| -> Vec<Change> {
        (0..=times).map(|nth| told(i64::from(nth), "install", &nth.to_string(), nth)).collect()
    };
    let closed_first = |times| {
        let state = fold(&reinstalled(times));
        Installation::fold(state, &untold(100, "uninstall", "0", 100)).0.map(|state| state.status())
    };
    assert_eq!(closed_first(8), Some(Status::Enabled));
    assert_eq!(closed_first(9), Some(Status::Uninstalled), "forgotten: it goes by its arrival");
}

#[test]
fn ids_are_stored() {
    let state = fold(&[told(1, "install", "a", 1), told(2, "install", "b", 2)]).unwrap();
    let text = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<Installation>(&text).unwrap(), state);
}

#[test]
fn debug_does_not_show_the_id() {
    let shown = format!("{:?}", fold(&[told(1, "install", "an-id", 1)]));
    assert!(!shown.contains("an-id"), "{shown}");
}
