//! Lost: the file of an SQLite inbox is moved, deleted, replaced or truncated. Nothing is acknowledged into it,
//! and what was acknowledged before is there when the right file is back.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::sender::{Sent, Tenant};
use super::stage::Stage;
use crate::Failure;

/// When nothing may be acknowledged, and what is forgiven.
#[derive(Clone, Copy)]
pub(crate) struct Loss {
    /// From the time on when every app has refused a callback.
    pub(crate) from: Instant,
    /// Until the last one was killed.
    pub(crate) until: Instant,
    /// Whether what was acknowledged before went with the file.
    pub(crate) all_gone: bool,
}

impl Loss {
    /// Gives what was acknowledged into the lost file, in words, and takes what went with it for doubtful.
    pub(crate) fn settle(&self, tenants: &mut [Tenant]) -> Vec<String> {
        let mut faults = Vec::new();
        for Tenant { name, sent, .. } in tenants {
            for (number, sent) in sent.iter_mut().enumerate() {
                match *sent {
                    Sent::Acknowledged(begun) if begun < self.from && self.all_gone => *sent = Sent::InDoubt,
                    Sent::Acknowledged(begun) if (self.from..self.until).contains(&begun) => {
                        faults.push(format!("{name}: number {number} was acknowledged into a lost file"));
                    }
                    _ => {}
                }
            }
        }
        faults
    }
}

struct Shape {
    spoil: fn(&Path) -> Result<(), Failure>,
    /// What whoever runs the app does while it is stopped.
    put_back: fn(&Path) -> Result<(), Failure>,
    all_gone: bool,
    /// Whether the log may hold all that was taken from the file. Then nothing is lost, and nothing need be refused.
    may_be_whole: bool,
}

const SHAPES: [Shape; 7] = [
    // moved away
    Shape {
        spoil: |file| Ok(fs::rename(file, beside(file, ".away"))?),
        put_back: |file| Ok(fs::rename(beside(file, ".away"), file)?),
        all_gone: false,
        may_be_whole: false,
    },
    // the log deleted
    Shape {
        spoil: |file| {
            remove(&beside(file, "-wal"))?;
            remove(&beside(file, "-shm"))
        },
        put_back: |_| Ok(()),
        all_gone: false,
        may_be_whole: false,
    },
    // replaced by something else
    Shape {
        spoil: |file| {
            fs::hard_link(file, beside(file, ".away"))?;
            let other = beside(file, ".other");
            fs::write(&other, [0x5a; 300_000])?;
            Ok(fs::rename(other, file)?)
        },
        put_back: |file| {
            fs::rename(beside(file, ".away"), file)?;
            let (log, orphan) = (beside(file, "-wal"), beside(file, "-wal.orphan"));
            if orphan.exists() { Ok(fs::rename(orphan, log)?) } else { Ok(()) }
        },
        all_gone: false,
        may_be_whole: false,
    },
    // the folder moved away
    Shape {
        spoil: |file| Ok(fs::rename(folder(file)?, away(file)?)?),
        put_back: |file| Ok(fs::rename(away(file)?, folder(file)?)?),
        all_gone: false,
        may_be_whole: false,
    },
    // deleted
    Shape {
        spoil: |file| ["", "-wal", "-shm"].into_iter().try_for_each(|end| remove(&beside(file, end))),
        put_back: |_| Ok(()),
        all_gone: true,
        may_be_whole: false,
    },
    // truncated to nothing
    Shape { spoil: |file| truncate(file, 0), put_back: clear_folder, all_gone: true, may_be_whole: false },
    // truncated to half
    Shape {
        spoil: |file| truncate(file, fs::metadata(file)?.len() / 2),
        put_back: clear_folder,
        all_gone: true,
        may_be_whole: true,
    },
];

pub(super) fn befall(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let file = stage.file()?;
    let shape = &SHAPES[stage.rng.usize(..SHAPES.len())];
    (shape.spoil)(&file)?;
    if shape.may_be_whole && !stage.refuses_soon() {
        return Ok(());
    }
    stage.refuses()?;
    let from = Instant::now();
    stage.pause(300);
    stage.kill_all()?;
    stage.loss = Some(Loss { from, until: Instant::now(), all_gone: shape.all_gone });
    (shape.put_back)(&file)?;
    stage.start_all()
}

/// An app that has noticed the loss of one file may have removed another itself.
fn remove(file: &Path) -> Result<(), Failure> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn truncate(file: &Path, length: u64) -> Result<(), Failure> {
    Ok(File::options().write(true).open(file)?.set_len(length)?)
}

/// Leaves nothing, so that the apps begin with a new file.
fn clear_folder(file: &Path) -> Result<(), Failure> {
    Ok(fs::read_dir(folder(file)?)?.try_for_each(|left| fs::remove_file(left?.path()))?)
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn folder(file: &Path) -> Result<&Path, Failure> {
    file.parent().ok_or_else(|| "the inbox is in a folder".into())
}

fn away(file: &Path) -> Result<PathBuf, Failure> {
    Ok(beside(folder(file)?, ".away"))
}
