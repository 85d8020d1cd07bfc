//! That a state is good once, for a time, in its browser, and that memory is bounded.

use std::collections::HashSet;

use super::*;

const LIFETIME: Duration = InstallStates::LIFETIME;

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn id(text: &str) -> InstallationId {
    InstallationId::new(text).unwrap()
}

fn outcome(redeemed: Result<InstallationId, StateError>) -> Result<String, StateError> {
    redeemed.map(|installation| installation.expose().to_owned())
}

#[test]
fn a_state_gives_its_own_installation_back_exactly_once() {
    let states = InstallStates::default();
    let (a, b) = (states.issue(id("a"), start()).unwrap(), states.issue(id("b"), start()).unwrap());
    assert_eq!(outcome(states.redeem(b.expose(), start())), Ok("b".into()));
    assert_eq!(
        outcome(states.clone().redeem(a.expose(), start())),
        Ok("a".into()),
        "clones share one memory"
    );
    assert_eq!(outcome(states.redeem(a.expose(), start())), Err(StateError::Unknown));
    assert!(states.is_empty());
}

#[test]
fn what_was_not_issued_finds_nothing() {
    let states = InstallStates::default();
    let state = states.issue(id("a"), start()).unwrap();
    let state = state.expose();
    let mut flipped = state.to_owned();
    let last = flipped.pop().unwrap();
    flipped.push(if last == 'A' { 'E' } else { 'A' });
    let huge = "A".repeat(100_000);
    for forged in
        ["", "a", &flipped, &state[1..], &format!("{state}A"), &state.to_lowercase(), &huge, &"é".repeat(21)]
    {
        assert_eq!(outcome(states.redeem(forged, start())), Err(StateError::Unknown));
    }
    assert_eq!(outcome(states.redeem(state, start())), Ok("a".into()), "attempts use nothing up");
}

#[test]
fn a_state_expires_after_its_lifetime_and_is_used_up_by_the_attempt() {
    for (age, expected) in [
        (Duration::ZERO, Ok("a".to_owned())),
        (LIFETIME, Ok("a".to_owned())),
        (LIFETIME + Duration::from_nanos(1), Err(StateError::Expired)),
        (LIFETIME * 1000, Err(StateError::Expired)),
    ] {
        let states = InstallStates::default();
        let state = states.issue(id("a"), start()).unwrap();
        assert_eq!(outcome(states.redeem(state.expose(), start() + age)), expected);
        assert_eq!(outcome(states.redeem(state.expose(), start())), Err(StateError::Unknown));
    }
}

#[test]
fn a_clock_that_is_set_back_ends_nothing() {
    let states = InstallStates::default();
    let state = states.issue(id("a"), start()).unwrap();
    assert_eq!(outcome(states.redeem(state.expose(), SystemTime::UNIX_EPOCH)), Ok("a".into()));
}

#[test]
fn a_bound_state_needs_the_browser_it_was_issued_to() {
    let states = InstallStates::default();
    let (mine, theirs) =
        (states.issue_bound(id("a"), start()).unwrap(), states.issue_bound(id("b"), start()).unwrap());
    let (state, browser) = (mine.state.expose(), mine.browser.expose());
    for wrong in ["", theirs.browser.expose(), state, &browser[1..]] {
        assert_eq!(outcome(states.redeem_bound(state, wrong, start())), Err(StateError::Unknown));
    }
    assert_eq!(
        outcome(states.redeem_bound(browser, state, start())),
        Err(StateError::Unknown),
        "not the other way round"
    );
    assert_eq!(outcome(states.redeem(state, start())), Err(StateError::Unknown), "not without the browser");
    assert_eq!(outcome(states.redeem_bound(state, browser, start())), Ok("a".into()));
    assert_eq!(outcome(states.redeem_bound(state, browser, start())), Err(StateError::Unknown));

    let unbound = states.issue(id("c"), start()).unwrap();
    assert_eq!(outcome(states.redeem_bound(unbound.expose(), browser, start())), Err(StateError::Unknown));
}

#[test]
fn the_oldest_makes_room_and_what_was_redeemed_takes_none() {
    let states = InstallStates::new(LIFETIME, 2);
    let first = states.issue(id("1"), start()).unwrap();
    for _ in 0..1000 {
        let state = states.issue(id("2"), start()).unwrap();
        states.redeem(state.expose(), start()).unwrap();
    }
    let third = states.issue(id("3"), start()).unwrap();
    assert_eq!(states.len(), 2);
    let fourth = states.issue(id("4"), start()).unwrap();
    assert_eq!(states.len(), 2);
    assert_eq!(outcome(states.redeem(first.expose(), start())), Err(StateError::Unknown));
    assert_eq!(outcome(states.redeem(third.expose(), start())), Ok("3".into()));
    assert_eq!(outcome(states.redeem(fourth.expose(), start())), Ok("4".into()));
    assert!(states.is_empty() && states.lock().oldest().is_none(), "nothing is left of them");
}

#[test]
fn expired_states_are_forgotten_when_another_is_issued() {
    let states = InstallStates::default();
    for _ in 0..3 {
        states.issue(id("old"), start()).unwrap();
    }
    states.issue(id("new"), start() + LIFETIME * 2).unwrap();
    assert_eq!(states.len(), 1);
}

#[test]
fn no_capacity_still_holds_one() {
    let states = InstallStates::new(LIFETIME, 0);
    let state = states.issue(id("a"), start()).unwrap();
    assert_eq!(outcome(states.redeem(state.expose(), start())), Ok("a".into()));
}

#[test]
fn states_are_distinct_and_stand_for_themselves_in_a_url() {
    let states = InstallStates::default();
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let state = states.issue(id("a"), start()).unwrap();
        let text = state.expose();
        assert_eq!(text.len(), InstallState::LEN);
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{text}");
        assert!(seen.insert(text.to_owned()));
    }
}

#[test]
fn of_concurrent_redemptions_one_succeeds() {
    let states = InstallStates::default();
    let state = states.issue(id("a"), start()).unwrap();
    let successes = std::thread::scope(|scope| {
        let tries: Vec<_> =
            (0..8).map(|_| scope.spawn(|| states.redeem(state.expose(), start()).is_ok())).collect();
        tries.into_iter().map(|handle| handle.join().unwrap()).filter(|won| *won).count()
    });
    assert_eq!(successes, 1);
}

#[test]
fn every_refusal_is_answered_alike_and_debug_shows_no_state() {
    for error in [StateError::Unknown, StateError::Expired] {
        let reply = error.reply();
        assert_eq!(reply.status(), 400);
        assert!(std::str::from_utf8(reply.body()).unwrap().contains(r#""code":"invalid-state""#));
    }
    assert_eq!(StateError::NoRandomness.reply().status(), 503);

    let states = InstallStates::default();
    let bound = states.issue_bound(id("ins_7Yk2"), start()).unwrap();
    let shown = format!("{states:?} {bound:?}");
    for secret in ["ins_7Yk2", bound.state.expose(), bound.browser.expose()] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
