//! The adapter's tests, in one binary: in process, and over real sockets.

mod enabled;
mod routes;
mod sockets;
mod support;
