//! Rules about installations.

use lifecycle_core::{Change, Delivery, Installation, Observation, Status, TenantKey, Trust, slack};

use super::sample::{
    START, WITHIN, at, change, claim, claim_of, claim_one, complete, dated, delivery, fail, key, put_kind,
    summary,
};
use super::{EngineUnderTest, Replicas, Rule};
use crate::engine::{Accepted, AfterFailure, Claim, Engine};
use crate::installations::InstallationFilter;
use crate::operations::DeliveryState;
use crate::record::{Platforms, Record};

pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::new(a_completion_folds_the_event_into_its_installation),
        Rule::new(an_installation_follows_the_time_of_sending_not_the_order_of_completion),
        Rule::new(without_a_time_an_installation_follows_the_order_of_acceptance),
        Rule::new(a_close_closes_whatever_its_time_is),
        Rule::new(a_late_opening_is_kept_closed_by_closes_with_and_without_a_time),
        Rule::new(what_the_app_has_observed_is_folded_once_and_in_order),
        Rule::new(without_a_completion_an_installation_does_not_change),
        Rule::new(a_change_that_comes_with_a_dead_letter_is_folded_all_the_same),
        Rule::new(a_dead_letter_of_a_stale_token_folds_nothing),
        Rule::new(a_dead_letter_that_is_completed_after_a_retry_is_folded_once),
        Rule::new(an_unknown_kind_makes_no_installation),
        Rule::new(a_change_is_told_to_caches_before_it_is_told_to_the_caller),
        Rule::new(tenants_do_not_share_an_installation),
        Rule::new(installations_are_listed_by_status_in_pages),
    ]
}

async fn handle(engine: &dyn Engine, tenant: &str, kind: &str, request: &str, received: i64) {
    handle_delivery(engine, &delivery(tenant, kind, request, at(received))).await;
}

/// One that was sent at so many minutes past 22 h; it is received at 22:13:20.
async fn handle_dated(engine: &dyn Engine, kind: &str, request: &str, minute: u32) {
    handle_delivery(engine, &dated("t", kind, request, &time(minute))).await;
}

async fn handle_delivery(engine: &dyn Engine, delivery: &Delivery) {
    engine.accept(Record::from(delivery), START, WITHIN).await.unwrap();
    let claimed = claim_one(engine, START).await;
    assert!(complete(engine, &claimed, START).await);
}

fn time(minute: u32) -> String {
    format!("2023-11-14T22:{minute:02}:00Z")
}

async fn status(engine: &dyn EngineUnderTest, tenant: &str) -> Option<Status> {
    engine.installation(&key(tenant)).await.unwrap().map(|installation| installation.status())
}

async fn a_completion_folds_the_event_into_its_installation(replicas: Replicas) {
    assert_eq!(replicas.one.installation(&key("t")).await.unwrap(), None);
    let steps = [
        ("install", Status::Installed),
        ("enable", Status::Enabled),
        ("upgrade", Status::Enabled),
        ("disable", Status::Disabled),
        ("uninstall", Status::Uninstalled),
        ("install", Status::Installed),
    ];
    let mut expected = None;
    for (nth, (kind, status)) in (1..).zip(steps) {
        let sent = delivery("t", kind, &nth.to_string(), at(nth));
        replicas.one.accept(Record::from(&sent), START, WITHIN).await.unwrap();
        let claimed = claim_one(&*replicas.one, START).await;
        expected = Installation::fold(expected, &change(&claimed)).0;
        assert!(complete(&*replicas.one, &claimed, START).await);
        let stored = replicas.two.installation(&key("t")).await.unwrap();
        assert_eq!(stored, expected, "after {kind}");
        assert_eq!(stored.unwrap().status(), status, "after {kind}");
    }
    let last = expected.unwrap();
    assert_eq!((last.generation(), last.last_actor()), (2, Some("someone")));
}

