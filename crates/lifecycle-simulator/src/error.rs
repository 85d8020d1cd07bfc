//! Error: why the simulator cannot start or go on. Each is one line that says what to do.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the simulator cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database cannot be opened, read or written.
    #[error("{}: {reason}", path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The file is no database, or that of another program.
    #[error("{}: not a database of the simulator; choose another file, or a new one", .0.display())]
    ForeignDatabase(PathBuf),
    /// Another simulator works on this database.
    #[error("{}: in use by another simulator; stop it, or choose another database", .0.display())]
    InUse(PathBuf),
    /// The master key cannot be read or written.
    #[error("{}: {source}", path.display())]
    Key {
        /// The key file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The key file does not hold a key.
    #[error("{}: not a key file: 64 hex digits are expected, not all alike", .0.display())]
    KeyFormat(PathBuf),
    /// The database holds secrets, and the key that reads them is gone.
    #[error("{}: the key of the database is missing; bring it back, or start with a new database", .0.display())]
    KeyMissing(PathBuf),
    /// Others may read the key file.
    #[error("{}: others can read this key file; run: chmod 600 {}", .0.display(), .0.display())]
    KeyPermissions(PathBuf),
    /// The key does not belong to the database.
    #[error("{}: this key does not belong to the database; name the right one, or start with a new database", .0.display())]
    KeyWrong(PathBuf),
    /// The port is taken, or cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The database was written by a newer simulator.
    #[error("{}: written by a newer version; update this program, or choose another database", .0.display())]
    NewerDatabase(PathBuf),
    /// An app of the options cannot be registered.
    #[error("{0}")]
    Registration(String),
    /// Serving ended with an error of the system.
    #[error("cannot go on serving: {0}")]
    Serve(#[source] io::Error),
}
