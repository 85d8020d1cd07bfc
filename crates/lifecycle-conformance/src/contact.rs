//! Contact: whether a server takes one plain callback, before some hundred cases fail for one reason.

use std::io::ErrorKind;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use lifecycle_testing::{Sample, SigningKeys};

use crate::body::Body;
use crate::connection::{Lost, PATIENCE};
use crate::exchange::alone;
use crate::fixture::{Header, HeaderValue, Request};
use crate::message::Message;
use crate::response::Response;
use crate::route::{Route, RouteKind};
use crate::signing::sender;
use crate::target::Target;
use crate::template::Values;

/// Why nothing can be said about a server by sending fixtures to it: it does not take what is plainly right. What it
/// takes with another success than the platform's is not among these, since the fixtures tell that.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ContactError {
    /// It expects callbacks about another app.
    #[error("the server refuses a plain {event} about the app {app}: it expects another app")]
    App {
        /// What was sent.
        event: &'static str,
        /// The app's id.
        app: String,
    },
    /// It ends the connection, as servers do that expect TLS, among others.
    #[error("the server closes the connection without an answer to a plain {event} at {path}")]
    Closed {
        /// What was sent.
        event: &'static str,
        /// Where to, without its query.
        path: String,
    },
    /// It reads no plain HTTP.
    #[error("what answers at {address} speaks no plain HTTP: it may expect TLS")]
    NotHttp {
        /// `host:port`.
        address: String,
    },
    /// Nothing takes callbacks at this path.
    #[error("{status} in answer to a plain {event} at {path}: nothing takes callbacks at this path")]
    Path {
        /// What was sent.
        event: &'static str,
        /// Where to, without its query.
        path: String,
        /// 404 or 405.
        status: u16,
    },
    /// It leads elsewhere, which no platform follows.
    #[error(
        "{status} in answer to a plain {event} at {path}: a redirect to {location}, which the platforms do not follow"
    )]
    Redirect {
        /// What was sent.
        event: &'static str,
        /// Where to, without its query.
        path: String,
        /// From 300 to 399.
        status: u16,
        /// Where it leads, without its query.
        location: String,
    },
    /// It refuses for a reason that only its log tells.
    #[error("{status}{} in answer to a plain {event} at {path}", code.as_ref().map(|code| format!(" {code}")).unwrap_or_default())]
    Refused {
        /// What was sent.
        event: &'static str,
        /// Where to, without its query.
        path: String,
        /// 400 or more.
        status: u16,
        /// The code of a problem document.
        code: Option<String>,
    },
    /// It does not believe the signature.
    #[error(
        "{status} in answer to a plain, signed {event} at {path}: the server has another signing secret, or verifies other bytes"
    )]
    Secret {
        /// What was sent.
        event: &'static str,
        /// Where to, without its query.
        path: String,
        /// 401, or 403 where no code says otherwise.
        status: u16,
    },
    /// It gives no answer.
    #[error("no answer to a plain {event} at {path} within {seconds} s")]
    Silent {
        /// What was sent.
        event: &'static str,
        /// Where to, without its query.
        path: String,
        /// How long was waited.
        seconds: u64,
    },
    /// A hook answers so to a wrong token, and a server to a path that it has not.
    #[error("{status} in answer to a plain {event}: the hook's path or its last part, the token, is another")]
    Token {
        /// What was sent.
        event: &'static str,
        /// 404 or 405.
        status: u16,
    },
    /// There is no connection.
    #[error("no connection to {address}: {why}")]
    Unreachable {
        /// `host:port`.
        address: String,
        /// What kind of error it was.
        kind: ErrorKind,
        /// The system's reason.
        why: String,
    },
}

impl Target {
    /// Sends one plain callback to each route that takes them, as the platform would.
    ///
    /// # Errors
    /// The first route's reason not to take it.
    pub fn contact(&self) -> Result<(), ContactError> {
        let is_callback = |route: &&Route| {
            matches!(route.kind, RouteKind::Endpoint | RouteKind::EndpointOne | RouteKind::Hook)
        };
        self.routes.iter().filter(is_callback).try_for_each(|route| self.contact_by(route))
    }

