//! What the tests of every adapter share: a gate, a handler that does as it is told, a log to read, a sender that goes on.

mod closing;
mod gate;
mod log;
mod obedient;

pub use closing::{closes_before_the_bodys_end, stays_open_without_a_body};
pub use gate::Gate;
pub use log::Log;
pub use obedient::Obedient;
