//! Envelope: what a store keeps of a delivery in addition to its body.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ack::AckFailure;
use crate::delivery::Delivery;
use crate::event::{EventFields, EventKind};
use crate::freshness;
use crate::idempotency::IdempotencyKey;
use crate::platform::Platform;
use crate::secret::KeyName;
use crate::trust::{Trust, Unproven};

/// What a store keeps of a delivery in addition to its body: all that was proven and decoded when it was accepted. Store it as it is,
/// by [`to_json`](Self::to_json); it holds personal data.
///
/// A later release reads what an earlier one wrote. `Debug` shows nothing of it.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Envelope {
    version: u32,
    platform: String,
    sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claims: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    trust: StoredTrust,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unproven: Vec<String>,
    key: IdempotencyKey,
    kind: String,
    app: String,
    tenant: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    installation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    app_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prior_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// Seconds and nanoseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    occurred: Option<(i64, u32)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<StoredFailure>,
    received: (i64, u32),
}

#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum StoredTrust {
    Bearer { key: String },
    PublicKey { key: String, header: String },
    Observed,
    Signed { secret: String, header: String },
    UnguessableUrl,
}

/// What a failure means for this event, where that differs from what the platform says of all.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum StoredFailure {
    Blocks,
    Lost,
    Retried { at_most_s: u64 },
}

/// What an envelope gives back.
pub(crate) struct Opened<'e> {
    pub(crate) fields: EventFields<'e>,
    pub(crate) claims: Option<Arc<str>>,
    pub(crate) trust: Trust,
    pub(crate) key: IdempotencyKey,
    pub(crate) received_at: SystemTime,
}

/// Why a delivery cannot be restored from what a store kept. It names a place, never content.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// The body is not the one that was received.
    #[error("the bytes are not those that were received")]
    Body,
    /// The envelope is not what [`Envelope::to_json`] writes: of what kind the error is, and at which column.
    #[error("the envelope: {0:?} at {1}")]
    Envelope(serde_json::error::Category, usize),
    /// The envelope is of another platform.
    #[error("the envelope is of another platform")]
    Platform,
    /// The envelope was written by a release that came later.
    #[error("the envelope is of a later version than this release reads")]
    Version,
}

impl Envelope {
    /// The version of what this release writes, and the newest that it reads; each envelope has it as the number `version`. What
    /// a release adds is optional; another number is for what an older one would read wrongly.
    pub const VERSION: u32 = 1;

    /// The text to store.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() // strings and numbers always serialize
    }

    /// The envelope of which this is the text.
    ///
    /// ```
    /// use lifecycle_core::{Envelope, seismic};
    ///
    /// let body = r#"{"type":"install","appId":"a1","tenantId":"t1"}"#;
    /// let envelope = lifecycle_testing::delivery(&seismic::PLATFORM, body).envelope();
    /// assert!(Envelope::from_json(&envelope.to_json())? == envelope);
    /// # Ok::<(), lifecycle_core::Unreadable>(())
    /// ```
    ///
    /// # Errors
    /// [`Unreadable::Version`], also where the rest of it has another shape; [`Unreadable::Envelope`].
    pub fn from_json(text: &str) -> Result<Self, Unreadable> {
        let Versioned { version } = read(text)?;
        check_version(version)?;
        read(text)
    }

    pub(crate) fn of(delivery: &Delivery) -> Self {
        let event = delivery.event();
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            version: Self::VERSION,
            platform: delivery.platform().name().to_owned(),
            sha256: digest(delivery.body()),
            claims: owned(delivery.claims()),
            headers: delivery
                .headers()
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            trust: delivery.trust().into(),
            unproven: delivery.unproven().names().map(str::to_owned).collect(),
            key: delivery.idempotency_key(),
            kind: event.kind().name().to_owned(),
            app: event.app().to_owned(),
            tenant: event.tenant().to_owned(),
            installation: owned(event.installation()),
            actor: owned(event.actor()),
            app_version: owned(event.version()),
            prior_version: owned(event.prior_version()),
            request_id: owned(event.request_id()),
            occurred: event.occurred().map(since_epoch),
            failure: delivery.own_failure().map(StoredFailure::from),
            received: since_epoch(delivery.received_at()),
        }
    }

    /// The headers that were kept: name (in lower case) and value of each.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers.get(name).map(|value| Cow::Borrowed(value.as_str()))
    }

    pub(crate) fn open(&self, platform: &Platform, body: &[u8]) -> Result<Opened<'_>, Unreadable> {
        check_version(self.version)?;
        if self.platform != platform.name() {
            return Err(Unreadable::Platform);
        }
        if self.sha256 != digest(body) {
            return Err(Unreadable::Body);
        }
        let mut fields = EventFields::new(EventKind::from_name(&self.kind));
        fields.app = Cow::Borrowed(&self.app);
        fields.tenant = Cow::Borrowed(&self.tenant);
        fields.installation = self.installation.as_deref().map(Cow::Borrowed);
        fields.actor = self.actor.as_deref().map(Cow::Borrowed);
        fields.version = self.app_version.as_deref().map(Cow::Borrowed);
        fields.prior_version = self.prior_version.as_deref().map(Cow::Borrowed);
        fields.request_id = self.request_id.as_deref().map(Cow::Borrowed);
        fields.occurred = self.occurred.and_then(from_epoch);
        fields.failure = self.failure.map(AckFailure::from);
        fields.unproven = Unproven::from_names(self.unproven.iter().map(String::as_str));
        Ok(Opened {
            fields,
            claims: self.claims.as_deref().map(Arc::from),
            trust: (&self.trust).into(),
            key: self.key,
            received_at: from_epoch(self.received).unwrap_or(SystemTime::UNIX_EPOCH),
        })
    }
}

