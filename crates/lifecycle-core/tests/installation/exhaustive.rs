//! All stories of one to four events that can happen, with all combinations of clocks, in all orders of arrival, on
//! platforms that tell ids of installations and that do not, and that activate by an install or by an enable.

use std::time::Duration;

use lifecycle_core::{Change, EventKind};

use crate::clock::Clock;
use crate::setting::Setting;
use crate::{DAY, HOUR, SECOND, change, is_open, opens, start, status};

const KINDS: [EventKind; 4] =
    [EventKind::Install, EventKind::Enable, EventKind::Disable, EventKind::Uninstall];

/// Events that can follow one another, from whatever was before.
fn stories() -> Vec<Vec<EventKind>> {
    let mut all: Vec<Vec<EventKind>> = KINDS.iter().map(|kind| vec![kind.clone()]).collect();
    let mut longest = all.clone();
    for _ in 1..4 {
        longest = longest.iter().flat_map(|story| next(story)).collect();
        all.extend(longest.iter().cloned());
    }
    all
}

fn next(story: &[EventKind]) -> impl Iterator<Item = Vec<EventKind>> {
    let next: &[EventKind] = match story.last() {
        Some(EventKind::Install | EventKind::Disable) => &[EventKind::Enable, EventKind::Uninstall],
        Some(EventKind::Enable) => &[EventKind::Disable, EventKind::Uninstall],
        _ => &[EventKind::Install],
    };
    next.iter().map(move |kind| [story, std::slice::from_ref(kind)].concat())
}

fn ending_closed() -> impl Iterator<Item = Vec<EventKind>> {
    stories().into_iter().filter(|story| !story.last().is_some_and(opens))
}

fn ending_open() -> impl Iterator<Item = Vec<EventKind>> {
    stories().into_iter().filter(|story| story.last().is_some_and(opens))
}

/// All ways to choose one of these for each event.
fn combinations(choices: &[Vec<Clock>]) -> Vec<Vec<Clock>> {
    choices.iter().fold(vec![Vec::new()], |begun, choice| {
        let extend = |begun: &Vec<Clock>| {
            let begun = begun.clone();
            choice.iter().map(move |clock| [begun.as_slice(), &[*clock]].concat())
        };
        begun.iter().flat_map(extend).collect()
    })
}

/// All orders of so many events.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let insert = |order: Vec<usize>| {
        (0..count).map(move |place| {
            let mut order = order.clone();
            order.insert(place, count - 1);
            order
        })
    };
    orders(count - 1).into_iter().flat_map(insert).collect()
}

/// What happens: which events, how far apart, by which clocks.
#[derive(Clone, Copy, Debug)]
struct Scene<'s> {
    story: &'s [EventKind],
    clocks: &'s [Clock],
    gap: Duration,
    setting: Setting,
}

impl Scene<'_> {
    /// The changes in this order of arrival. An event arrives a second after it was sent, or when those arrive that
    /// overtook it.
    fn changes(&self, order: &[usize]) -> Vec<Change> {
        let mut arrival = start();
        let arrive = |(seq, nth): (i64, &usize)| {
            let sent = start() + self.gap * u32::try_from(*nth).unwrap();
            arrival = arrival.max(sent + SECOND);
            let told = self.clocks[*nth].read(sent);
            let change = change(seq, self.story[*nth].clone(), told, arrival);
            self.setting.tell(change, self.installation(*nth))
        };
        (1..).zip(order).map(arrive).collect()
    }

    /// Which installation the event is about: each install begins another one.
    fn installation(&self, nth: usize) -> usize {
        self.story[..=nth].iter().filter(|kind| **kind == EventKind::Install).count()
    }

    fn in_order(&self) -> Vec<Change> {
        self.changes(&[0, 1, 2, 3][..self.story.len()])
    }

    fn must_end_closed(&self, changes: &[Change]) {
        assert!(!is_open(status(changes)), "open: {self:?}, as it arrived: {changes:#?}");
    }

    fn must_end_as_the_last_says(&self, changes: &[Change]) {
        let end = self.story.last().and_then(|last| self.setting.end(last));
        assert_eq!(status(changes), end, "{self:?}, as it arrived: {changes:#?}");
    }
}

