//! Chosen stories, each with its end.

use std::time::Duration;

use lifecycle_core::{Change, EventKind, Installation, Status, Transition};

use crate::clock::Clock;
use crate::{HOUR, SECOND, fold, start, with};

/// Sent that many hours after the start, and received at once. What arrives out of order is given another `seq`.
fn change(seq: i64, kind: &str, hour: u32, version: Option<&str>) -> Change {
    let sent = start() + HOUR * hour;
    with(crate::change(seq, EventKind::from_name(kind), Some(sent), sent + SECOND), |change| {
        change.version = version.map(str::to_owned);
        change.actor = Some(format!("actor-{hour}"));
    })
}

/// The end of events that arrive in this order, each sent at its hour.
fn story(events: &[(&str, u32)]) -> (Status, u64) {
    let mut arrival = start();
    let arrive = |(seq, (kind, hour)): (i64, &(&str, u32))| {
        with(change(seq, kind, *hour, None), |change| {
            arrival = arrival.max(change.received);
            change.received = arrival;
        })
    };
    let changes: Vec<Change> = (1..).zip(events).map(arrive).collect();
    let state = fold(&changes).expect("a known kind");
    (state.status(), state.generation())
}

#[test]
fn each_story_ends_as_told() {
    use Status::{Disabled, Enabled, Installed, Uninstalled};
    for (events, end) in [
        (&[("install", 1)][..], (Installed, 1)),
        (&[("install", 1), ("enable", 2), ("disable", 3), ("enable", 4)], (Enabled, 1)),
        (&[("install", 1), ("enable", 2), ("disable", 3), ("uninstall", 4)], (Uninstalled, 1)),
        (&[("install", 1), ("uninstall", 2), ("install", 3)], (Installed, 2)),
        // The old uninstall arrives after the new install.
        (&[("install", 1), ("install", 3), ("uninstall", 2)], (Installed, 1)),
        (&[("install", 1), ("enable", 2), ("install", 4), ("uninstall", 3)], (Installed, 2)),
        // Enabled before its install is known; the install comes later.
        (&[("enable", 2)], (Enabled, 1)),
        (&[("enable", 2), ("install", 1)], (Enabled, 1)),
        // A second install while the first is not used yet is the same installation, tried again.
        (&[("install", 1), ("install", 2)], (Installed, 1)),
        // Only the end was seen.
        (&[("uninstall", 5), ("install", 4), ("enable", 4)], (Uninstalled, 1)),
        // An upgrade says nothing about the status.
        (&[("upgrade", 9), ("enable", 3)], (Enabled, 1)),
        (&[("disable", 3), ("upgrade", 9)], (Disabled, 1)),
        // At the same time: in the order of arrival.
        (&[("install", 1), ("enable", 1)], (Enabled, 1)),
        (&[("install", 1), ("enable", 1), ("disable", 1)], (Disabled, 1)),
    ] {
        assert_eq!(story(events), end, "{events:?}");
    }
}

/// What was found to leave the app on: enabled now, and then closed by a time that nobody can mean, or enabled by such a
/// time, and then closed now.
#[test]
fn no_broken_time_keeps_the_app_on() {
    let at = |seq, kind, clock: Clock| {
        let now = start() + SECOND * u32::try_from(seq).unwrap();
        with(change(seq, kind, 0, None), |change| (change.sent, change.received) = (clock.read(now), now))
    };
    for (enable, close) in [
        (Clock::Right, Clock::YearOne),
        (Clock::Right, Clock::Year1601),
        (Clock::Right, Clock::Year1900),
        (Clock::Right, Clock::Year1970),
        (Clock::Right, Clock::Absent),
        (Clock::ALittleAhead, Clock::Absent),
        (Clock::ALittleAhead, Clock::Right),
        (Clock::AnHourAhead, Clock::Right),
        (Clock::ADayAhead, Clock::Right),
        (Clock::AYearAhead, Clock::Right),
        (Clock::AYearAhead, Clock::Absent),
    ] {
        for kind in ["disable", "uninstall"] {
            let changes = [at(1, "install", Clock::Right), at(2, "enable", enable), at(3, kind, close)];
            let end = fold(&changes).map(|state| state.status());
            let expected = if kind == "disable" { Status::Disabled } else { Status::Uninstalled };
            assert_eq!(end, Some(expected), "enable {enable:?}, {kind} {close:?}");
        }
    }
}

