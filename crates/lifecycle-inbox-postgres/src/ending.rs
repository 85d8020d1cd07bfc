//! Ending: a row is done or dead, and its event folded, within whatever transaction.

use deadpool_postgres::StatementCache;
use lifecycle_core::{Change, Installation, Transition};
use lifecycle_inbox::{DeliveryState, EngineError, LeaseToken, Timestamp};
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use crate::error::store;
use crate::quiet;
use crate::row::{self, column};
use crate::sql::Sql;

/// What ends when and how.
pub(crate) struct Ending<'a> {
    pub(crate) token: LeaseToken,
    pub(crate) now: Timestamp,
    /// Done or dead.
    pub(crate) state: DeliveryState,
    pub(crate) error: Option<&'a str>,
    pub(crate) change: &'a Change,
}

/// Ends it under the tenant's lock, which is held until the end of the transaction. `None` when the token no longer holds
/// the row: then roll back.
pub(crate) async fn end_in(
    transaction: &Transaction<'_>,
    statements: &StatementCache,
    sql: &Sql,
    ending: Ending<'_>,
) -> Result<Option<Transition>, EngineError> {
    let Ending { token, now, state, error, change } = ending;
    let telling = |error: tokio_postgres::Error| store(&error);
    let (state, due, error) = (state.name(), Timestamp::MIN.as_millis(), error.map(str::as_bytes));
    let finish = statements.prepare(transaction.client(), &sql.finish).await.map_err(telling)?;
    let values: [&(dyn ToSql + Sync); 7] =
        [&token.id.0, &token.fence, &now.as_millis(), &state, &due, &error, &0_i64];
    let finished = quiet::query(transaction.client(), &finish, &values).await.map_err(telling)?;
    let Some(finished) = finished.first() else { return Ok(None) };
    let tenant: &[u8] = column(finished, 0)?;
    let stored: Option<&[u8]> = column(finished, 1)?;
    let current = stored.map(row::installation).transpose()?;
    let (folded, transition) = Installation::fold(current.clone(), change);
    if let Some(folded) = folded.filter(|folded| Some(folded) != current.as_ref()) {
        let json = serde_json::to_vec(&folded).map_err(EngineError::new)?;
        let put = statements.prepare(transaction.client(), &sql.put_installation).await.map_err(telling)?;
        let values: [&(dyn ToSql + Sync); 3] = [&tenant, &folded.status().name(), &json];
        quiet::execute(transaction.client(), &put, &values).await.map_err(telling)?;
    }
    Ok(Some(transition))
}
