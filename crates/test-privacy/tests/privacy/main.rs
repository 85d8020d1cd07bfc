//! No payload, person, token or secret is in a `Debug` text, an error, or a log event; and what is secret is wiped from memory.

mod logs;
mod sources;
mod types;
mod values;
mod wiped;
