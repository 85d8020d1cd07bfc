//! The platforms that this crate knows, one file each. They see proven bytes only.

mod lenient;
pub mod securityscorecard;
pub mod seismic;
