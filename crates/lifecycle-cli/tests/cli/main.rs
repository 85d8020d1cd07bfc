//! The built program, as a user runs it.

mod explain;
mod program;
