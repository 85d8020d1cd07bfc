//! Target: a running server that fixtures are sent to, and what the sender shares with it.

use std::fmt;

use crate::answer::Exactness;
use crate::route::Route;

/// What sender and receiver share. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct Credentials {
    /// The app's id, which callbacks carry.
    pub app: String,
    /// The signing secret.
    pub current: String,
    /// The signing secret before the last rotation, if the receiver still accepts it.
    pub previous: Option<String>,
    /// The hook token, if the receiver has a hook.
    pub token: Option<String>,
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
    /// What the sender shares with it.
    pub credentials: Credentials,
    /// How closely its answers are compared.
    pub exactness: Exactness,
}
