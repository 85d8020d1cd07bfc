//! Writers: deliveries that wait at the same time are written in one transaction, and share its flush to the disk.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use lifecycle_core::IdempotencyKey;
use lifecycle_inbox::{Accepted, DeliveryId, Record, StoreError, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;

use crate::bell::Bell;
use crate::error::{is_passing, tell};
use crate::gather::gather;
use crate::quiet;
use crate::row::digest;
use crate::session::Connector;
use crate::sql::Sql;

/// The most deliveries of one transaction, and the size at which no more are added.
const ROWS: usize = 256;
const BYTES: usize = 4 * 1024 * 1024;

type Answer = oneshot::Sender<Result<Accepted, String>>;

/// A delivery that waits to be written.
struct Waiting {
    record: Record,
    tenant: Vec<u8>,
    now: Timestamp,
    answer: Answer,
}

/// The queues of all writers. A tenant's deliveries all go to the same one, so that within a process writers do not wait
/// for each other's locks.
pub(crate) struct Writers {
    queues: Vec<mpsc::Sender<Waiting>>,
    time_limit: Duration,
}

/// What all share who write in batches.
pub(crate) struct Desk {
    pub(crate) bell: Arc<Bell>,
    pub(crate) connector: Connector,
    pub(crate) sql: Arc<Sql>,
    pub(crate) time_limit: Duration,
}

impl Writers {
    /// Starts them. They end when this value is dropped.
    pub(crate) fn start(desk: &Arc<Desk>, writers: usize, queue: usize) -> Self {
        let time_limit = desk.time_limit;
        let start = |_| {
            let (sender, receiver) = mpsc::channel(queue);
            tokio::spawn(Writer { desk: desk.clone(), session: None }.run(receiver));
            sender
        };
        Self { queues: (0..writers).map(start).collect(), time_limit }
    }

    /// Has it written, and waits for the commit.
    pub(crate) async fn accept(&self, record: Record, now: Timestamp) -> Result<Accepted, StoreError> {
        let tenant = digest(&record.tenant);
        let queue = &self.queues[usize::from(tenant[0]) % self.queues.len()];
        let (answer, answered) = oneshot::channel();
        queue.try_send(Waiting { record, tenant, now, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::new("too many deliveries wait to be written"),
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        match timeout(self.time_limit, answered).await {
            Ok(Ok(answer)) => answer.map_err(StoreError::new),
            Ok(Err(_)) => Err(stopped()),
            Err(_) => Err(StoreError::new("PostgreSQL did not write in time")),
        }
    }
}

fn stopped() -> StoreError {
    StoreError::new("the runtime that wrote deliveries has ended")
}

struct Writer {
    desk: Arc<Desk>,
    session: Option<ClientWrapper>,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Waiting>) {
        while let Some(first) = queue.recv().await {
            let (mut rows, mut bytes) = (0, 0);
            let is_last = |waiting: &Waiting| {
                (rows, bytes) = (rows + 1, bytes + waiting.record.body.len());
                rows >= ROWS || bytes >= BYTES
            };
            // What came while the last batch was written is the next one.
            let mut batch = gather(&mut queue, first, is_last).await;
            batch.retain(|waiting| !waiting.answer.is_closed()); // nobody waits any more: as if never asked
            if !batch.is_empty() {
                self.write(batch).await;
            }
        }
    }

    async fn write(&mut self, batch: Vec<Waiting>) {
        let mut keys = HashSet::new();
        let fresh: Vec<&Waiting> = batch.iter().filter(|waiting| keys.insert(waiting.record.key)).collect();
        let written = self.insist(&fresh).await;
        if written.as_ref().is_ok_and(|new| !new.is_empty()) {
            self.desk.bell.ring();
        }
        match written {
            Ok(mut new) => {
                for Waiting { record, answer, .. } in batch {
                    // Of two of one key in one batch, the first takes the id out.
                    let accepted = new.remove(&record.key).map_or(Accepted::Duplicate, Accepted::New);
                    let _ = answer.send(Ok(accepted));
                }
            }
            Err(why) => {
                for Waiting { answer, .. } in batch {
                    let _ = answer.send(Err(why.clone()));
                }
            }
        }
    }

    /// Tries again once on a new connection where the old one was lost. If the first try was committed after all, the
    /// second finds its own rows, and they are told as duplicates.
    async fn insist(&mut self, batch: &[&Waiting]) -> Result<HashMap<IdempotencyKey, DeliveryId>, String> {
        let had_session = self.session.is_some();
        match timeout(self.desk.time_limit, self.insert(batch)).await {
            Ok(Ok(new)) => return Ok(new),
            Ok(Err(error)) => {
                self.session = None;
                if !(had_session && is_passing(&error)) {
                    return Err(format!("PostgreSQL: {}", tell(&error)));
                }
            }
            Err(_) => {
                self.session = None;
                return Err("PostgreSQL did not write in time".to_owned());
            }
        }
        match timeout(self.desk.time_limit, self.insert(batch)).await {
            Ok(Ok(new)) => Ok(new),
            Ok(Err(error)) => {
                self.session = None;
                Err(format!("PostgreSQL: {}", tell(&error)))
            }
            Err(_) => {
                self.session = None;
                Err("PostgreSQL did not write in time".to_owned())
            }
        }
    }

    /// One statement, which is one transaction. Its answer follows its commit.
    async fn insert(
        &mut self,
        batch: &[&Waiting],
    ) -> Result<HashMap<IdempotencyKey, DeliveryId>, tokio_postgres::Error> {
        if self.session.as_ref().is_none_or(|session| session.is_closed()) {
            self.session = Some(self.desk.connector.open().await?);
        }
        let Some(session) = &self.session else { return Ok(HashMap::new()) };
        let statement = session.prepare_cached(&self.desk.sql.accept).await?;
        let bytes =
            |of: fn(&Waiting) -> &[u8]| batch.iter().map(|waiting| of(waiting)).collect::<Vec<&[u8]>>();
        let times = |of: fn(&Waiting) -> Timestamp| {
            batch.iter().map(|waiting| of(waiting).as_millis()).collect::<Vec<i64>>()
        };
        let values: [&(dyn ToSql + Sync); 10] = [
            &bytes(|it| &it.tenant),
            &bytes(|it| it.record.tenant.platform.as_bytes()),
            &bytes(|it| it.record.tenant.app.as_bytes()),
            &bytes(|it| it.record.tenant.tenant.as_bytes()),
            &bytes(|it| it.record.kind.as_bytes()),
            &bytes(|it| it.record.key.as_bytes()),
            &bytes(|it| &it.record.body),
            &bytes(|it| it.record.envelope.as_bytes()),
            &times(|it| it.record.received_at),
            &times(|it| it.now),
        ];
        let rows = quiet::query(session, &statement, &values).await?;
        let mut new = HashMap::with_capacity(rows.len());
        for row in rows {
            let key: &[u8] = row.try_get(0)?;
            if let Ok(key) = key.try_into() {
                new.insert(IdempotencyKey::from_bytes(key), DeliveryId(row.try_get(1)?));
            }
        }
        Ok(new)
    }
}
