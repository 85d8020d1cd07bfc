//! Record: what an engine keeps of a delivery, and the way back to it.

use std::fmt;

use bytes::Bytes;
use lifecycle_core::{Delivery, Envelope, IdempotencyKey, Platform, TenantKey, registry};

use crate::timestamp::Timestamp;

/// A delivery as an engine stores it: columns to find it by, the exact bytes, and an envelope that only
/// [`restore`](Self::restore) reads.
///
/// ```
/// use lifecycle_core::seismic;
/// use lifecycle_inbox::{Platforms, Record};
///
/// let body = r#"{"type":"install","appId":"a","tenantId":"t","requestId":"r"}"#;
/// let delivery = lifecycle_testing::delivery(&seismic::PLATFORM, body);
///
/// let record = Record::from(&delivery);
/// let again = record.restore(&Platforms::default())?;
/// assert_eq!(again.body(), delivery.body());
/// assert_eq!(again.idempotency_key(), record.key);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// What orders it.
    pub tenant: TenantKey,
    /// The name of the event's kind; any text.
    pub kind: String,
    /// What makes a second one of it a duplicate.
    pub key: IdempotencyKey,
    /// The body, byte for byte as it was sent.
    pub body: Bytes,
    /// The headers and the trust, as text. Store it as it is.
    pub envelope: String,
    /// When the delivery was received.
    pub received_at: Timestamp,
}

impl Record {
    /// For engines: what was stored of a delivery, read from its columns.
    pub fn new(
        tenant: TenantKey,
        kind: String,
        key: IdempotencyKey,
        body: Bytes,
        envelope: String,
        received_at: Timestamp,
    ) -> Self {
        Self { tenant, kind, key, body, envelope, received_at }
    }

    /// The delivery that was stored.
    ///
    /// # Errors
    /// [`Unreadable`] when the delivery was altered, or its platform is not among these.
    pub fn restore(&self, platforms: &Platforms) -> Result<Delivery, Unreadable> {
        let platform = platforms
            .find(&self.tenant.platform)
            .ok_or_else(|| Unreadable::new("no platform of this name is known to this worker"))?;
        Delivery::from_store_unverified(platform, self.body.clone(), &Envelope::from_json(&self.envelope)?)
            .map_err(Unreadable::from)
    }
}

impl From<&Delivery> for Record {
    fn from(delivery: &Delivery) -> Self {
        Self {
            tenant: delivery.into(),
            kind: delivery.event().kind().name().to_owned(),
            key: delivery.idempotency_key(),
            body: delivery.body().clone(),
            envelope: delivery.envelope().to_json(),
            received_at: delivery.received_at().into(),
        }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("tenant", &self.tenant)
            .field("key", &self.key)
            .field("length", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The platforms that an inbox accepts and its worker handles: all built-in ones, and those that an app adds by
/// [`Store::with`](crate::Store::with).
#[derive(Clone, Debug)]
pub struct Platforms(Vec<&'static Platform>);

impl Platforms {
    /// Adds a platform of the app's own. It takes the place of one of the same name.
    #[must_use]
    pub fn with(mut self, platform: &'static Platform) -> Self {
        self.0.retain(|own| own.name() != platform.name());
        self.0.push(platform);
        self
    }

    /// Their names.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|platform| platform.name()).collect()
    }

    /// The platform of this name.
    pub fn find(&self, name: &str) -> Option<&'static Platform> {
        self.0.iter().copied().find(|platform| platform.name() == name)
    }
}

impl Default for Platforms {
    /// All that this library knows.
    fn default() -> Self {
        Self(registry().to_vec())
    }
}

/// Why what was stored cannot be read as a delivery. It names a place, never a content.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the stored delivery cannot be read: {why}")]
pub struct Unreadable {
    why: String,
    is_later: bool,
}

impl Unreadable {
    /// For engines: names the column that does not read, and never its value.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), is_later: false }
    }

    /// Whether a later release wrote it: one of its workers can read it.
    pub(crate) fn is_of_later_release(&self) -> bool {
        self.is_later
    }
}

impl From<lifecycle_core::Unreadable> for Unreadable {
    fn from(why: lifecycle_core::Unreadable) -> Self {
        Self { why: why.to_string(), is_later: why == lifecycle_core::Unreadable::Version }
    }
}

/// The headers of an envelope.
pub(crate) fn headers(envelope: &str) -> Result<Vec<(String, String)>, Unreadable> {
    let envelope = Envelope::from_json(envelope)?;
    Ok(envelope.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use lifecycle_core::{Head, Secret, Verifier, seismic};

    use super::*;

    #[test]
    fn an_event_that_names_no_app_keeps_the_one_that_its_receiver_expected() {
        let secret = Secret::new("s3cr3t").unwrap();
        let body = Bytes::from_static(br#"{"type":"key-rotated"}"#);
        let signature = seismic::SCHEME.sign(&secret, &[], &body);
        let headers = [(seismic::SIGNATURE, signature.as_bytes())].into_iter();
        let verifier = Verifier::new(&seismic::PLATFORM, secret, "a").unwrap();
        let mut verification = verifier.begin(Head::new("POST", "/", headers)).unwrap();
        verification.push(body).unwrap();
        let record = Record::from(&verification.finish(SystemTime::now()).unwrap().delivery().unwrap());
        assert_eq!(record.tenant.app, "a");

        let again = record.restore(&Platforms::default()).unwrap();
        assert_eq!(again.event().app(), "a");
        assert_eq!(again.idempotency_key(), record.key);
    }
}
