//! No payload, person, token or secret is in a `Debug` text, an error, or a log event.

mod logs;
mod sources;
mod types;
mod values;
