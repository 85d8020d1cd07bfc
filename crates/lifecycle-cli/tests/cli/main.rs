//! The built program, as a user runs it.

mod apps;
mod certificates;
mod completions;
mod conformance;
mod databases;
#[cfg(unix)] // they are written for a shell of it
mod delivery_page;
mod documents;
mod errors;
mod explain;
mod inbox;
mod manual;
mod offline;
mod platforms;
mod program;
mod proxies;
mod requests;
mod scenario;
mod send;
mod servers;
mod simulate;
