//! Clock: the database's time, followed from here, so that all replicas share one clock.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lifecycle_inbox::Timestamp;
use tokio_postgres::{Client, Error};

/// What the database's clock said last, and when that was by the monotonic one of this machine.
pub(crate) struct Clock(Mutex<(Timestamp, Instant)>);

impl Clock {
    /// Asks the database.
    pub(crate) async fn new(client: &Client) -> Result<Self, Error> {
        Ok(Self(Mutex::new(ask(client).await?)))
    }

    /// Asks the database again, so that the clocks cannot drift apart.
    pub(crate) async fn follow(&self, client: &Client) -> Result<(), Error> {
        let asked = ask(client).await?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        Ok(())
    }

    pub(crate) fn now(&self) -> Timestamp {
        let (time, at) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        time + at.elapsed()
    }
}

async fn ask(client: &Client) -> Result<(Timestamp, Instant), Error> {
    let before = Instant::now();
    let row = client.query_one("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint", &[]).await?;
    let way: Duration = before.elapsed() / 2;
    Ok((Timestamp::from_millis(row.try_get(0)?), before + way))
}
