//! Exchange: sends the requests of one case to one route, on as many connections as the fixture says.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crate::connection::{Answered, Connection, Followed, Lost};
use crate::fixture::{Connections, Fixture};
use crate::message::Message;
use crate::response::Response;
use crate::template::{TemplateError, Values};

/// What became of one request.
#[derive(Debug)]
pub(crate) struct Exchanged {
    pub(crate) answer: Result<Response, Lost>,
    pub(crate) took: Duration,
    /// What followed the answer, if that came before the end of the request's body.
    pub(crate) followed: Option<Followed>,
    /// The headers that the fixture names.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// The body as the receiver had to see it.
    pub(crate) body: Vec<u8>,
    /// The body as it was signed.
    pub(crate) signed: Vec<u8>,
    /// The query of the request's target, if there was one.
    pub(crate) query: Option<String>,
}

/// Sends all requests of a case, and gives what became of each, in the fixture's order.
pub(crate) fn exchange(
    fixture: &Fixture,
    address: &str,
    values: &Values<'_>,
) -> Result<Vec<Exchanged>, TemplateError> {
    let messages: Vec<Message> = fixture
        .requests
        .iter()
        .map(|request| Message::build(request, address, values))
        .collect::<Result<_, _>>()?;
    let answers = match fixture.connections {
        Connections::Concurrent => concurrent(address, &messages),
        Connections::Each => messages.iter().map(|message| alone(address, message)).collect(),
        Connections::KeepAlive => keep_alive(address, &messages),
        Connections::Pipelined => match Connection::open(address) {
            Ok(mut connection) => connection.pipeline(&messages),
            Err(lost) => vec![Answered::lost(lost); messages.len()],
        },
    };
    let exchanged = messages.into_iter().zip(answers);
    Ok(exchanged
        .map(|(message, Answered { answer, took, followed })| Exchanged {
            answer,
            took,
            followed,
            headers: message.headers,
            body: message.body,
            signed: message.signed,
            query: message.query,
        })
        .collect())
}

/// One request on a connection of its own.
pub(crate) fn alone(address: &str, message: &Message) -> Answered {
    match Connection::open(address) {
        Ok(mut connection) => connection.exchange(message),
        Err(lost) => Answered::lost(lost),
    }
}

fn concurrent(address: &str, messages: &[Message]) -> Vec<Answered> {
    let together = Barrier::new(messages.len());
    thread::scope(|scope| {
        let senders: Vec<_> = messages
            .iter()
            .map(|message| {
                scope.spawn(|| {
                    let connection = Connection::open(address);
                    together.wait();
                    match connection {
                        Ok(mut connection) => connection.exchange(message),
                        Err(lost) => Answered::lost(lost),
                    }
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().expect("a sender does not panic")).collect()
    })
}

/// A server may end a connection after a refusal; then the next request has a new one, as with any HTTP client.
fn keep_alive(address: &str, messages: &[Message]) -> Vec<Answered> {
    let mut shared: Option<Connection> = None;
    let mut answers = Vec::new();
    for message in messages {
        let reused = shared.take().filter(|connection| !connection.has_ended());
        let Some(mut connection) = reused else {
            let (connection, answer) = on_new(address, message);
            shared = connection;
            answers.push(answer);
            continue;
        };
        let answer = connection.exchange(message);
        if answer.answer == Err(Lost::Closed) {
            let (connection, answer) = on_new(address, message);
            shared = connection;
            answers.push(answer);
        } else {
            shared = Some(connection);
            answers.push(answer);
        }
    }
    answers
}

fn on_new(address: &str, message: &Message) -> (Option<Connection>, Answered) {
    match Connection::open(address) {
        Ok(mut connection) => {
            let answer = connection.exchange(message);
            (Some(connection), answer)
        }
        Err(lost) => (None, Answered::lost(lost)),
    }
}
