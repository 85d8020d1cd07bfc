//! A text that nothing may show, what is searched for it, and an inbox through whose life it goes.

mod canary;
mod life;
mod logs;

pub use canary::{CANARY, shows};
pub use life::{Careless, live_through};
pub use logs::Logs;
