//! Options: where the simulator listens, where it keeps its state, and which app it starts with.

use std::fmt;
use std::path::PathBuf;

use lifecycle_core::{Platform, seismic};

/// Where the simulator listens, where it keeps its state, and which app it starts with.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// The port on the loopback address 127.0.0.1; 0 is any free one. 4000 by default.
    pub port: u16,
    /// The SQLite file; made if there is none. `lifecycle-simulator.db` by default.
    pub database: PathBuf,
    /// The file with the key that seals secrets; made along with the database. By default beside it, with `.key`
    /// added to its name.
    pub master_key_file: Option<PathBuf>,
    /// An app to register, unless it is registered already.
    pub app: Option<StartingApp>,
    /// The manifest of an app of SecurityScorecard to register, or to read again if it is registered already.
    pub manifest_url: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 4000,
            database: "lifecycle-simulator.db".into(),
            master_key_file: None,
            app: None,
            manifest_url: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("port", &self.port)
            .field("database", &self.database)
            .field("master_key_file", &self.master_key_file)
            .finish_non_exhaustive()
    }
}

/// An app to begin with.
#[derive(Clone)]
#[non_exhaustive]
pub struct StartingApp {
    /// The URL that its events are sent to, such as `http://127.0.0.1:3000/seismic`; those that have a path of their own, below it.
    pub callback_url: String,
    /// Whose marketplace it is in; Seismic's by default.
    pub platform: &'static Platform,
    /// Its signing secret. Without one a registered app keeps its own, and a new one gets one that is made.
    pub signing_secret: Option<String>,
}

impl StartingApp {
    /// An app of Seismic whose events are sent to this URL, without a secret yet.
    pub fn new(callback_url: impl Into<String>) -> Self {
        Self { callback_url: callback_url.into(), platform: &seismic::PLATFORM, signing_secret: None }
    }
}

impl fmt::Debug for StartingApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartingApp").finish_non_exhaustive()
    }
}
