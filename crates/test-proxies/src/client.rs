//! Client: one connection to a proxy, of either protocol.

use std::net::Ipv4Addr;

use tokio::time::timeout;

use crate::answer::{Answer, NoAnswer, PATIENCE};
use crate::request::Request;
use crate::site::{Front, Site};
use crate::{http1, http2};

/// A connection, for one request after the other.
#[derive(Debug)]
pub(crate) enum Client {
    Http1(http1::Connection),
    Http2(http2::Connection),
}

impl Client {
    pub(crate) async fn open(site: &Site, front: Front, from: Ipv4Addr) -> Result<Self, NoAnswer> {
        let stream = site.open(front, from).await?;
        Ok(match front {
            Front::Http1 => Self::Http1(http1::Connection::new(stream)),
            Front::Http2 => Self::Http2(http2::Connection::new(stream).await?),
        })
    }

    pub(crate) async fn send(&mut self, request: &Request) -> Result<Answer, NoAnswer> {
        timeout(PATIENCE, async {
            match self {
                Self::Http1(connection) => connection.send(request).await,
                Self::Http2(connection) => connection.send(request).await,
            }
        })
        .await?
    }
}

/// Sends a request on a new connection.
pub(crate) async fn send(
    site: &Site,
    front: Front,
    from: Ipv4Addr,
    request: &Request,
) -> Result<Answer, NoAnswer> {
    Client::open(site, front, from).await?.send(request).await
}
