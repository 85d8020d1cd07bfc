//! Genuine: the callbacks of a marketplace, signed, each of which has to be acknowledged whatever strangers do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use lifecycle_core::{Secret, seismic};
use tokio::time::{Instant, sleep};

use crate::Failure;
use crate::answer::{Answer, NoAnswer, in_words};
use crate::client::Client;
use crate::counted::Counted;
use crate::request::Request;
use crate::site::{FRIEND, Front, Site};

/// What is allowed for a genuine callback.
pub(crate) const ACKNOWLEDGED: &[&str] = &["202"];

/// Makes callbacks, no two of which are the same.
#[derive(Debug)]
pub(crate) struct Marketplace {
    secret: Secret,
    sent: AtomicU64,
}

impl Marketplace {
    pub(crate) fn new(secret: &str) -> Result<Self, Failure> {
        Ok(Self { secret: Secret::new(secret)?, sent: AtomicU64::new(0) })
    }

    /// The signature of these bytes.
    pub(crate) fn sign(&self, body: &[u8]) -> String {
        seismic::SCHEME.sign(&self.secret, &[], body)
    }

    /// A callback to this path.
    pub(crate) fn callback(&self, path: &str) -> Request {
        self.large_callback(path, 0)
    }

    /// One with so many bytes more than it needs.
    pub(crate) fn large_callback(&self, path: &str, more: usize) -> Request {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let body = format!(
            r#"{{"type":"upgrade","appId":"proxies","tenantId":"proxies","requestId":"{number}","more":"{}"}}"#,
            "m".repeat(more)
        );
        let signature = self.sign(body.as_bytes());
        Request::new(path, Bytes::from(body)).signed(signature)
    }
}

/// A marketplace that sends one callback after the other and keeps its connection.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    site: &'a Site,
    marketplace: &'a Marketplace,
    front: Front,
    client: Option<Client>,
    counted: Counted,
}

impl<'a> Sender<'a> {
    pub(crate) fn new(site: &'a Site, marketplace: &'a Marketplace, front: Front) -> Self {
        let counted = Counted::new(format!("genuine, {front:?}"), ACKNOWLEDGED);
        Self { site, marketplace, front, client: None, counted }
    }

    /// Sends so many, with a pause after each.
    pub(crate) async fn send(mut self, callbacks: usize, pause: Duration) -> Counted {
        for _ in 0..callbacks {
            self.send_one().await;
            sleep(pause).await;
        }
        self.counted
    }

    async fn send_one(&mut self) {
        let request = self.marketplace.callback("/seismic");
        let (crashes, asked) = (self.site.crashes(), Instant::now());
        let mut answer = self.offer(&request).await;
        if answer.is_err() && self.site.has_crashed_since(crashes).await {
            // Nobody has answered, and nobody could: the sender tries again, as it would at another proxy.
            answer = self.offer(&request).await;
        }
        self.counted.add(in_words(&answer), asked.elapsed());
    }

    async fn offer(&mut self, request: &Request) -> Result<Answer, NoAnswer> {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => Client::open(self.site, self.front, FRIEND).await?,
        };
        let answer = client.send(request).await?;
        self.client = (!answer.closes).then_some(client);
        Ok(answer)
    }
}
