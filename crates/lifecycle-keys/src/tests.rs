//! What a key set is worth over time, with a real TLS server on the other side. The clock is moved by hand: no test waits for it.

mod server;

use std::time::Duration;

use futures_util::future::join_all;
use lifecycle_core::{InvalidKeySet, KeySet, Keys, KeysUnavailable, discord};
use tokio::time::{advance, pause, resume};

use crate::lookups::{INTERVAL, SETTLING};
use crate::{FetchError, KeySetClient, KeySetUrl, RemoteKeys};
use server::{Behaviour, Server, ok, status};

/// The modulus of a key for tests: public, and of 2048 bits.
const MODULUS: &str = "0iIrAyjB6h8JwbeYu7lblKZOweHe0jGloWaO6W1dHjnoc5AHyp4sCKMaXrI33hAches9eu9xWp1MtWKUHVxUf6lzq6Erwwa_I5uipMJSrOaMgdsQz1rmAFtBYLdxnfR6GRa94VlGCggjU8_3st2ZtklsSLedd8heEQ5S4Rw2Wp57vX66UiqnbgQUSE1Ti12SMV6H-cKtrhLuUyILZm2Hptsv8dqi3kxPTo5pPAvpYMWrXz6FlWJBCf0NwqH43jmJbOL_Py9SOJJcBkPscwohaS9s_3CD2FU3J6_-F_p5h0XdZc8FhY_9Rwz-kjYtj44B9PnYDCVpMiJyvPOlTVBG5w";

