//! Connection: writes the steps of a message to a socket and reads the answer, until a deadline.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
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

/// What is sent when all else is, after an answer that came before the end of the request's body. It is a part of that
/// body, or comes too late: a server that reads it as a request lets a stranger smuggle one past a proxy.
const NEXT: &[u8] = b"GET / HTTP/1.1\r\nHost: next.example\r\n\r\n";

/// What became of one message.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) answer: Result<Response, Lost>,
    pub(crate) took: Duration,
    /// What followed the answer, if that came before the end of the request's body.
    pub(crate) followed: Option<Followed>,
}

impl Answered {
    pub(crate) fn lost(lost: Lost) -> Self {
        Self { answer: Err(lost), took: Duration::ZERO, followed: None }
    }
}

/// What followed an answer on its connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Followed {
    /// More bytes, such as the answer to what should have been the rest of a body.
    Bytes,
    /// The end of the connection.
    End,
    /// Nothing; the connection stays open.
    Silence,
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
    pub(crate) fn exchange(&mut self, message: &Message) -> Answered {
        let started = Instant::now();
        let paced = message.steps.iter().any(|step| matches!(step, Step::Pause(_)));
        if paced { self.exchange_paced(started, message) } else { self.exchange_at_once(started, message) }
    }

    /// Sends messages in one write and reads their answers.
    pub(crate) fn pipeline(&mut self, messages: &[Message]) -> Vec<Answered> {
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
            Answered { answer, took: started.elapsed(), followed: None }
        });
        answers.collect()
    }

    /// Whether the server has ended the connection.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    fn exchange_at_once(&mut self, started: Instant, message: &Message) -> Answered {
        let mut unsent = message.steps.iter();
        let mut early = None;
        for step in unsent.by_ref() {
            if *step != Step::AwaitContinue {
                self.take(step);
                continue;
            }
            early = self.await_continue(started + CONTINUE_PATIENCE, message.is_head).transpose();
            if early.is_some() {
                break;
            }
        }
        let answer = early.unwrap_or_else(|| self.receive(started + PATIENCE, message.is_head));
        let took = started.elapsed();
        let unread = !message.ends || unsent.as_slice().iter().any(|step| matches!(step, Step::Write(_)));
        let followed = (answer.is_ok() && unread).then(|| {
            unsent.for_each(|step| self.take(step));
            self.write(NEXT);
            self.followed()
        });
        Answered { answer, took, followed }
    }

    /// Writes on another thread, so that an answer which comes before the end of the body is timed when it comes. The
    /// writer goes on until the connection ends: whoever sends a body slowly need not listen. What is sent after it, it
    /// sends only once there is such an answer: a server that has read the whole body and takes its time would find
    /// more, and reset the connection with its answer in it.
    fn exchange_paced(&mut self, started: Instant, message: &Message) -> Answered {
        let stream = match self.stream.try_clone() {
            Ok(stream) => stream,
            Err(error) => return Answered::lost(Lost::Unreachable(error.kind(), error.to_string())),
        };
        let mut writer = Self { stream, received: Vec::new(), ended: false };
        let over = AtomicBool::new(false);
        let (answered, is_answered) = mpsc::channel();
        let unsent = AtomicUsize::new(message.writes());
        thread::scope(|scope| {
            scope.spawn({
                let (over, unsent) = (&over, &unsent);
                move || {
                    for step in &message.steps {
                        if over.load(Ordering::Relaxed) {
                            return;
                        }
                        // Counted before it is written: a server may answer the last piece sooner than this thread goes on.
                        if matches!(step, Step::Write(_)) {
                            unsent.fetch_sub(1, Ordering::SeqCst);
                        }
                        writer.take(step);
                    }
                    if is_answered.recv().is_ok() {
                        writer.write(NEXT);
                    }
                }
            });
            let answer = self.receive(started + PATIENCE, message.is_head);
            let took = started.elapsed();
            let unread = !message.ends || unsent.load(Ordering::SeqCst) > 0;
            let followed = (answer.is_ok() && unread).then(|| {
                let _ = answered.send(()); // a writer that is through waits for it
                self.followed()
            });
            over.store(true, Ordering::Relaxed);
            drop(answered);
            Answered { answer, took, followed }
        })
    }

    /// Waits for the end of the connection.
    fn followed(&mut self) -> Followed {
        let deadline = Instant::now() + PATIENCE;
        self.ended = false; // the answer may have said so, and what counts is what happens
        loop {
            if !self.received.is_empty() {
                return Followed::Bytes;
            }
            if self.ended {
                return Followed::End;
            }
            if self.read_more(deadline).is_err() {
                return Followed::Silence;
            }
        }
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
