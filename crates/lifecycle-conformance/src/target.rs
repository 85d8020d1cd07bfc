//! Target: a running server that fixtures are sent to, and what the sender shares with it.

use std::collections::BTreeMap;
use std::fmt;

use crate::answer::Exactness;
use crate::route::Route;

/// What sender and receiver share about one platform. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct Credentials {
    /// The app's id, which callbacks carry.
    pub app: String,
    /// What the platform signs with: its signing secret, the 64 hex digits of an Ed25519 seed, or the token of its hook's URL.
    pub current: String,
    /// The signing secret before the last rotation, if the receiver still accepts it.
    pub previous: Option<String>,
    /// The tenant whose published keys the receiver fetches, on a platform where each has its own.
    pub tenant: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("app", &self.app).finish_non_exhaustive()
    }
}

/// A server that runs already.
#[derive(Clone, Debug)]
pub struct Target {
    /// A name for the reports.
    pub name: String,
    /// `host:port`. The client speaks plain HTTP/1.1, because it chooses each byte itself.
    pub address: String,
    /// The routes to send to.
    pub routes: Vec<Route>,
    /// What the sender shares with it, by the platform's name. A route of another platform is sent nothing.
    pub credentials: BTreeMap<String, Credentials>,
    /// How closely its answers are compared.
    pub exactness: Exactness,
}