/// A set with keys of these ids.
fn set(ids: &[&str]) -> String {
    let keys: Vec<String> = ids
        .iter()
        .map(|id| {
            format!(r#"{{"kty":"RSA","use":"sig","alg":"RS256","kid":"{id}","e":"AQAB","n":"{MODULUS}"}}"#)
        })
        .collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn keys(server: &Server) -> RemoteKeys {
    RemoteKeys::new(&discord::PLATFORM, server.url(), server.client())
}

/// Lets this time pass at once.
async fn pass(time: Duration) {
    pause();
    advance(time).await;
    resume();
}

/// What becomes of a callback that names this key, as an adapter asks.
async fn ask(keys: &RemoteKeys, id: &str) -> Result<bool, KeysUnavailable> {
    if keys.at_hand(id).is_some() {
        return Ok(true);
    }
    keys.look_up(id).await.map(|found: Option<Keys>| found.is_some())
}

/// Waits until the server has seen so many fetches, and the last one is over.
async fn settled(server: &Server, keys: &RemoteKeys, fetches: usize) {
    while server.requests() < fetches || keys.is_fetching() {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.requests(), fetches);
}

#[tokio::test]
async fn keys_at_hand_are_not_fetched_again_while_they_are_fresh() {
    let server = Server::start(ok("", &set(&["a", "b"]))).await;
    let keys = keys(&server);
    assert!(keys.at_hand("a").is_none(), "nothing is fetched before it is asked for");
    keys.warm_up().await.unwrap();
    for id in ["a", "b"] {
        assert!(keys.at_hand(id).is_some(), "{id}");
    }
    pass(RemoteKeys::FRESH.saturating_sub(Duration::from_secs(1))).await;
    assert!(keys.at_hand("a").is_some() && !keys.is_fetching());
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn without_a_warm_up_the_first_callbacks_wait_for_one_fetch() {
    let server = Server::start(ok("", &set(&["a"]))).await;
    let keys = keys(&server);
    let asked = join_all((0..100).map(|_| ask(&keys, "a"))).await;
    assert!(asked.iter().all(|found| *found == Ok(true)), "{asked:?}");
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn stale_keys_are_used_on_while_one_task_fetches_them_again() {
    let server = Server::start(ok("", &set(&["old"]))).await;
    let keys = keys(&server);
    keys.warm_up().await.unwrap();
    server.behave(ok("", &set(&["new"])));
    pass(RemoteKeys::FRESH).await;
    for _ in 0..100 {
        assert!(keys.at_hand("old").is_some(), "nobody waits for the refresh");
    }
    settled(&server, &keys, 2).await;
    assert!(keys.at_hand("new").is_some() && keys.at_hand("old").is_none());
}

#[tokio::test]
async fn a_server_says_how_long_its_keys_are_fresh_within_bounds() {
    for (said, fresh_for) in [
        ("max-age=0", RemoteKeys::FRESH_LEAST),
        ("max-age=1800", Duration::from_secs(1800)),
        ("max-age=99999999", RemoteKeys::FRESH_MOST),
    ] {
        let server = Server::start(ok(&format!("cache-control: {said}\r\n"), &set(&["a"]))).await;
        let keys = keys(&server);
        keys.warm_up().await.unwrap();
        pass(fresh_for.saturating_sub(Duration::from_secs(1))).await;
        assert!(keys.at_hand("a").is_some() && !keys.is_fetching(), "{said}");
        pass(Duration::from_secs(1)).await;
        assert!(keys.at_hand("a").is_some() && keys.is_fetching(), "{said}");
    }
}

#[tokio::test]
async fn a_key_that_a_rotation_brings_is_found_by_a_fetch_of_its_own() {
    let server = Server::start(ok("", &set(&["old"]))).await;
    let keys = keys(&server);
    keys.warm_up().await.unwrap();
    server.behave(ok("", &set(&["old", "new"])));
    assert_eq!(ask(&keys, "new").await, Ok(true));
    assert_eq!(ask(&keys, "old").await, Ok(true));
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_key_that_is_not_there_yet_is_no_fault_of_the_sender() {
    let server = Server::start(ok("", &set(&["a"]))).await;
    let keys = keys(&server);
    keys.warm_up().await.unwrap();
    for _ in 0..10 {
        assert_eq!(ask(&keys, "new").await, Err(KeysUnavailable), "503: the platform sends it again");
    }
    assert_eq!(server.requests(), 2, "one look");
    pass(INTERVAL).await;
    assert_eq!(ask(&keys, "new").await, Err(KeysUnavailable), "a server of the platform may lag behind");
    assert_eq!(server.requests(), 3);
    server.behave(ok("", &set(&["a", "new"])));
    assert_eq!(ask(&keys, "new").await, Err(KeysUnavailable), "not looked for again yet");
    pass(INTERVAL).await;
    assert_eq!(ask(&keys, "new").await, Ok(true));
}

#[tokio::test]
async fn a_key_that_was_not_published_in_five_minutes_is_unknown() {
    let server = Server::start(ok("", &set(&["a"]))).await;
    let keys = keys(&server);
    keys.warm_up().await.unwrap();
    assert_eq!(ask(&keys, "forged").await, Err(KeysUnavailable));
    pass(SETTLING).await;
    for _ in 0..10 {
        assert_eq!(ask(&keys, "forged").await, Ok(false));
    }
    assert_eq!(server.requests(), 3, "one look, and it is unknown for a minute");
    assert_eq!(ask(&keys, "other").await, Err(KeysUnavailable), "this one is not");
    pass(Duration::from_secs(60)).await;
    assert_eq!(ask(&keys, "forged").await, Ok(false));
    assert_eq!(server.requests(), 4);
    server.behave(ok("", &set(&["a", "forged"])));
    pass(Duration::from_secs(60)).await;
    assert_eq!(ask(&keys, "forged").await, Ok(true), "so it was a key after all");
}

#[tokio::test]
async fn an_id_that_no_set_can_have_is_not_looked_for() {
    let server = Server::start(ok("", &set(&["a"]))).await;
    let keys = keys(&server);
    for id in ["", "a\n", "\u{0}", &"a".repeat(257)] {
        assert_eq!(ask(&keys, id).await, Ok(false), "{id:?}");
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn an_app_that_starts_before_its_network_is_ready_soon_after_it() {
    let server = Server::start(status("502 Bad Gateway")).await;
    let keys = keys(&server);
    assert!(keys.warm_up().await.is_err());
    assert_eq!(ask(&keys, "a").await, Err(KeysUnavailable));
    server.behave(ok("", &set(&["a"])));
    pass(Duration::from_secs(1)).await;
    assert_eq!(ask(&keys, "a").await, Ok(true));
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_causes_one_fetch_in_30_seconds_and_harms_no_genuine_callback() {
    let server = Server::start(ok("", &set(&["a"]))).await;
    let keys = keys(&server);
    keys.warm_up().await.unwrap();
    for second in 0..90 {
        let ids: Vec<String> = (0..1000).map(|nth| format!("{second}-{nth}")).collect();
        let flood = join_all(ids.iter().map(|id| ask(&keys, id)));
        let genuine = join_all((0..10).map(|_| ask(&keys, "a")));
        let (flooded, genuine) = tokio::join!(flood, genuine);
        assert!(flooded.iter().all(|found| *found != Ok(true)));
        assert!(genuine.iter().all(|found| *found == Ok(true)));
        pass(Duration::from_secs(1)).await;
    }
    assert_eq!(server.requests(), 1 + 3, "at 0, 30 and 60 s");
}

#[tokio::test]
async fn a_flood_while_nothing_is_fetched_yet_causes_few_fetches_and_then_one_in_30_seconds() {
    let server = Server::start(Behaviour::HangUp).await;
    let keys = keys(&server);
    for second in 0..120 {
        let ids: Vec<String> = (0..100).map(|nth| format!("{second}-{nth}")).collect();
        let flooded = join_all(ids.iter().map(|id| ask(&keys, id))).await;
        assert!(flooded.iter().all(|found| *found == Err(KeysUnavailable)));
        pass(Duration::from_secs(1)).await;
    }
    // After 1, 2, 4, 8, 16, 30 and 30 s; a second later each time where the real clock has gone on, too.
    assert!((7..=8).contains(&server.requests()), "{}", server.requests());
    server.behave(ok("", &set(&["a"])));
    pass(INTERVAL).await;
    assert_eq!(ask(&keys, "a").await, Ok(true), "and then it is back");
}

#[tokio::test]
async fn an_outage_is_bridged_by_stale_keys_for_a_day_and_then_is_503() {
    let server = Server::start(ok("", &set(&["a"]))).await;
    let keys = keys(&server);
    keys.warm_up().await.unwrap();
    server.behave(status("503 Service Unavailable"));
    pass((RemoteKeys::FRESH + RemoteKeys::STALE).saturating_sub(Duration::from_secs(60))).await;
    assert_eq!(ask(&keys, "a").await, Ok(true));
    settled(&server, &keys, 2).await;
    assert_eq!(ask(&keys, "new").await, Err(KeysUnavailable), "nobody knows whether it is there");
    assert_eq!(server.requests(), 2, "the failure was less than 30 s ago");
    pass(Duration::from_secs(60)).await;
    assert_eq!(ask(&keys, "a").await, Err(KeysUnavailable));
    assert_eq!(server.requests(), 3);
    server.behave(ok("", &set(&["a"])));
    pass(INTERVAL).await;
    assert_eq!(ask(&keys, "a").await, Ok(true));
}

#[tokio::test]
async fn what_is_no_set_of_usable_keys_does_not_replace_one_that_is() {
    let many: Vec<String> = (0..33).map(|nth| nth.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let large = format!(r#"{{"keys":[],"x":"{}"}}"#, " ".repeat(KeySet::MAX_JSON));
    for (behaviour, error) in [
        (ok("", "<html>"), FetchError::KeySet(InvalidKeySet::Json)),
        (ok("", ""), FetchError::KeySet(InvalidKeySet::Json)),
        (ok("", "\u{0}"), FetchError::KeySet(InvalidKeySet::Json)),
        (ok("", r#"{"keys":{}}"#), FetchError::KeySet(InvalidKeySet::Json)),
        (ok("", r#"{"keys":[]}"#), FetchError::KeySet(InvalidKeySet::NoUsableKey)),
        (
            ok("", r#"{"keys":[{"kty":"EC","kid":"a","crv":"P-256","x":"AA","y":"AA"}]}"#),
            FetchError::KeySet(InvalidKeySet::NoUsableKey),
        ),
        (ok("", &set(&many)), FetchError::KeySet(InvalidKeySet::TooManyKeys)),
        (ok("", &large), FetchError::KeySet(InvalidKeySet::TooLong)),
        (Behaviour::Endless, FetchError::KeySet(InvalidKeySet::TooLong)),
        (Behaviour::HangUp, FetchError::Tls),
        (Behaviour::Answer("nonsense".to_owned()), FetchError::Broken),
        (Behaviour::Answer("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_owned()), FetchError::Broken),
        (status("301 Moved Permanently\r\nlocation: https://localhost/other"), FetchError::Status(301)),
        (status("404 Not Found"), FetchError::Status(404)),
        (status("204 No Content"), FetchError::Status(204)),
    ] {
        let server = Server::start(ok("", &set(&["a"]))).await;
        let keys = keys(&server);
        keys.warm_up().await.unwrap();
        server.behave(behaviour);
        assert_eq!(keys.warm_up().await, Err(error));
        assert!(keys.at_hand("a").is_some(), "{error}: the keys before stay");
        assert_eq!(ask(&keys, "b").await, Err(KeysUnavailable), "{error}");
        assert_eq!(server.requests(), 2, "{error}: no redirect is followed, and nothing is tried twice");
    }
}

#[tokio::test]
async fn a_set_of_32_keys_is_taken_and_what_is_not_understood_in_it_is_left_out() {
    let ids: Vec<String> = (0..32).map(|nth| nth.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let server = Server::start(ok("", &set(&ids))).await;
    let keys = keys(&server);
    keys.warm_up().await.unwrap();
    assert!(ids.iter().all(|id| keys.at_hand(id).is_some()));

    let mixed = set(&["a"]).replace("[{", r#"[{"kty":"EC","kid":"e"},{"kty":"oct","kid":"o","k":"AA"},{"#);
    server.behave(ok("", &mixed));
    keys.warm_up().await.unwrap();
    assert!(keys.at_hand("a").is_some() && keys.at_hand("e").is_none() && keys.at_hand("o").is_none());
}

/// The clock runs ahead whenever nothing else is to be done, so what would take a second is over at once.
#[tokio::test(start_paused = true)]
async fn a_slow_server_costs_a_callback_one_second() {
    for behaviour in [Behaviour::Silent, Behaviour::Slow("HTTP/1.1 200 OK\r\n\r\n".to_owned())] {
        let server = Server::start(behaviour).await;
        let keys = keys(&server);
        let began = tokio::time::Instant::now();
        assert_eq!(ask(&keys, "a").await, Err(KeysUnavailable));
        let took = began.elapsed();
        assert!(took >= KeySetClient::TIMEOUT && took < KeySetClient::TIMEOUT * 2, "{took:?}");
        assert_eq!(ask(&keys, "a").await, Err(KeysUnavailable));
        assert!(began.elapsed() < KeySetClient::TIMEOUT * 2, "the next one does not wait at all");
    }
}

#[tokio::test]
async fn whoever_gives_up_waiting_does_not_end_the_fetch_for_the_others() {
    let server = Server::start(ok("", &set(&["a"]))).await;
    let keys = keys(&server);
    let first = keys.look_up("a");
    let second = keys.look_up("a");
    {
        let mut first = Box::pin(first);
        assert!(futures_util::poll!(&mut first).is_pending());
    }
    assert!(second.await.unwrap().is_some());
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_server_is_asked_only_if_its_certificate_is_trusted_and_its_own() {
    let (server, other) = (Server::start(ok("", &set(&["a"]))).await, Server::start(status("404")).await);
    let untrusted = RemoteKeys::new(&discord::PLATFORM, server.url(), other.client());
    assert_eq!(untrusted.warm_up().await, Err(FetchError::Tls));

    let elsewhere = Server::named("elsewhere.example", ok("", &set(&["a"]))).await;
    assert_eq!(keys(&elsewhere).warm_up().await, Err(FetchError::Tls));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", free.local_addr().unwrap());
    drop(free);
    let url = KeySetUrl::parse_or_loopback(&url).unwrap();
    let keys = RemoteKeys::new(&discord::PLATFORM, url, KeySetClient::new());
    assert_eq!(keys.warm_up().await, Err(FetchError::Connect));
}

#[tokio::test]
async fn a_tenants_server_is_not_asked_where_its_name_means_an_address_of_the_apps_own() {
    let server = Server::start(ok("", &set(&["a"]))).await;
    // The resolver takes it for 127.0.0.1, as it may any name; at sight it is no address.
    let registered = format!("https://127.1:{}/graphql/", server.port());
    let url = KeySetUrl::well_known(&registered).unwrap();
    let keys = RemoteKeys::new(&discord::PLATFORM, url, server.client());
    assert_eq!(keys.warm_up().await, Err(FetchError::NotPublic));
    assert_eq!(server.requests(), 0);
}
