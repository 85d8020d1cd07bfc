//! SecurityScorecard: an unsigned installation hook, a browser installation flow, a manifest, and actions.

mod hook;

pub use hook::{ACK, APP_INSTALLED, Hook, HookEvent, Installed, InstalledApp, InstallingUser, PLATFORM};
