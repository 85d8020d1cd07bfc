//! Connect: the first of a host's addresses that answers.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client::FetchError;
use crate::url::KeySetUrl;

/// From one attempt to the next while none has ended (RFC 8305, section 5): four addresses fit into the time of a fetch.
const STAGGER: Duration = Duration::from_millis(250);

/// A connection to the host of a URL, at an address where its keys may be fetched. The address that is checked is the one that is
/// connected to, so a name cannot mean another one in between.
pub(crate) async fn connect(url: &KeySetUrl) -> Result<TcpStream, FetchError> {
    let found = lookup_host((url.host(), url.port())).await.map_err(|_| FetchError::Connect)?;
    let addresses: Vec<SocketAddr> = found.filter(|address| url.may_be_at(address.ip())).collect();
    if addresses.is_empty() {
        return Err(FetchError::NotPublic);
    }
    first_connected(alternating(addresses), TcpStream::connect).await.ok_or(FetchError::Connect)
}

/// The families in turn, each in the order of the resolver: where one of them leads nowhere, as IPv6 may, the second attempt is of
/// the other.
fn alternating(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let (mut of_4, mut of_6) = (0, 0);
    addresses.sort_by_cached_key(|address| {
        let place = if address.is_ipv4() { &mut of_4 } else { &mut of_6 };
        *place += 1;
        *place
    });
    addresses
}

/// Tries the next address when an attempt has failed, or takes long. Attempts that are under way go on meanwhile.
async fn first_connected<T, F>(addresses: Vec<SocketAddr>, connect: impl Fn(SocketAddr) -> F) -> Option<T>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut attempts = JoinSet::new();
    for address in addresses {
        attempts.spawn(connect(address));
        if let Ok(Some(Ok(Ok(connected)))) = timeout(STAGGER, attempts.join_next()).await {
            return Some(connected);
        }
    }
    while let Some(ended) = attempts.join_next().await {
        if let Ok(Ok(connected)) = ended {
            return Some(connected);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Instant, sleep};

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_families_are_tried_in_turn() {
        let found = addresses(&["[2001:db8::1]:1", "[2001:db8::2]:1", "192.0.2.1:1", "192.0.2.2:1"]);
        let expected = addresses(&["[2001:db8::1]:1", "192.0.2.1:1", "[2001:db8::2]:1", "192.0.2.2:1"]);
        assert_eq!(alternating(found), expected);
    }

    /// The port says what becomes of an attempt: how many milliseconds it takes, and whether it then succeeds.
    async fn outcome(texts: &[&str]) -> (Option<SocketAddr>, Duration) {
        let began = Instant::now();
        let connected = first_connected(addresses(texts), |address| async move {
            sleep(Duration::from_millis(address.port().into())).await;
            let is_there = address.is_ipv4();
            is_there.then_some(address).ok_or_else(|| io::ErrorKind::ConnectionRefused.into())
        });
        (connected.await, began.elapsed())
    }

    /// The clock runs ahead whenever nothing else is to be done.
    #[tokio::test(start_paused = true)]
    async fn an_address_that_leads_nowhere_delays_the_next_one_and_no_more() {
        for (tried, connected, millis) in [
            (&["192.0.2.1:20"][..], Some("192.0.2.1:20"), 20),
            (&["[2001:db8::1]:60000", "192.0.2.1:20"], Some("192.0.2.1:20"), 270),
            (&["[2001:db8::1]:60000", "[2001:db8::2]:60000", "192.0.2.1:20"], Some("192.0.2.1:20"), 520),
            (&["[2001:db8::1]:30", "192.0.2.1:20"], Some("192.0.2.1:20"), 50),
            (&["192.0.2.1:400", "192.0.2.2:20"], Some("192.0.2.2:20"), 270),
            (&["192.0.2.1:300", "[2001:db8::1]:60000"], Some("192.0.2.1:300"), 300),
            (&["[2001:db8::1]:30", "[2001:db8::2]:40"], None, 70),
            (&[], None, 0),
        ] {
            let expected = connected.map(|text| text.parse().unwrap());
            let (found, took) = outcome(tried).await;
            assert_eq!((found, took.as_millis()), (expected, millis), "{tried:?}");
        }
    }
}
