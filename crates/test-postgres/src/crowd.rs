//! A crowd: connections that leave a server none for anybody else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{Server, USER};

/// How long a server may take to say whether it has a connection left.
const ANSWER: Duration = Duration::from_secs(30);

/// What the server sends first where it has one left: it asks for the password.
const ASKS: u8 = b'R';

/// Connections to a server that began to log in, and say nothing more. They count as any other, for ten minutes.
#[derive(Debug)]
pub struct Crowd<'a> {
    server: &'a Server,
    held: Vec<TcpStream>,
}

impl<'a> Crowd<'a> {
    /// Takes all connections that are left.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub fn fill(server: &'a Server) -> Self {
        let mut crowd = Self { server, held: Vec::new() };
        crowd.fill_again();
        crowd
    }

    /// Takes those that were given back since.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub fn fill_again(&mut self) {
        while let Some(stream) = self.connect() {
            self.held.push(stream);
        }
    }

    /// How many it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.held.len()
    }

    /// Gives back so many.
    pub fn leave(&mut self, connections: usize) {
        self.held.truncate(self.held.len().saturating_sub(connections));
    }

    /// Nothing where the server is full.
    fn connect(&self) -> Option<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port)).expect("the server listens");
        stream.set_read_timeout(Some(ANSWER)).expect("a time limit");
        let parameters = format!("user\0{USER}\0database\0postgres\0\0");
        let length = u32::try_from(parameters.len() + 8).expect("it is short");
        let version: u32 = 3 << 16;
        let start = [&length.to_be_bytes(), &version.to_be_bytes(), parameters.as_bytes()].concat();
        stream.write_all(&start).expect("the server reads");
        let mut first = [0];
        stream.read_exact(&mut first).expect("the server answers");
        (first[0] == ASKS).then_some(stream)
    }
}

impl Drop for Crowd<'_> {
    /// The server takes a moment to notice; what comes next may count on it.
    fn drop(&mut self) {
        if self.held.is_empty() {
            return;
        }
        self.held.clear();
        let started = Instant::now();
        while self.connect().is_none() && started.elapsed() < ANSWER {
            sleep(Duration::from_millis(10));
        }
    }
}
