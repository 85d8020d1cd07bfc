//! Columns: how the values of a row are read, also where a damaged disk made something else of them.

use bytes::Bytes;
use lifecycle_core::IdempotencyKey;
use lifecycle_inbox::{DeliveryId, Record, TenantKey, Timestamp, Unreadable};
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// The columns that [`record`] reads.
pub(crate) const RECORD: &str = "platform, app, tenant, kind, key, body, envelope, received_at";

/// What was accepted, or the first column that does not read.
pub(crate) fn record(row: &Row<'_>) -> Result<Record, Unreadable> {
    let received_at = row.get("received_at").map_err(|_| unreadable("received_at"))?;
    Ok(Record::new(
        TenantKey::new(text(row, "platform")?, text(row, "app")?, text(row, "tenant")?),
        text(row, "kind")?,
        key(row).ok_or_else(|| unreadable("key"))?,
        bytes(row, "body")?,
        text(row, "envelope")?,
        Timestamp::from_millis(received_at),
    ))
}

pub(crate) fn key(row: &Row<'_>) -> Option<IdempotencyKey> {
    let Ok(ValueRef::Blob(bytes)) = row.get_ref("key") else { return None };
    bytes.try_into().ok().map(IdempotencyKey::from_bytes)
}

/// Whose a sound row is.
pub(crate) fn tenant(row: &Row<'_>) -> rusqlite::Result<TenantKey> {
    let part = |column| row.get::<_, String>(column);
    Ok(TenantKey::new(part("platform")?, part("app")?, part("tenant")?))
}

/// What can be shown of a text: what is not text in it is replaced.
pub(crate) fn shown(row: &Row<'_>, column: &str) -> String {
    String::from_utf8_lossy(&raw(row, column)).into_owned()
}

/// The bytes of a column that should hold bytes or text, whatever it holds.
pub(crate) fn raw(row: &Row<'_>, column: &str) -> Bytes {
    match row.get_ref(column) {
        Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => Bytes::copy_from_slice(bytes),
        _ => Bytes::new(),
    }
}

pub(crate) fn time(row: &Row<'_>, column: &str) -> Timestamp {
    Timestamp::from_millis(row.get(column).unwrap_or_default())
}

/// The id of another row, if there is one.
pub(crate) fn id(row: &Row<'_>, column: &str) -> Option<DeliveryId> {
    row.get::<_, Option<i64>>(column).unwrap_or_default().map(DeliveryId)
}

/// A count that no sound row lets overflow.
pub(crate) fn count(row: &Row<'_>, column: &str) -> u32 {
    let count: i64 = row.get(column).unwrap_or_default();
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

fn text(row: &Row<'_>, column: &str) -> Result<String, Unreadable> {
    let Ok(ValueRef::Text(bytes)) = row.get_ref(column) else { return Err(unreadable(column)) };
    String::from_utf8(bytes.to_vec()).map_err(|_| unreadable(column))
}

fn bytes(row: &Row<'_>, column: &str) -> Result<Bytes, Unreadable> {
    let Ok(ValueRef::Blob(bytes)) = row.get_ref(column) else { return Err(unreadable(column)) };
    Ok(Bytes::copy_from_slice(bytes))
}

fn unreadable(column: &str) -> Unreadable {
    Unreadable::new(format!("the column {column}"))
}
