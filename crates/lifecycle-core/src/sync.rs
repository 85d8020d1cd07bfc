//! Sync: the locks of what loom tests, which puts its own in their place.

pub(crate) use std::sync::{Mutex, MutexGuard};
