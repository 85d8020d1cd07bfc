//! Connection: writes the steps of a message to a socket and reads the answer, until a deadline.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::message::{Message, Step};
use crate::response::{Parsed, Response, parse};

/// How long is waited for an answer before the case fails. Twice what any platform here allows.
pub(crate) const PATIENCE: Duration = Duration::from_secs(6);

/// How long is waited for `100 Continue` before the body is sent all the same, as RFC 9110 section 10.1.1 advises.
const CONTINUE_PATIENCE: Duration = Duration::from_secs(1);

/// Why no answer came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Lost {
    /// The connection ended first.
    Closed,
    /// What came is no HTTP.
    Malformed(String),
    /// The server cannot be reached.
    Unreachable(io::ErrorKind, String),
    /// Nothing came in time.
    TimedOut,
}

/// One connection to a server.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    ended: bool,
}

impl Connection {
    pub(crate) fn open(address: &str) -> Result<Self, Lost> {
        let unreachable = |error: io::Error| Lost::Unreachable(error.kind(), error.to_string());
        // A name may stand for several addresses, as `localhost` does, of which the server listens on one.
        let mut opened = Err(Lost::Unreachable(io::ErrorKind::NotFound, "the host has no address".into()));
        for each in address.to_socket_addrs().map_err(unreachable)? {
            opened = TcpStream::connect_timeout(&each, PATIENCE).map_err(unreachable);
            if opened.is_ok() {
                break;
            }
        }
        let stream = opened?;
        // Each write must leave as its own segment, or a split body would arrive in one piece.
        stream.set_nodelay(true).map_err(unreachable)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(unreachable)?;
        Ok(Self { stream, received: Vec::new(), ended: false })
    }

    /// Sends a message and reads its answer. The time counts from the first byte written to the last byte read.
    pub(crate) fn exchange(&mut self, message: &Message) -> (Result<Response, Lost>, Duration) {
        let started = Instant::now();
        let answer = self.exchange_from(started, message);
        (answer, started.elapsed())
    }

    /// Sends messages in one write and reads their answers.
    pub(crate) fn pipeline(&mut self, messages: &[Message]) -> Vec<(Result<Response, Lost>, Duration)> {
        let started = Instant::now();
        let together: Vec<u8> = messages
            .iter()
            .flat_map(|message| &message.steps)
            .filter_map(|step| if let Step::Write(bytes) = step { Some(bytes.as_slice()) } else { None })
            .collect::<Vec<_>>()
            .concat();
        self.write(&together);
        let answers = messages.iter().map(|message| {
            let answer = self.receive(started + PATIENCE, message.is_head);
            (answer, started.elapsed())
        });
        answers.collect()
    }

    /// Whether the server has ended the connection.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    fn exchange_from(&mut self, started: Instant, message: &Message) -> Result<Response, Lost> {
        let deadline = started + PATIENCE;
        let paced = message.steps.iter().any(|step| matches!(step, Step::Pause(_)));
        if paced {
            return self.exchange_paced(deadline, message);
        }
        for step in &message.steps {
            if *step == Step::AwaitContinue {
                if let Some(answer) = self.await_continue(started + CONTINUE_PATIENCE, message.is_head)? {
                    return Ok(answer);
                }
            } else {
                self.take(step);
            }
        }
        self.receive(deadline, message.is_head)
    }

    /// Writes on another thread, so that an answer which comes before the end of the body is timed when it comes.
    fn exchange_paced(&mut self, deadline: Instant, message: &Message) -> Result<Response, Lost> {
        let stream =
            self.stream.try_clone().map_err(|error| Lost::Unreachable(error.kind(), error.to_string()))?;
        let mut writer = Self { stream, received: Vec::new(), ended: false };
        let answered = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for step in &message.steps {
                    if answered.load(Ordering::Relaxed) {
                        return;
                    }
                    writer.take(step);
                }
            });
            let answer = self.receive(deadline, message.is_head);
            answered.store(true, Ordering::Relaxed);
            answer
        })
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::AwaitContinue => {}
            Step::Close => {
                let _ = self.stream.shutdown(Shutdown::Write); // the server may have closed already
            }
            Step::Pause(time) => thread::sleep(*time),
            Step::Write(bytes) => self.write(bytes),
        }
    }

    /// A server that refuses early may close before everything is written; what counts is its answer.
    fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The answer, if it comes in place of `100 Continue`.
    fn await_continue(&mut self, deadline: Instant, to_head: bool) -> Result<Option<Response>, Lost> {
        loop {
            match parse(&self.received, to_head, self.ended).map_err(Lost::Malformed)? {
                Parsed::Final(answer, length) => {
                    self.received.drain(..length);
                    return Ok(Some(answer));
                }
                Parsed::Interim(_, length) => {
                    self.received.drain(..length);
                    return Ok(None);
                }
                Parsed::Partial => match self.read_more(deadline) {
                    Err(Lost::TimedOut) => return Ok(None),
                    other => other?,
                },
            }
        }
    }

    fn receive(&mut self, deadline: Instant, to_head: bool) -> Result<Response, Lost> {
        loop {
            match parse(&self.received, to_head, self.ended).map_err(Lost::Malformed)? {
                Parsed::Final(answer, length) => {
                    self.received.drain(..length);
                    self.ended |= !answer.keeps_connection();
                    return Ok(answer);
                }
                Parsed::Interim(_, length) => drop(self.received.drain(..length)),
                Parsed::Partial => self.read_more(deadline)?,
            }
        }
    }

    fn read_more(&mut self, deadline: Instant) -> Result<(), Lost> {
        if self.ended {
            return Err(Lost::Closed);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Lost::TimedOut);
        }
        let mut buffer = [0; 16 * 1024];
        let read = self.stream.set_read_timeout(Some(left)).and_then(|()| self.stream.read(&mut buffer));
        match read {
            Ok(0) => self.ended = true,
            Ok(count) => self.received.extend(&buffer[..count]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Err(Lost::TimedOut);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.ended = true, // reset: what was received before it still counts
        }
        Ok(())
    }
}