/// What an envelope of any version has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

fn check_version(version: u32) -> Result<(), Unreadable> {
    if version > Envelope::VERSION { Err(Unreadable::Version) } else { Ok(()) }
}

fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|error| Unreadable::Envelope(error.classify(), error.column()))
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Envelope(redacted)")
    }
}

impl From<&Trust> for StoredTrust {
    fn from(trust: &Trust) -> Self {
        match trust {
            Trust::Bearer { key } => Self::Bearer { key: key.as_str().to_owned() },
            Trust::PublicKey { key, header } => {
                Self::PublicKey { key: key.as_str().to_owned(), header: header.clone().into_owned() }
            }
            Trust::Signed { secret, header } => {
                Self::Signed { secret: secret.as_str().to_owned(), header: header.clone().into_owned() }
            }
            Trust::Observed => Self::Observed,
            Trust::UnguessableUrl => Self::UnguessableUrl,
        }
    }
}

impl From<&StoredTrust> for Trust {
    fn from(stored: &StoredTrust) -> Self {
        match stored {
            StoredTrust::Bearer { key } => Self::Bearer { key: KeyName::new(key) },
            StoredTrust::PublicKey { key, header } => {
                Self::PublicKey { key: KeyName::new(key), header: Cow::Owned(header.clone()) }
            }
            StoredTrust::Signed { secret, header } => {
                Self::Signed { secret: KeyName::new(secret), header: Cow::Owned(header.clone()) }
            }
            StoredTrust::Observed => Self::Observed,
            StoredTrust::UnguessableUrl => Self::UnguessableUrl,
        }
    }
}

impl From<AckFailure> for StoredFailure {
    fn from(failure: AckFailure) -> Self {
        match failure {
            AckFailure::Blocks => Self::Blocks,
            AckFailure::Lost => Self::Lost,
            AckFailure::Retried { at_most } => Self::Retried { at_most_s: at_most.as_secs() },
        }
    }
}

impl From<StoredFailure> for AckFailure {
    fn from(stored: StoredFailure) -> Self {
        match stored {
            StoredFailure::Blocks => Self::Blocks,
            StoredFailure::Lost => Self::Lost,
            StoredFailure::Retried { at_most_s } => Self::Retried { at_most: Duration::from_secs(at_most_s) },
        }
    }
}

fn digest(body: &[u8]) -> String {
    const_hex::encode(Sha256::digest(body))
}

/// The whole seconds rounded down, and the nanoseconds after them.
fn since_epoch(time: SystemTime) -> (i64, u32) {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos()),
        Err(before) => {
            let before = before.duration();
            let seconds = i64::try_from(before.as_secs()).map_or(i64::MIN, |seconds| -seconds);
            match before.subsec_nanos() {
                0 => (seconds, 0),
                nanos => (seconds.saturating_sub(1), 1_000_000_000 - nanos),
            }
        }
    }
}

fn from_epoch((seconds, nanos): (i64, u32)) -> Option<SystemTime> {
    freshness::from_unix_seconds(seconds)?.checked_add(Duration::from_nanos(nanos.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{seismic, testing};

    const BODY: &str = r#"{"type":"upgrade","appId":"a","tenantId":"t","userId":"u","requestId":"r","version":"2","priorVersion":"1","timestamp":"2026-01-01T00:00:00.5Z"}"#;

    #[test]
    fn a_delivery_comes_back_without_being_decoded() {
        let delivery = testing::delivery(&seismic::PLATFORM, BODY).unwrap();
        let envelope = Envelope::from_json(&delivery.envelope().to_json()).unwrap();
        let again = Delivery::from_store_unverified(&seismic::PLATFORM, BODY, &envelope).unwrap();
        assert_eq!(again.envelope(), delivery.envelope());
        assert_eq!(again.idempotency_key(), delivery.idempotency_key());
        assert_eq!((again.trust(), again.body()), (delivery.trust(), delivery.body()));
        assert_eq!(again.event().prior_version(), Some("1"));
        assert_eq!(again.received_at(), delivery.received_at());
    }

    #[test]
    fn what_was_altered_is_no_delivery() {
        let envelope = testing::delivery(&seismic::PLATFORM, BODY).unwrap().envelope();
        let read = |platform, body: &'static str, envelope: &Envelope| {
            Delivery::from_store_unverified(platform, body, envelope).map(drop).unwrap_err()
        };
        assert_eq!(read(&seismic::PLATFORM, "{}", &envelope), Unreadable::Body);
        assert_eq!(read(&crate::securityscorecard::PLATFORM, BODY, &envelope), Unreadable::Platform);
        let later = Envelope { version: Envelope::VERSION + 1, ..envelope };
        assert_eq!(read(&seismic::PLATFORM, BODY, &later), Unreadable::Version);
    }

    #[test]
    fn a_time_comes_back_from_either_side_of_the_epoch() {
        for (seconds, nanos) in
            [(0, 0), (1_767_225_600, 500_000_000), (-1, 0), (-1, 999_999_999), (-62_135_596_800, 1)]
        {
            let time = from_epoch((seconds, nanos)).unwrap();
            assert_eq!(since_epoch(time), (seconds, nanos));
        }
    }
}
