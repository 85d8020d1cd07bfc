//! Readers: the threads that read, beside the writer and without waiting for it.

use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::job::Job;

/// Answers one question after the other until the engine is gone.
pub(crate) fn read(connection: &Connection, queue: &Mutex<Receiver<Box<dyn Job>>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut job) = next else { return };
        if job.is_wanted() {
            let error = job.run(connection).err().map(|error| error.to_string());
            job.answer(error);
        }
    }
}
