//! What the tests of every adapter put behind it: a gate, a handler that does as it is told, and a log to read.

mod gate;
mod log;
mod obedient;

pub use gate::Gate;
pub use log::Log;
pub use obedient::Obedient;
