//! Body: the bytes that are sent, signed or verified, from a file or the standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::failure::Failure;

/// The most that is read, in bytes. Callbacks have less than 1 KiB; receivers stop at 256 KiB.
const MAX: u64 = 64 * 1024 * 1024;

/// Reads a file, or the standard input for `-`, exactly as it is.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let read =
        if file == Path::new("-") { limited(io::stdin().lock()) } else { File::open(file).and_then(limited) };
    read.map_err(|error| Failure::unreadable(file, &error))
}

/// The same, as text.
pub(crate) fn read_text(file: &Path) -> Result<String, Failure> {
    String::from_utf8(read(file)?)
        .map_err(|_| Failure::new(format!("{} is not UTF-8", file.display()), "save it as UTF-8 text"))
}

fn limited(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX {
        return Err(io::Error::other(format!("it has more than {} MiB", MAX >> 20)));
    }
    Ok(bytes)
}
