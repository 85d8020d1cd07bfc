#![doc = include_str!("../README.md")]

mod answer;
mod body;
mod check;
mod connection;
mod exchange;
mod face;
mod filter;
mod fixture;
mod job;
mod message;
mod observed;
mod privacy;
mod program;
mod progress;
mod report;
mod response;
mod rules;
mod runner;
mod signing;
mod suite;
mod target;
mod template;

pub use answer::{Answer, Exactness};
pub use body::{Body, Callback, Edit, Nested, Repeat};
pub use check::Difference;
pub use face::{Face, FaceKind};
pub use filter::Filter;
pub use fixture::{Connections, Fixture, Header, HeaderValue, Nature, Need, Request, Seen};
pub use message::{Framing, Length, Stop};
pub use program::{Program, ProgramError};
pub use progress::Progress;
pub use report::{Case, Report, Skipped};
pub use runner::{run_programs, run_target};
pub use suite::{Suite, SuiteError};
pub use target::{Credentials, Target};