#[test]
fn an_opening_in_doubt_is_kept_closed_until_it_is_beyond_doubt() {
    let disable = change(1, "disable", 1, None);
    let enable_after = |time: Duration| {
        with(change(2, "enable", 1, None), |change| {
            change.sent = None;
            change.received = start() + HOUR + time;
            change.horizon = Duration::from_secs(63);
        })
    };
    let closed = fold(&[disable]);
    let (state, transition) = Installation::fold(closed.clone(), &enable_after(SECOND * 62));
    assert_eq!((state.unwrap().status(), transition), (Status::Disabled, Transition::KeptClosed));
    let (state, transition) = Installation::fold(closed, &enable_after(SECOND * 63));
    assert_eq!((state.unwrap().status(), transition), (Status::Enabled, Transition::Applied));
}

#[test]
fn without_times_a_retried_event_counts_by_its_arrival() {
    let untold = |seq, kind| with(change(seq, kind, 1, None), |change| change.sent = None);
    let state = fold(&[untold(1, "install"), untold(3, "disable")]);
    let (state, transition) = Installation::fold(state, &untold(2, "enable"));
    assert_eq!((state.unwrap().status(), transition), (Status::Disabled, Transition::Late));
}

#[test]
fn an_upgrade_never_goes_back_in_time() {
    let changes = [
        change(1, "install", 1, Some("1")),
        change(2, "upgrade", 5, Some("3")),
        with(change(3, "upgrade", 3, Some("2")), |change| change.received = start() + HOUR * 6),
    ];
    assert_eq!(fold(&changes).unwrap().version(), Some("3"));
    let (_, transition) = Installation::fold(fold(&changes[..2]), &changes[2]);
    assert_eq!(transition, Transition::Late);
}

#[test]
fn an_upgrade_that_changes_nothing_is_not_late_where_it_is_the_newest_of_something() {
    let without_version = change(2, "upgrade", 2, None);
    let (_, transition) = Installation::fold(fold(&[change(1, "install", 1, None)]), &without_version);
    assert_eq!(transition, Transition::Unchanged, "the newest to act");
    let both = change(2, "upgrade", 2, Some("1"));
    let (_, transition) = Installation::fold(fold(&[change(1, "install", 1, Some("1"))]), &both);
    assert_eq!(transition, Transition::Unchanged, "the newest of both");
    let before = [change(1, "install", 1, Some("1")), change(2, "enable", 3, None)];
    let (_, transition) = Installation::fold(fold(&before), &change(3, "upgrade", 2, Some("1")));
    assert_eq!(transition, Transition::Unchanged, "the newest to name a version");
}

#[test]
fn a_repeated_disable_changes_nothing_but_the_time() {
    let state = fold(&[change(1, "install", 1, None), change(2, "disable", 2, None)]);
    let (state, transition) = Installation::fold(state, &change(3, "disable", 3, None));
    assert_eq!(transition, Transition::Unchanged);
    assert_eq!(state.unwrap().since(), start() + HOUR * 2);
}

#[test]
fn an_event_that_is_folded_again_does_not_undo_what_followed() {
    let install = change(1, "install", 1, None);
    let changes = [install.clone(), change(2, "enable", 1, None), change(3, "upgrade", 2, None)];
    let state = fold(&changes);
    let (again, transition) = Installation::fold(state.clone(), &install);
    assert_eq!((again, transition), (state.clone(), Transition::Late));
    let (again, transition) = Installation::fold(state.clone(), &changes[1]);
    assert_eq!((again, transition), (state, Transition::Unchanged));
}

#[test]
fn an_unknown_kind_is_no_installation() {
    assert_eq!(Installation::fold(None, &change(1, "suspend", 1, None)), (None, Transition::Unchanged));
}

#[test]
fn a_stored_installation_reads_back() {
    let untold = with(change(3, "disable", 3, None), |change| change.sent = None);
    let changes = [change(1, "install", 1, Some("1.0.0")), change(2, "disable", 2, None), untold];
    let state = fold(&changes).unwrap();
    let text = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<Installation>(&text).unwrap(), state);
    assert!(!text.contains("\"id\"") && !text.contains("replaced"), "as it was stored before: {text}");
}

/// As it was stored when a change had a key in place of a number: it reads, and whatever arrives is newer.
#[test]
fn an_installation_of_the_first_form_reads() {
    let stored = r#"{"status":"enabled","version":"1.0.0","generation":1,"last_actor":null,"since":1700000000000,
        "status_by":{"at":1700000000000,"keys":["0000000000000000000000000000000000000000000000000000000000000001"]},
        "version_by":{"at":-9223372036854775808,"keys":[]},
        "actor_by":{"at":1700000000000,"keys":[]}}"#;
    let state: Installation = serde_json::from_str(stored).unwrap();
    let (state, transition) = Installation::fold(Some(state), &change(1, "disable", 1, None));
    assert_eq!((state.unwrap().status(), transition), (Status::Disabled, Transition::Applied));
}

#[test]
fn debug_does_not_show_who_did_it() {
    let shown = format!("{:?}", fold(&[change(1, "install", 1, None)]));
    assert!(!shown.contains("actor"), "{shown}");
}