    /// The event that the route is for, or else the first of the platform, which is its install where it tells of one.
    fn contact_by(&self, route: &Route) -> Result<(), ContactError> {
        let Some(credentials) = self.credentials.get(&route.platform) else { return Ok(()) };
        let Some(sender) = sender(&route.platform) else { return Ok(()) };
        let first = || sender.events().next().map(|(_, event)| event);
        let event = route.event.as_deref().or_else(first);
        let Some(sample) = event.and_then(|event| sender.sample(event)) else { return Ok(()) };
        // The token of a hook stands in its path, and may be one that core would not take.
        let keys = SigningKeys::parse(sender.platform(), &credentials.current)
            .unwrap_or_else(|_| SigningKeys::for_tests(sender.platform()));
        let event = sample.event();
        let sample = sample.app(&credentials.app);
        let sample = credentials.tenant.iter().fold(sample, Sample::tenant);
        let signed = sample.sign(&keys);
        let mut headers = vec![Header("Connection".into(), HeaderValue::Text("close".into()))];
        headers
            .extend(signed.headers.into_iter().map(|(name, value)| Header(name, HeaderValue::Text(value))));
        let body = (!signed.body.is_empty()).then(|| Body::Base64(STANDARD.encode(signed.body)));
        let query = signed.target.split_once('?').map_or(String::new(), |(_, query)| format!("?{query}"));
        let (method, path) = (signed.method.to_owned(), format!("{{{{route}}}}{query}"));
        let request = Request { method, path, headers, body, ..Request::default() };
        let now = Timestamp::now();
        let values = Values {
            credentials,
            route,
            unique: "contact",
            now,
            path: "",
            headers: &[],
            body: b"",
            token: ("", None),
        };
        let message = Message::build(&request, &self.address, &values).expect("its placeholders have values");
        let path = route.path.split('?').next().unwrap_or_default().to_owned();
        match alone(&self.address, &message).answer {
            Ok(response) => judge(&response, route.kind, event, path, &credentials.app, &self.address),
            Err(Lost::Closed) => Err(ContactError::Closed { event, path }),
            Err(Lost::Malformed(_)) => Err(ContactError::NotHttp { address: self.address.clone() }),
            Err(Lost::TimedOut) => Err(ContactError::Silent { event, path, seconds: PATIENCE.as_secs() }),
            Err(Lost::Unreachable(kind, why)) => {
                Err(ContactError::Unreachable { address: self.address.clone(), kind, why })
            }
        }
    }
}

fn judge(
    response: &Response,
    kind: RouteKind,
    event: &'static str,
    path: String,
    app: &str,
    address: &str,
) -> Result<(), ContactError> {
    let status = response.status;
    let code = code(&response.body);
    Err(match (status, code.as_deref()) {
        (200..300, _) => return Ok(()),
        (300..400, _) => {
            let location = response.header("location").map_or_else(|| "nowhere".into(), shown);
            ContactError::Redirect { event, path, status, location }
        }
        (_, Some("unexpected-app")) => ContactError::App { event, app: app.to_owned() },
        (404 | 405, _) if kind == RouteKind::Hook => ContactError::Token { event, status },
        (404 | 405, _) => ContactError::Path { event, path, status },
        (401, _) | (403, None) if kind != RouteKind::Hook => ContactError::Secret { event, path, status },
        (400, None) if names_tls(&response.body) => ContactError::NotHttp { address: address.to_owned() },
        _ => ContactError::Refused { event, path, status, code },
    })
}

/// nginx and Go's server say so in clear to who speaks HTTP where TLS is expected.
fn names_tls(body: &[u8]) -> bool {
    body.windows(5).any(|window| window.eq_ignore_ascii_case(b"https"))
}

/// The code of a problem document (RFC 9457), if it is one word.
fn code(body: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    let code = problem["code"].as_str()?;
    let is_word = (1..=64).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    is_word.then(|| code.to_owned())
}

/// Text from outside, without a query, on one line and not too long of it.
fn shown(location: &str) -> String {
    let path = location.split(['?', '#']).next().unwrap_or_default();
    path.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).take(200).collect()
}
