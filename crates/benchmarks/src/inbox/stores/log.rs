//! Log: a file that is only appended to. Nothing that flushes before it acknowledges is faster on this disk.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use bytes::Bytes;
use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, async_trait};
use tokio::sync::oneshot;

use super::{Store, unavailable};
use crate::Failure;

/// Writes all that waits at once, and flushes once.
pub(crate) struct Log {
    path: PathBuf,
    queue: Sender<Entry>,
}

struct Entry {
    body: Bytes,
    written: oneshot::Sender<()>,
}

impl Log {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = File::create_new(path)?;
        let (queue, entries) = channel();
        thread::spawn(move || append(file, &entries));
        Ok(Self { path: path.to_owned(), queue })
    }
}

/// Until nobody sends any more, or the disk fails: then whoever waits hears that nobody answers.
fn append(mut file: File, entries: &Receiver<Entry>) -> io::Result<()> {
    let mut batch = Vec::new();
    let mut text = Vec::new();
    while let Ok(first) = entries.recv() {
        batch.push(first);
        batch.extend(entries.try_iter());
        for entry in &batch {
            text.extend_from_slice(&entry.body);
            text.push(b'\n');
        }
        file.write_all(&text)?;
        file.sync_data()?;
        text.clear();
        for entry in batch.drain(..) {
            let _ = entry.written.send(()); // whoever waited may be gone
        }
    }
    Ok(())
}

#[async_trait]
impl LifecycleHandler for Log {
    async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let (written, answer) = oneshot::channel();
        self.queue
            .send(Entry { body: delivery.body().clone(), written })
            .map_err(|_| unavailable("no log"))?;
        answer.await.map_err(unavailable)?;
        Ok(())
    }
}

#[async_trait]
impl Store for Log {
    async fn count(&self) -> Result<u64, Failure> {
        Ok(std::fs::read_to_string(&self.path)?.lines().count() as u64)
    }
}
