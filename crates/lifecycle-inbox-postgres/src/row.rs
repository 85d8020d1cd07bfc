//! Rows: what the columns of the tables mean.

use bytes::Bytes;
use lifecycle_core::{IdempotencyKey, Installation};
use lifecycle_inbox::{
    Claim, DeliveryId, DeliveryState, DeliverySummary, EngineError, LeaseToken, Record, StoredDelivery,
    TenantKey, Timestamp, Unreadable,
};
use sha2::{Digest, Sha256};
use tokio_postgres::types::FromSql;
use tokio_postgres::{Error, Row};

use crate::error::store;

/// What stands for a tenant key in the tables.
pub(crate) fn digest(tenant: &TenantKey) -> Vec<u8> {
    let mut digest = Sha256::new();
    for part in [&tenant.platform, &tenant.app, &tenant.tenant] {
        digest.update((part.len() as u64).to_be_bytes()); // so that no two lists of parts run together
        digest.update(part);
    }
    digest.finalize().to_vec()
}

/// A row of `claim`.
pub(crate) fn claim(row: &Row) -> Result<Claim, Error> {
    let token = LeaseToken { id: DeliveryId(row.try_get("id")?), fence: row.try_get("fence")? };
    let mut claim = Claim::new(token, attempts(row)?, record(row)?);
    claim.overtaken_by = overtaken_by(row)?;
    Ok(claim)
}

fn record(row: &Row) -> Result<Result<Record, Unreadable>, Error> {
    let texts = (text(row, "platform")?, text(row, "app")?, text(row, "tenant")?, text(row, "kind")?);
    let (key, envelope) = (key(row)?, text(row, "envelope")?);
    let body = Bytes::copy_from_slice(row.try_get("body")?);
    let received_at = time(row, "received_at")?;
    let read = || {
        let tenant = TenantKey::new(texts.0?, texts.1?, texts.2?);
        let key = key.ok_or_else(|| Unreadable::new("the key has not 32 bytes"))?;
        Ok(Record::new(tenant, texts.3?, key, body, envelope?, received_at))
    };
    Ok(read())
}

/// A row of the columns of a summary.
pub(crate) fn summary(row: &Row) -> Result<DeliverySummary, EngineError> {
    let read = || {
        let state: &str = row.try_get("state")?;
        Ok((state, attempts(row)?, key(row)?))
    };
    let (state, attempts, key) = read().map_err(|error| store(&error))?;
    let state =
        DeliveryState::from_name(state).ok_or_else(|| EngineError::new("a row is in no known state"))?;
    let read = || {
        let (id, kind) = (DeliveryId(row.try_get("id")?), lossy(row.try_get("kind")?));
        let mut summary = DeliverySummary::new(id, tenant(row)?, kind, state);
        summary.key = key;
        summary.attempts = attempts;
        summary.due_at = time(row, "due_at")?;
        summary.received_at = time(row, "received_at")?;
        summary.accepted_at = time(row, "accepted_at")?;
        summary.finished_at = row.try_get::<_, Option<i64>>("finished_at")?.map(Timestamp::from_millis);
        summary.overtaken_by = overtaken_by(row)?;
        summary.worker = row.try_get::<_, Option<&[u8]>>("worker")?.map(lossy);
        summary.last_error = row.try_get::<_, Option<&[u8]>>("last_error")?.map(lossy);
        Ok(summary)
    };
    read().map_err(|error| store(&error))
}

/// A row of `show`.
pub(crate) fn stored(row: &Row) -> Result<StoredDelivery, EngineError> {
    let summary = summary(row)?;
    let read = || {
        let body = Bytes::copy_from_slice(row.try_get("body")?);
        Ok(StoredDelivery::new(summary, body, lossy(row.try_get("envelope")?)))
    };
    read().map_err(|error| store(&error))
}

/// The tenant key of a row, for people where it is damaged.
pub(crate) fn tenant(row: &Row) -> Result<TenantKey, Error> {
    let part = |name| row.try_get(name).map(lossy);
    Ok(TenantKey::new(part("platform")?, part("app")?, part("tenant")?))
}

/// An installation, as it is stored.
pub(crate) fn installation(json: &[u8]) -> Result<Installation, EngineError> {
    serde_json::from_slice(json).map_err(|error| {
        EngineError::new(format!("a stored installation cannot be read: {:?}", error.classify()))
    })
}

/// A column, whatever its row is.
pub(crate) fn column<'a, T: FromSql<'a>>(row: &'a Row, nth: usize) -> Result<T, EngineError> {
    row.try_get(nth).map_err(|error| store(&error))
}

pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn text(row: &Row, name: &str) -> Result<Result<String, Unreadable>, Error> {
    let bytes: &[u8] = row.try_get(name)?;
    let text = String::from_utf8(bytes.to_vec());
    Ok(text.map_err(|_| Unreadable::new(format!("the column {name} is not UTF-8"))))
}

fn key(row: &Row) -> Result<Option<IdempotencyKey>, Error> {
    let bytes: &[u8] = row.try_get("key")?;
    Ok(bytes.try_into().ok().map(IdempotencyKey::from_bytes))
}

fn overtaken_by(row: &Row) -> Result<Option<DeliveryId>, Error> {
    Ok(row.try_get::<_, Option<i64>>("overtaken_by")?.map(DeliveryId))
}

fn attempts(row: &Row) -> Result<u32, Error> {
    let attempts: i64 = row.try_get("attempts")?;
    Ok(u32::try_from(attempts.max(0)).unwrap_or(u32::MAX))
}

fn time(row: &Row, name: &str) -> Result<Timestamp, Error> {
    row.try_get(name).map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_whose_parts_run_together_are_told_apart() {
        let keys = [("p", "ab", "c"), ("p", "a", "bc"), ("pa", "b", "c"), ("", "pab", "c")];
        let digests: std::collections::HashSet<_> = keys
            .iter()
            .map(|(platform, app, tenant)| digest(&TenantKey::new(*platform, *app, *tenant)))
            .collect();
        assert_eq!(digests.len(), keys.len());
    }
}
