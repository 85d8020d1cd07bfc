//! What the tests of every adapter share: a gate, handlers that obey or record, a log to read, a sender that keeps sending.

mod asked;
mod closing;
mod gate;
mod log;
mod obedient;

pub use asked::Asked;
pub use closing::{closes_before_the_bodys_end, stays_open_without_a_body};
pub use gate::Gate;
pub use log::Log;
pub use obedient::Obedient;
