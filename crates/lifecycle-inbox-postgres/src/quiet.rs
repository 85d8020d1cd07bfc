//! Quiet: statements whose values the driver does not log.
//!
//! At `debug`, the driver writes the parameters of every statement into the log, and these hold payloads. What it writes
//! is what `Debug` shows of them.

use std::error::Error;
use std::fmt;

use bytes::BytesMut;
use futures_util::TryStreamExt;
use tokio_postgres::types::{Format, IsNull, ToSql, Type};
use tokio_postgres::{Client, Row, Statement};

/// The rows that a statement gives.
pub(crate) async fn query(
    client: &Client,
    statement: &Statement,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, tokio_postgres::Error> {
    client.query_raw(statement, quiet(values)).await?.try_collect().await
}

/// How many rows a statement has changed.
pub(crate) async fn execute(
    client: &Client,
    statement: &Statement,
    values: &[&(dyn ToSql + Sync)],
) -> Result<u64, tokio_postgres::Error> {
    client.execute_raw(statement, quiet(values)).await
}

fn quiet<'a>(values: &'a [&'a (dyn ToSql + Sync)]) -> impl ExactSizeIterator<Item = Quiet<'a>> {
    values.iter().map(|value| Quiet(*value))
}

/// A value that is sent as it is, and logged as nothing.
struct Quiet<'a>(&'a (dyn ToSql + Sync));

type Sent = Result<IsNull, Box<dyn Error + Sync + Send>>;

impl ToSql for Quiet<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Sent {
        self.0.to_sql_checked(ty, out)
    }

    /// Any type: the value within is asked when it is sent.
    fn accepts(_ty: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Sent {
        self.0.to_sql_checked(ty, out)
    }

    fn encode_format(&self, ty: &Type) -> Format {
        self.0.encode_format(ty)
    }
}

impl fmt::Debug for Quiet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}
