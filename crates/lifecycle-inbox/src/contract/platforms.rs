//! Rules about platforms: a worker has deliveries of those that it knows, and others wait, told but untouched.

use std::time::Duration;

use super::sample::{START, at, claim, claim_of, complete, put, put_of, summary};
use super::{Replicas, Rule};
use crate::engine::{Claim, DeliveryId};
use crate::operations::{DeliveryState, UnknownPlatform};

pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::new(a_claim_takes_the_platforms_that_it_names_and_no_other),
        Rule::new(what_waits_for_an_unknown_platform_keeps_its_order_and_its_attempts),
        Rule::new(of_several_platforms_the_oldest_is_claimed_first),
        Rule::new(many_deliveries_of_an_unknown_platform_hold_up_no_other),
        Rule::new(unknown_platforms_are_told_by_number_and_age),
    ]
}

async fn a_claim_takes_the_platforms_that_it_names_and_no_other(replicas: Replicas) {
    let engine = &*replicas.one;
    let other = put_of(engine, "other", "t", START).await;
    let known = put(engine, "t", "r").await;
    assert!(claim_of(engine, &[], START, 10).await.is_empty());
    for name in ["othe", "others", "Other", "other\0", "", "%"] {
        assert!(claim_of(engine, &[name], START, 10).await.is_empty(), "{name:?}");
    }
    assert_eq!(ids(&claim(engine, START, 10).await), [known]);
    let row = summary(engine, other).await;
    assert_eq!((row.state, row.attempts, row.worker), (DeliveryState::Pending, 0, None));
    assert_eq!(ids(&claim_of(&*replicas.two, &["third", "other"], START, 10).await), [other]);
}

async fn what_waits_for_an_unknown_platform_keeps_its_order_and_its_attempts(replicas: Replicas) {
    let (old, new) = (&*replicas.one, &*replicas.two);
    let first = put_of(new, "other", "t", START).await;
    let second = put_of(new, "other", "t", at(1)).await;
    for time in 0..30 {
        assert!(claim(old, at(time * 3_600), 10).await.is_empty());
    }
    for (id, time) in [(first, 200_000), (second, 200_001)] {
        let claims = claim_of(new, &["other", "seismic"], at(time), 10).await;
        assert_eq!(ids(&claims), [id]);
        assert_eq!((claims[0].attempt, claims[0].token.fence), (1, 1));
        assert!(complete(new, &claims[0], at(time)).await);
    }
}

async fn of_several_platforms_the_oldest_is_claimed_first(replicas: Replicas) {
    let engine = &*replicas.one;
    let mut expected = Vec::new();
    for (nth, platform) in ["c", "a", "unknown", "b", "a", "c", "b", "a"].into_iter().enumerate() {
        let id = put_of(engine, platform, &nth.to_string(), START).await;
        expected.extend((platform != "unknown").then_some(id));
    }
    let known = ["a", "b", "c", "d"];
    let first = ids(&claim_of(engine, &known, START, 3).await);
    let rest = ids(&claim_of(engine, &known, START, 10).await);
    assert_eq!([first.as_slice(), rest.as_slice()], [&expected[..3], &expected[3..]]);
}

async fn many_deliveries_of_an_unknown_platform_hold_up_no_other(replicas: Replicas) {
    let engine = &*replicas.one;
    for tenant in 0..100 {
        put_of(engine, "other", &tenant.to_string(), START).await;
    }
    let id = put(engine, "t", "r").await;
    assert_eq!(ids(&claim(engine, START, 1).await), [id]);
}

async fn unknown_platforms_are_told_by_number_and_age(replicas: Replicas) {
    let engine = &*replicas.one;
    let told = async |known: &[&str], now| replicas.two.unknown_platforms(known, now).await.unwrap();
    assert_eq!(told(&[], START).await, []);
    put_of(engine, "b", "t", at(1)).await;
    put_of(engine, "b", "t", at(2)).await;
    put_of(engine, "a\0", "t", at(3)).await;
    put_of(engine, "b", "u", at(4)).await;
    put(engine, "t", "r").await;
    let unknown = |name: &str, open, seconds| UnknownPlatform {
        name: name.to_owned(),
        open,
        oldest: Duration::from_secs(seconds),
    };
    assert_eq!(told(&["seismic"], at(10)).await, [unknown("a\0", 1, 7), unknown("b", 3, 9)]);
    assert_eq!(told(&["a\0", "seismic"], at(0)).await, [unknown("b", 3, 0)], "clock set back");
    assert_eq!(told(&["b", "seismic", "c", "a\0"], at(10)).await, []);
    for (count, seconds) in [(2, 9), (1, 8)] {
        let claims = claim_of(engine, &["b"], at(10), 10).await;
        assert_eq!(claims.len(), count);
        let oldest = told(&["a\0", "seismic"], at(10)).await[0].oldest;
        assert_eq!(oldest, Duration::from_secs(seconds), "what is leased is open too");
        for claimed in claims {
            complete(engine, &claimed, at(10)).await;
        }
    }
    assert_eq!(told(&["seismic", "a\0"], at(10)).await, [], "what is done waits for nobody");
}

fn ids(claims: &[Claim]) -> Vec<DeliveryId> {
    claims.iter().map(|claim| claim.token.id).collect()
}
