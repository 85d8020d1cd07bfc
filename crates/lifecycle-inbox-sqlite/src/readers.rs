//! Readers: the threads that read, beside the writer and without waiting for it.

use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::files::Files;
use crate::job::Job;

/// Answers one question after the other until the engine is gone.
pub(crate) fn read(connection: Connection, files: &Files, queue: &Mutex<Receiver<Box<dyn Job>>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut job) = next else { return files.close(connection) };
        if job.is_wanted() {
            let error = job.run(&connection).inspect_err(|error| files.suspect_damage(error)).err();
            // What stands in a file that has lost its name may be out of date, whatever it says.
            let loss = files.check(&connection).err().map(|loss| loss.to_string());
            job.answer(loss.or_else(|| error.map(|error| error.to_string())));
        }
    }
}