async fn an_installation_follows_the_time_of_sending_not_the_order_of_completion(replicas: Replicas) {
    let engine = &*replicas.one;
    handle_dated(engine, "install", "1", 4).await;
    handle_dated(engine, "enable", "2", 12).await;
    handle_dated(engine, "disable", "3", 8).await;
    handle_dated(engine, "uninstall", "4", 2).await;
    assert_eq!(status(engine, "t").await, Some(Status::Enabled));
}

async fn without_a_time_an_installation_follows_the_order_of_acceptance(replicas: Replicas) {
    let (one, two) = (&*replicas.one, &*replicas.two);
    handle(one, "t", "install", "1", 0).await;
    let enable = put_kind(one, "t", "enable", "2").await;
    let claimed = claim_one(one, START).await;
    fail(one, claimed.token, START, AfterFailure::Dead(None)).await;
    handle(one, "t", "disable", "3", 0).await;
    assert!(two.retry(enable, START).await.unwrap());
    let again = claim_one(two, START).await;
    assert_eq!(again.token.id, enable);
    assert!(complete(two, &again, START).await);
    assert_eq!(status(one, "t").await, Some(Status::Disabled), "it was accepted before");

    handle(one, "t", "enable", "4", 0).await;
    assert_eq!(status(two, "t").await, Some(Status::Enabled));
    handle(two, "t", "disable", "5", -86_400).await;
    assert_eq!(status(one, "t").await, Some(Status::Disabled), "though the clock was set back");
}

async fn a_close_closes_whatever_its_time_is(replicas: Replicas) {
    let (now, engine) = (time(13), &*replicas.one);
    let (year_one, no_offset) = ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00");
    for (nth, (opened, closed)) in (0..).zip([
        (&*now, year_one),
        (&*now, no_offset),
        (&*now, "1601-01-01T00:00:00Z"),
        (&*now, "1900-01-01T00:00:00Z"),
        (&*now, "1970-01-01T00:00:00Z"),
        (&*now, "2023-11-14T17:13:00"),
        (&*now, ""),
        ("2023-11-14T22:14:00Z", &*now),
        ("2023-11-14T23:13:00Z", &*now),
        ("2099-01-01T00:00:00Z", &*now),
        ("2099-01-01T00:00:00Z", year_one),
    ]) {
        for close in ["disable", "uninstall"] {
            let tenant = format!("{close} {nth}");
            handle_delivery(engine, &dated(&tenant, "enable", "1", opened)).await;
            handle_delivery(engine, &dated(&tenant, close, "2", closed)).await;
            let status = status(engine, &tenant).await;
            let is_closed = matches!(status, Some(Status::Disabled | Status::Uninstalled));
            assert!(is_closed, "enabled at {opened}, {close} at {closed}: {status:?}");
        }
    }
}

async fn a_late_opening_is_kept_closed_by_closes_with_and_without_a_time(replicas: Replicas) {
    let (one, two) = (&*replicas.one, &*replicas.two);
    handle_dated(one, "disable", "1", 13).await;
    handle(two, "t", "disable", "2", 0).await;
    handle_delivery(one, &dated("t", "enable", "3", "2023-11-14T22:13:10Z")).await;
    assert_eq!(status(two, "t").await, Some(Status::Disabled), "the close without a time came 10 s later");
    handle(two, "t", "enable", "4", 1).await;
    assert_eq!(status(one, "t").await, Some(Status::Disabled), "it may have been on its way for a minute");
    handle(two, "t", "enable", "5", 60).await;
    assert_eq!(status(one, "t").await, Some(Status::Enabled));
}

