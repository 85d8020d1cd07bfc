//! Sent: the requests of a case as they would be written now, for whoever wants to send one again.

use jiff::Timestamp;

use crate::fixture::Fixture;
use crate::message::{Length, Message, Step};
use crate::route::Route;
use crate::suite::Suite;
use crate::target::Target;
use crate::template::Values;

/// One request of a case, signed now. It is good for as long as its signature is: keep it as you would the secret.
#[derive(Clone)]
pub struct Sent {
    /// All that is written, in order.
    pub bytes: Vec<u8>,
    /// The body, as it is without chunks.
    pub body: Vec<u8>,
    /// Whether an ordinary client sends the same: one that neither pauses nor stops, and tells the length truly.
    pub is_ordinary: bool,
    /// The status that has to come back; `None` for any refusal.
    pub expected: Option<u16>,
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sent").field("expected", &self.expected).finish_non_exhaustive()
    }
}

impl Suite {
    /// The requests of a fixture to the first route of this server that it applies to; `None` where there is none, or where
    /// sender and receiver share nothing about its platform, or not the secret that it needs.
    pub fn sent(&self, fixture: &Fixture, target: &Target) -> Option<Vec<Sent>> {
        let route = target.routes.iter().find(|route| fixture.applies_to(route))?;
        fixture.requests.iter().map(|request| self.one(request, route, target)).collect()
    }

    fn one(&self, request: &crate::fixture::Request, route: &Route, target: &Target) -> Option<Sent> {
        let now = Timestamp::now();
        let unique = format!("case-{:x}-shown-end", now.as_millisecond());
        let credentials = target.credentials.get(&route.platform)?;
        let values = Values {
            credentials,
            route,
            unique: &unique,
            now,
            path: "",
            headers: &[],
            body: b"",
            token: ("", None),
        };
        let message = Message::build(request, &target.address, &values).ok()?;
        let writes = message.steps.iter().filter_map(|step| match step {
            Step::Write(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        let framing = &request.framing;
        let is_ordinary = framing.pause_ms == 0
            && framing.stop.is_none()
            && !framing.await_continue
            && matches!(framing.length, Length::Chunked | Length::Declared);
        let expected = self.answer(request, route.kind).filter(|answer| answer.is_success());
        Some(Sent {
            bytes: writes.collect::<Vec<_>>().concat(),
            body: message.body,
            is_ordinary,
            expected: expected.map(|answer| answer.status),
        })
    }
}
