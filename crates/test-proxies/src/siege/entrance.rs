//! Entrance: the app itself, or a proxy in front of it. Both speak HTTP/1.1 here.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

use crate::http1::Connection;
use crate::site::{Front, Site};

/// Where requests come in.
#[derive(Debug)]
pub(crate) enum Entrance {
    Direct(SocketAddr),
    Behind(Box<Site>),
}

impl Entrance {
    /// A new connection from this address.
    pub(crate) async fn open(&self, from: Ipv4Addr) -> std::io::Result<Connection> {
        match self {
            Self::Direct(address) => {
                let socket = TcpSocket::new_v4()?;
                socket.bind((from, 0).into())?;
                let stream = socket.connect(*address).await?;
                stream.set_nodelay(true)?;
                Ok(Connection::new(stream))
            }
            Self::Behind(site) => Ok(Connection::new(site.open(Front::Http1, from).await?)),
        }
    }

    pub(crate) fn is_direct(&self) -> bool {
        matches!(self, Self::Direct(_))
    }
}