async fn what_the_app_has_observed_is_folded_once_and_in_order(replicas: Replicas) {
    let (one, two) = (&*replicas.one, &*replicas.two);
    let tenant = TenantKey::new(slack::PLATFORM.name(), "app", "t");
    let install = |seconds| Observation::install(&slack::PLATFORM, "app", "t", at(seconds).into());
    let uninstall = |seconds| Observation::uninstall(&slack::PLATFORM, "app", "t", at(seconds).into());
    for (observation, expected) in [
        (install(0).id("i1"), Status::Enabled),
        (uninstall(100).id("i1"), Status::Uninstalled),
        (install(200).id("i2"), Status::Enabled),
        (uninstall(100), Status::Enabled), // of the installation before
    ] {
        let observed = Delivery::observed(&observation, at(300).into());
        let accepted = one.accept(Record::from(&observed), START, WITHIN).await.unwrap();
        assert!(matches!(accepted, Accepted::New(_)), "{observation:?}");
        let again = Delivery::observed(&observation, at(400).into());
        let accepted = two.accept(Record::from(&again), START, WITHIN).await.unwrap();
        assert_eq!(accepted, Accepted::Duplicate, "{observation:?}");

        let claimed = claim_of(two, &["slack"], START, 10).await.remove(0);
        let restored = claimed.record.unwrap().restore(&Platforms::default()).unwrap();
        assert_eq!(restored.trust(), &Trust::Observed);
        let change = Change::new(&restored, claimed.token.id.0);
        assert!(two.complete(claimed.token, START, &change).await.unwrap());
        let installation = one.installation(&tenant).await.unwrap().unwrap();
        assert_eq!(installation.status(), expected, "{observation:?}");
    }
}

async fn without_a_completion_an_installation_does_not_change(replicas: Replicas) {
    let engine = &*replicas.one;
    put_kind(engine, "t", "install", "1").await;
    let revision = engine.revision();
    let first = claim_one(engine, START).await;
    fail(engine, first.token, START, AfterFailure::At(START)).await;
    let second = claim_one(engine, START).await;
    assert!(!complete(engine, &first, START).await, "a stale token folds nothing");
    engine.release(second.token, START).await.unwrap();
    let third = claim_one(engine, START).await;
    fail(engine, third.token, START, AfterFailure::Dead(None)).await;
    assert_eq!(status(engine, "t").await, None);
    assert_eq!(engine.revision(), revision);
}

async fn give_up(engine: &dyn Engine, claimed: &Claim) -> bool {
    let change = change(claimed);
    fail(engine, claimed.token, at(9), AfterFailure::Dead(Some(&change))).await
}

async fn a_change_that_comes_with_a_dead_letter_is_folded_all_the_same(replicas: Replicas) {
    let (one, two) = (&*replicas.one, &*replicas.two);
    handle(one, "t", "enable", "1", 1).await;
    for (kind, sent, expected) in [("disable", 2, Status::Disabled), ("uninstall", 3, Status::Uninstalled)] {
        one.accept(Record::from(&delivery("t", kind, kind, at(sent))), START, WITHIN).await.unwrap();
        let claimed = claim_one(one, START).await;
        let next = put_kind(one, "t", "celebrate", kind).await;
        let (revision, mut subscription) = (one.revision(), one.notifier().subscribe());
        assert!(give_up(one, &claimed).await);
        assert_ne!(one.revision(), revision, "caches are told of a {kind}");
        subscription.changed().await;
        assert_eq!(status(two, "t").await, Some(expected));
        let row = summary(two, claimed.token.id).await;
        assert_eq!((row.state, row.finished_at), (DeliveryState::Dead, Some(at(9))));
        assert_eq!((row.worker, row.last_error.as_deref()), (None, Some("it did not work")));
        let next_one = claim_one(two, START).await;
        assert_eq!(next_one.token.id, next, "its tenant goes on");
        assert!(complete(two, &next_one, START).await);
    }
}

async fn a_dead_letter_of_a_stale_token_folds_nothing(replicas: Replicas) {
    let (one, two) = (&*replicas.one, &*replicas.two);
    handle(one, "t", "enable", "1", 0).await;
    one.accept(Record::from(&delivery("t", "disable", "2", at(1))), START, WITHIN).await.unwrap();
    let stale = claim_one(one, START).await;
    claim_one(two, at(31)).await;
    assert!(!give_up(one, &stale).await);
    assert_eq!(status(one, "t").await, Some(Status::Enabled));
}

