//! Random stories, longer than those that can all be tried.

use std::time::{Duration, SystemTime};

use lifecycle_core::{Change, EventKind, Installation, Status};
use proptest::prelude::*;

use crate::clock::Clock;
use crate::setting::Setting;
use crate::{change, fold, is_open, opens, start, with};

const KINDS: [&str; 6] = ["install", "enable", "upgrade", "disable", "uninstall", "suspend"];

const LONGEST: usize = 8;

/// An event, how long after the one before it is sent, and the clock that dates it.
#[derive(Clone, Debug)]
struct Event {
    kind: EventKind,
    after: Duration,
    clock: Clock,
    version: Option<String>,
}

fn story(clocks: &'static [Clock], gap: std::ops::Range<u64>) -> impl Strategy<Value = Vec<Event>> {
    let kind = prop::sample::select(&KINDS).prop_map(EventKind::from_name);
    let event = (kind, gap, prop::sample::select(clocks), prop::option::of("[0-9]\\.[0-9]"));
    let event = event.prop_map(|(kind, seconds, clock, version)| Event {
        kind,
        after: Duration::from_secs(seconds),
        clock,
        version,
    });
    prop::collection::vec(event, 1..=LONGEST)
}

/// The changes of a story, and when each was sent. An install after an uninstall begins another installation.
fn changes(story: &[Event], setting: Setting) -> Vec<(SystemTime, Change)> {
    let (mut sent, mut installation, mut is_over) = (start(), 0, false);
    let happen = |(seq, event): (i64, &Event)| {
        sent += event.after;
        if is_over && event.kind == EventKind::Install {
            (installation, is_over) = (installation + 1, false);
        }
        is_over |= event.kind == EventKind::Uninstall;
        let change = with(change(seq, event.kind.clone(), event.clock.read(sent), sent), |change| {
            change.version.clone_from(&event.version);
            change.actor = Some(format!("actor-{seq}"));
        });
        (sent, setting.tell(change, installation))
    };
    (1..).zip(story).map(happen).collect()
}

fn in_order(story: &[Event], setting: Setting) -> Vec<Change> {
    changes(story, setting).into_iter().map(|(_, change)| change).collect()
}

/// As they arrive in this order, each as soon as it was sent and those before it were there.
fn arrived(changes: &[(SystemTime, Change)], order: &[usize]) -> Vec<Change> {
    let mut arrival = start();
    let arrive = |(seq, (sent, change)): (i64, &(SystemTime, Change))| {
        arrival = arrival.max(*sent);
        with(change.clone(), |change| (change.seq, change.received) = (seq, arrival))
    };
    (1..).zip(order.iter().filter_map(|nth| changes.get(*nth))).map(arrive).collect()
}

/// An order of arrival for the longest story.
fn any_order() -> impl Strategy<Value = Vec<usize>> {
    Just((0..LONGEST).collect::<Vec<_>>()).prop_shuffle()
}

/// The story up to its last disable or uninstall.
fn until_the_last_close(mut story: Vec<Event>) -> Option<Vec<Event>> {
    let closes = |event: &Event| matches!(event.kind, EventKind::Disable | EventKind::Uninstall);
    let last = story.iter().rposition(closes)?;
    story.truncate(last + 1);
    Some(story)
}

fn is_served(state: Option<&Installation>) -> bool {
    is_open(state.map(Installation::status))
}

fn any_setting() -> impl Strategy<Value = Setting> {
    prop::sample::select(Setting::all())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_last_close_closes_whatever_the_clocks_say(
        story in story(&Clock::ALL, 1..10_000),
        setting in any_setting(),
    ) {
        let Some(story) = until_the_last_close(story) else { return Ok(()) };
        prop_assert!(!is_served(fold(&in_order(&story, setting)).as_ref()));
    }

    #[test]
    fn a_last_close_that_is_dated_right_closes_in_any_order_among_times_that_are_right_or_never_meant(
        story in story(&Clock::RIGHT_OR_NEVER_BELIEVED, 1..10_000),
        setting in any_setting(),
        order in any_order(),
    ) {
        let Some(mut story) = until_the_last_close(story) else { return Ok(()) };
        if let Some(last) = story.last_mut() {
            last.clock = Clock::Right;
        }
        let changes = arrived(&changes(&story, setting), &order);
        prop_assert!(!is_served(fold(&changes).as_ref()));
    }

    #[test]
    fn a_last_opening_opens_when_all_times_are_right_or_none_is_believed(
        story in story(&[Clock::Right], 1..10_000),
        setting in any_setting(),
        unbelieved in prop::option::of(prop::sample::select(&Clock::NEVER_BELIEVED)),
    ) {
        let Some(last) = story.iter().rposition(|event| opens(&event.kind)) else { return Ok(()) };
        let mut story = story[..=last].to_vec();
        for event in &mut story {
            event.clock = unbelieved.unwrap_or(event.clock);
        }
        let end = fold(&in_order(&story, setting)).map(|state| state.status());
        prop_assert!(matches!(end, Some(Status::Enabled | Status::Installed)), "{:?}", end);
    }

    /// Beyond the skew, right times leave no doubt, whatever is folded again.
    #[test]
    fn with_right_clocks_any_order_with_any_event_folded_again_ends_the_same(
        story in story(&[Clock::Right], 61..10_000),
        setting in any_setting(),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        order in any_order(),
    ) {
        let expected = fold(&in_order(&story, setting));
        let mut changes = arrived(&changes(&story, setting), &order);
        for index in again {
            let of = index.index(changes.len());
            changes.push(changes[of].clone());
        }
        let state = fold(&changes);
        prop_assert_eq!(state.is_some(), expected.is_some());
        let (Some(state), Some(expected)) = (state, expected) else { return Ok(()) };
        prop_assert_eq!(state.status(), expected.status());
        prop_assert_eq!(state.version(), expected.version());
        prop_assert_eq!(state.last_actor(), expected.last_actor());
        prop_assert!((1..=story.len() as u64).contains(&state.generation()));
    }

    /// A retried dead letter, a lease that was lost after its commit: whatever came before the close changes nothing after it.
    #[test]
    fn what_is_folded_again_after_a_last_close_opens_nothing(
        story in story(&Clock::ALL, 1..10_000),
        setting in any_setting(),
        again in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
    ) {
        let Some(story) = until_the_last_close(story) else { return Ok(()) };
        let mut changes = in_order(&story, setting);
        for index in again {
            changes.push(changes[index.index(story.len())].clone());
        }
        prop_assert!(!is_served(fold(&changes).as_ref()), "{:?}", changes);
    }

    #[test]
    fn a_generation_never_goes_back(
        story in story(&Clock::ALL, 0..10_000),
        setting in any_setting(),
    ) {
        let mut state = None;
        let mut generation = 0;
        for change in in_order(&story, setting) {
            state = Installation::fold(state, &change).0;
            let now = state.as_ref().map_or(0, Installation::generation);
            prop_assert!(now >= generation);
            generation = now;
        }
    }
}
