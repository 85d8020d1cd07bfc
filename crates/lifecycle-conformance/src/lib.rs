//! The fixture suite of app-lifecycle callbacks: its format, an exact-bytes HTTP client, a runner and reports.
//!
//! A [`Suite`] is read from the files of the `fixtures` folder. It is sent either to programs that this crate starts
//! itself ([`run_programs`], what `cargo xtask conformance` does with the example apps), or to any server that runs
//! already, in any language ([`run_target`]). Both give a [`Report`], which is written as a table, as JSON or as `JUnit`.
//!
//! ```
//! use lifecycle_conformance::Suite;
//!
//! let answers = r#"{"accepted": {"status": 202, "body": ""}}"#;
//! let fixture = r#"{
//!     "why": "the documented callback must be accepted",
//!     "platform": "seismic", "faces": ["endpoint"], "nature": "usual",
//!     "requests": [{
//!         "headers": [["x-seismic-signature", "{{sign current}}"]],
//!         "body": {"callback": {"type": "install"}},
//!         "answer": "accepted"
//!     }],
//!     "seen": [{"fields": {"kind": "install"}}]
//! }"#;
//! let suite = Suite::parse(answers, [("seismic/install.json", fixture)])?;
//! assert_eq!(suite.fixtures()[0].id, "install");
//! # Ok::<(), lifecycle_conformance::SuiteError>(())
//! ```

mod answer;
mod body;
mod check;
mod connection;
mod exchange;
mod face;
mod filter;
mod fixture;
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