async fn a_dead_letter_that_is_completed_after_a_retry_is_folded_once(replicas: Replicas) {
    let engine = &*replicas.one;
    handle_dated(engine, "enable", "1", 1).await;
    engine.accept(Record::from(&dated("t", "disable", "2", &time(3))), START, WITHIN).await.unwrap();
    let claimed = claim_one(engine, START).await;
    assert!(give_up(engine, &claimed).await);
    let closed = engine.installation(&key("t")).await.unwrap();
    assert!(engine.retry(claimed.token.id, START).await.unwrap());
    let again = claim_one(engine, START).await;
    assert!(complete(engine, &again, START).await);
    assert_eq!(engine.installation(&key("t")).await.unwrap(), closed);

    handle_dated(engine, "enable", "3", 8).await;
    engine.accept(Record::from(&dated("t", "disable", "4", &time(4))), START, WITHIN).await.unwrap();
    let late = claim_one(engine, START).await;
    assert!(give_up(engine, &late).await);
    assert_eq!(status(engine, "t").await, Some(Status::Enabled), "a later enable counts, whoever came first");
}

async fn an_unknown_kind_makes_no_installation(replicas: Replicas) {
    handle(&*replicas.one, "t", "celebrate", "1", 0).await;
    assert_eq!(status(&*replicas.one, "t").await, None);
}

async fn a_change_is_told_to_caches_before_it_is_told_to_the_caller(replicas: Replicas) {
    let engine = &*replicas.one;
    let mut revision = engine.revision();
    for (nth, kind) in (1..).zip(["install", "enable", "disable", "uninstall"]) {
        handle(engine, "t", kind, kind, nth).await;
        assert_ne!(engine.revision(), revision, "{kind}");
        revision = engine.revision();
    }
}

async fn tenants_do_not_share_an_installation(replicas: Replicas) {
    let engine = &*replicas.one;
    handle(engine, "t", "enable", "1", 0).await;
    handle(engine, "T", "disable", "1", 0).await;
    handle(engine, "t ", "uninstall", "1", 0).await;
    let found = [status(engine, "t").await, status(engine, "T").await, status(engine, "t ").await];
    assert_eq!(found, [Some(Status::Enabled), Some(Status::Disabled), Some(Status::Uninstalled)]);
}

async fn installations_are_listed_by_status_in_pages(replicas: Replicas) {
    let engine = &*replicas.one;
    // Byte by byte, "Z" stands before "a", and "é" after every ASCII letter.
    let tenants = ["Z", "a", "a-b", "aa", "b", "é"];
    for (nth, tenant) in tenants.iter().enumerate() {
        put_kind(engine, tenant, if nth % 2 == 0 { "enable" } else { "disable" }, "1").await;
    }
    for claimed in claim(engine, START, 100).await {
        assert!(complete(engine, &claimed, START).await);
    }
    let page = async |status, after: Option<TenantKey>, limit| {
        let filter = InstallationFilter { status, after, limit };
        let found = replicas.two.installations(&filter).await.unwrap();
        found.into_iter().map(|(key, _)| key.tenant).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None, 100).await, tenants);
    assert_eq!(page(None, None, 4).await, tenants[..4]);
    assert_eq!(page(None, Some(key("aa")), 4).await, tenants[4..]);
    assert_eq!(page(None, Some(TenantKey::new("seismic", "apq", "")), 4).await, [""; 0]);
    assert_eq!(page(Some(Status::Enabled), None, 2).await, ["Z", "a-b"]);
    assert_eq!(page(Some(Status::Enabled), Some(key("a-b")), 2).await, ["b"]);
    assert!(page(Some(Status::Uninstalled), None, 2).await.is_empty());
}
