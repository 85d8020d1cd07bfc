//! The installation's fold, over chosen stories and over every order of arrival.

use std::time::{Duration, UNIX_EPOCH};

use lifecycle_core::{Change, EventKind, IdempotencyKey, Installation, Status, Transition};
use proptest::prelude::*;

/// A change whose key is its kind and its second.
fn change(kind: &str, second: u8, version: Option<&str>) -> Change {
    Change {
        kind: EventKind::from_name(kind),
        at: UNIX_EPOCH + Duration::from_secs(second.into()),
        version: version.map(str::to_owned),
        actor: Some(format!("actor-{second}")),
        key: IdempotencyKey::from_bytes(std::array::from_fn(|at| {
            if at == 0 { second } else { kind.as_bytes().get(at - 1).copied().unwrap_or(0) }
        })),
    }
}

fn fold(changes: &[Change]) -> Option<Installation> {
    changes.iter().fold(None, |state, change| Installation::fold(state, change).0)
}

fn story(changes: &[(&str, u8)]) -> (Status, u64) {
    let changes: Vec<_> = changes.iter().map(|(kind, second)| change(kind, *second, None)).collect();
    let state = fold(&changes).expect("a known kind");
    (state.status(), state.generation())
}

#[test]
fn each_story_ends_as_told() {
    use Status::{Disabled, Enabled, Installed, Uninstalled};
    for (changes, end) in [
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
        // Within one second: in the order of arrival.
        (&[("install", 1), ("enable", 1)], (Enabled, 1)),
    ] {
        assert_eq!(story(changes), end, "{changes:?}");
    }
}

#[test]
fn an_upgrade_never_goes_back_in_time() {
    let changes =
        [change("install", 1, Some("1")), change("upgrade", 5, Some("3")), change("upgrade", 3, Some("2"))];
    assert_eq!(fold(&changes).unwrap().version(), Some("3"));
    let (_, transition) = Installation::fold(fold(&changes[..2]), &changes[2]);
    assert_eq!(transition, Transition::Late);
}

#[test]
fn a_repeated_disable_changes_nothing_but_the_time() {
    let state = fold(&[change("install", 1, None), change("disable", 2, None)]);
    let (state, transition) = Installation::fold(state, &change("disable", 3, None));
    assert_eq!(transition, Transition::Unchanged);
    assert_eq!(state.unwrap().since(), UNIX_EPOCH + Duration::from_secs(2));
}

#[test]
fn a_duplicate_within_the_same_second_does_not_undo_what_followed() {
    let install = change("install", 1, None);
    let later = change("upgrade", 2, None);
    let state = fold(&[install.clone(), change("enable", 1, None), later, install]).unwrap();
    assert_eq!((state.status(), state.generation()), (Status::Enabled, 1));
}

#[test]
fn an_unknown_kind_is_no_installation() {
    assert_eq!(Installation::fold(None, &change("suspend", 1, None)), (None, Transition::Unchanged));
}

#[test]
fn a_stored_installation_reads_back() {
    let state = fold(&[change("install", 1, Some("1.0.0")), change("enable", 2, None)]).unwrap();
    let text = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<Installation>(&text).unwrap(), state);
}

#[test]
fn debug_does_not_show_who_did_it() {
    let shown = format!("{:?}", fold(&[change("install", 1, None)]));
    assert!(!shown.contains("actor"), "{shown}");
}

fn any_changes() -> impl Strategy<Value = Vec<Change>> {
    let kind = prop_oneof![
        Just("install"),
        Just("enable"),
        Just("upgrade"),
        Just("disable"),
        Just("uninstall"),
        Just("suspend")
    ];
    prop::collection::vec((kind, prop::option::of("[0-9]\\.[0-9]")), 1..7).prop_map(|kinds| {
        let numbered = kinds.iter().zip(1..);
        numbered.map(|((kind, version), second)| change(kind, second, version.as_deref())).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_order_with_any_duplicates_ends_the_same(
        changes in any_changes(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        seed in any::<prop::sample::Index>(),
    ) {
        let in_order = fold(&changes);
        let mut arrivals = changes.clone();
        arrivals.extend(picks.iter().map(|pick| changes[pick.index(changes.len())].clone()));
        for round in 0..arrivals.len() {
            arrivals.rotate_left(1);
            let other = seed.index(arrivals.len());
            arrivals.swap(round, other);
            let state = fold(&arrivals);
            prop_assert_eq!(state.is_some(), in_order.is_some());
            let (Some(state), Some(expected)) = (state, in_order.as_ref()) else { continue };
            prop_assert_eq!(state.status(), expected.status());
            prop_assert_eq!(state.version(), expected.version());
            prop_assert_eq!(state.last_actor(), expected.last_actor());
            prop_assert!((1..=changes.len() as u64).contains(&state.generation()));
        }
    }

    #[test]
    fn a_generation_never_goes_back(changes in any_changes()) {
        let mut state = None;
        let mut generation = 0;
        for change in &changes {
            state = Installation::fold(state, change).0;
            let now = state.as_ref().map_or(0, Installation::generation);
            prop_assert!(now >= generation);
            generation = now;
        }
    }
}
