//! Fixtures: the suite's, which are in the program, and what the program says of its version.

include!(concat!(env!("OUT_DIR"), "/fixtures.rs"));