/// All scenes of these stories so far apart, in all settings, with the clocks that `choose` gives for each event.
fn each_scene(
    stories: impl Iterator<Item = Vec<EventKind>>,
    gaps: &[Duration],
    choose: impl Fn(&[EventKind]) -> Vec<Vec<Clock>>,
    check: impl Fn(Scene<'_>),
) {
    for story in stories {
        for clocks in combinations(&choose(&story)) {
            for gap in gaps {
                for setting in Setting::all() {
                    check(Scene { story: &story, clocks: &clocks, gap: *gap, setting });
                }
            }
        }
    }
}

/// The same clocks for each event.
fn any(story: &[EventKind], clocks: &[Clock]) -> Vec<Vec<Clock>> {
    vec![clocks.to_vec(); story.len()]
}

const NEAR: Duration = Duration::from_secs(10);
const FAR: Duration = Duration::from_secs(2 * 3_600);

/// Times that are not believed of an event that comes at once.
fn unbelieved() -> Vec<Clock> {
    [&Clock::NEVER_BELIEVED[..], &[Clock::AnHourAhead]].concat()
}

#[test]
fn a_last_close_closes_whatever_the_clocks_say() {
    let choose = |story: &[EventKind]| any(story, &Clock::ALL);
    each_scene(ending_closed(), &[NEAR, FAR], choose, |scene| scene.must_end_closed(&scene.in_order()));
}

#[test]
fn a_last_close_that_is_dated_right_closes_in_any_order_among_times_that_are_right_or_never_meant() {
    let choose = |story: &[EventKind]| {
        let mut choices = any(story, &Clock::RIGHT_OR_NEVER_BELIEVED);
        choices[story.len() - 1] = vec![Clock::Right];
        choices
    };
    each_scene(ending_closed(), &[NEAR, FAR], choose, |scene| {
        for order in orders(scene.story.len()) {
            scene.must_end_closed(&scene.changes(&order));
        }
    });
}

#[test]
fn a_last_close_without_a_time_closes_in_any_order_among_right_times() {
    let choose = |story: &[EventKind]| {
        let mut choices = any(story, &[Clock::Right]);
        choices[story.len() - 1] = Clock::NEVER_BELIEVED.to_vec();
        choices
    };
    each_scene(ending_closed(), &[NEAR, FAR], choose, |scene| {
        for order in orders(scene.story.len()) {
            scene.must_end_closed(&scene.changes(&order));
        }
    });
}

#[test]
fn with_right_clocks_a_last_close_closes_in_any_order_and_with_any_event_folded_again() {
    let choose = |story: &[EventKind]| any(story, &[Clock::Right]);
    each_scene(ending_closed(), &[NEAR, FAR], choose, |scene| {
        for order in orders(scene.story.len()) {
            let once = scene.changes(&order);
            for again in 0..once.len() {
                for place in again..once.len() {
                    let mut changes = once.clone();
                    changes.insert(place + 1, once[again].clone());
                    scene.must_end_closed(&changes);
                }
            }
        }
    });
}

#[test]
fn a_last_opening_opens_in_order_when_all_are_dated_right() {
    let choose = |story: &[EventKind]| any(story, &[Clock::Right]);
    each_scene(ending_open(), &[NEAR, FAR], choose, |scene| {
        scene.must_end_as_the_last_says(&scene.in_order());
    });
}

#[test]
fn a_last_opening_opens_in_order_when_no_time_is_believed() {
    let choose = |story: &[EventKind]| any(story, &unbelieved());
    each_scene(ending_open(), &[NEAR, FAR], choose, |scene| {
        scene.must_end_as_the_last_says(&scene.in_order());
    });
}

/// Right for the last install or enable, or both where they follow one another; one of these for the events before.
fn last_opening_right(story: &[EventKind], others: &[Clock]) -> Vec<Vec<Clock>> {
    let mut choices = any(story, others);
    choices[story.len() - last_openings(story)..].fill(vec![Clock::Right]);
    choices
}

#[test]
fn a_last_opening_opens_in_order_when_it_alone_is_dated_right() {
    let choose = |story: &[EventKind]| last_opening_right(story, &unbelieved());
    each_scene(ending_open(), &[NEAR, FAR], choose, |scene| {
        scene.must_end_as_the_last_says(&scene.in_order());
    });
}

#[test]
fn with_right_clocks_and_beyond_the_skew_the_last_one_decides_in_any_order() {
    let choose = |story: &[EventKind]| any(story, &[Clock::Right]);
    each_scene(stories().into_iter(), &[FAR], choose, |scene| {
        for order in orders(scene.story.len()) {
            scene.must_end_as_the_last_says(&scene.changes(&order));
        }
    });
}

/// How many events there are since the last close.
fn last_openings(story: &[EventKind]) -> usize {
    story.iter().rev().take_while(|kind| opens(kind)).count()
}

/// Nothing has closed the installation that the story ends with.
fn ends_in_a_fresh_installation(story: &[EventKind]) -> bool {
    story[story.len() - last_openings(story)..].contains(&EventKind::Install)
}

#[test]
fn with_ids_and_right_clocks_a_reinstall_counts_in_any_order_however_soon_it_follows() {
    let stories = ending_open().filter(|story| ends_in_a_fresh_installation(story));
    let choose = |story: &[EventKind]| any(story, &[Clock::Right]);
    each_scene(stories, &[NEAR], choose, |scene| {
        for order in orders(scene.story.len()).into_iter().filter(|_| scene.setting.tells_ids) {
            scene.must_end_as_the_last_says(&scene.changes(&order));
        }
    });
}

#[test]
fn with_ids_a_close_that_comes_after_a_reinstall_is_late_whatever_its_clock_says() {
    // The installation that was replaced must have been seen: by one event before its close.
    let stories = ending_open()
        .filter(|story| ends_in_a_fresh_installation(story) && last_openings(story) + 2 <= story.len());
    let choose = |story: &[EventKind]| {
        let mut choices = any(story, &[Clock::Right]);
        choices[story.len() - last_openings(story) - 1] = Clock::ALL.to_vec();
        choices
    };
    each_scene(stories, &[NEAR, FAR], choose, |scene| {
        let mut order: Vec<usize> = (0..scene.story.len()).collect();
        let close = order.remove(order.len() - last_openings(scene.story) - 1);
        order.push(close);
        if scene.setting.tells_ids {
            scene.must_end_as_the_last_says(&scene.changes(&order));
        }
    });
}

#[test]
fn two_events_beyond_the_skew_that_are_dated_right_end_any_broken_time() {
    let choose = |story: &[EventKind]| {
        let mut choices = any(story, &Clock::ALL);
        choices[story.len() - 2..].fill(vec![Clock::Right]);
        choices
    };
    let stories = stories().into_iter().filter(|story| story.len() > 2);
    let gaps = [Duration::from_secs(62), Duration::from_secs(100)];
    each_scene(stories, &gaps, choose, |scene| scene.must_end_as_the_last_says(&scene.in_order()));
}

/// The changes, one of them received while our own clock was that far ahead.
fn received_ahead(changes: &[Change]) -> impl Iterator<Item = Vec<Change>> {
    (0..changes.len()).flat_map(move |nth| {
        [HOUR, DAY * 400].map(|ahead| {
            let mut changes = changes.to_vec();
            changes[nth].received += ahead;
            changes
        })
    })
}

#[test]
fn a_last_close_closes_though_our_own_clock_was_ahead_once() {
    // Of those that are never believed, two are enough here: all fold alike.
    let clocks = [Clock::Right, Clock::Absent, Clock::ALittleAhead, Clock::AnHourAhead, Clock::ADayAhead];
    let choose = |story: &[EventKind]| any(story, &clocks);
    each_scene(ending_closed(), &[NEAR, FAR], choose, |scene| {
        received_ahead(&scene.in_order()).for_each(|changes| scene.must_end_closed(&changes));
    });
}

#[test]
fn the_last_one_decides_in_order_though_our_own_clock_was_ahead_once() {
    let check = |scene: Scene<'_>| {
        received_ahead(&scene.in_order()).for_each(|changes| scene.must_end_as_the_last_says(&changes));
    };
    for clock in [Clock::Right, Clock::Absent] {
        let choose = |story: &[EventKind]| any(story, &[clock]);
        each_scene(stories().into_iter(), &[NEAR, FAR], choose, check);
    }
    let choose = |story: &[EventKind]| last_opening_right(story, &[Clock::Absent]);
    each_scene(ending_open(), &[NEAR, FAR], choose, check);
}
