//! The simulator over real sockets: what it sends, what it makes of the answers, what it remembers;
//! and its page in a real browser.

mod support;

mod accessibility;
mod actions;
mod axe;
mod bad_input;
mod bidi;
mod blocked;
mod browser;
mod clicks;
mod forms;
mod guard;
mod history;
mod pages;
mod pictures;
mod platforms;
mod repeats;
mod restart;
mod rotation;
mod scorecard;
mod settings;
mod upgrade;
mod verdicts;
