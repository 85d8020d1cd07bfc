#![doc = include_str!("../README.md")]

mod address;
mod app;
mod bidi;
mod courier;
mod delivery;
mod error;
mod forgery;
mod headline;
mod installation;
mod key_file;
mod marketplace;
mod moment;
mod occurrence;
mod options;
mod outcome;
mod platform;
mod problem;
mod remedy;
mod simulator;
mod site;
mod store;
mod tenant;
mod version;

pub use address::is_loopback_host;
pub use error::Error;
pub use options::{Options, StartingApp};
pub use outcome::{Outcome, Outcomes};
pub use simulator::{Simulator, serve};
