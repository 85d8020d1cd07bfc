//! What the tests share: signed callbacks, and bodies that come as scripted.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::{Body, Frame};
use lifecycle_core::{Secret, Verifier, seismic};
use tokio::time::{Sleep, sleep};

/// A callback about a tenant.
pub(crate) fn callback(tenant: &str) -> Bytes {
    format!(r#"{{"type":"install","appId":"app","tenantId":"{tenant}"}}"#).into()
}

pub(crate) fn sign(body: &[u8]) -> String {
    seismic::SCHEME.sign(&secret(), &[], body)
}

/// A verifier with a small cap, so that the tests can pass it.
pub(crate) fn verifier() -> Verifier {
    Verifier::new(&seismic::PLATFORM, secret(), "app").unwrap().with_max_body(4096)
}

/// A POST whose signature is over `signed`, and whose body is whatever comes.
pub(crate) fn post<B>(signed: &[u8], body: B) -> Request<B> {
    Request::post("/").header("x-seismic-signature", sign(signed)).body(body).unwrap()
}

fn secret() -> Secret {
    Secret::new("s3cr3t").unwrap()
}

/// What a body does next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Gives these bytes.
    Give(Bytes),
    /// Breaks.
    Break,
    /// Notes that it was asked for more.
    Note(Arc<AtomicBool>),
    /// Sends nothing for a while.
    Pause(Duration),
    /// Gives trailers.
    Trail,
    /// Gives empty frames for ever, always at once.
    Spin,
}

/// A body that comes as scripted.
#[derive(Debug, Default)]
pub(crate) struct Script {
    steps: VecDeque<Step>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), pause: None }
    }
}

impl From<Bytes> for Script {
    fn from(bytes: Bytes) -> Self {
        Self::new([Step::Give(bytes)])
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            return Poll::Ready(match self.steps.pop_front() {
                None => None,
                Some(Step::Give(bytes)) => Some(Ok(Frame::data(bytes))),
                Some(Step::Break) => Some(Err(io::ErrorKind::ConnectionReset.into())),
                Some(Step::Note(asked)) => {
                    asked.store(true, Ordering::Relaxed);
                    continue;
                }
                Some(Step::Trail) => Some(Ok(Frame::trailers(HeaderMap::new()))),
                Some(Step::Spin) => {
                    self.steps.push_front(Step::Spin);
                    Some(Ok(Frame::data(Bytes::new())))
                }
                Some(Step::Pause(time)) => {
                    self.pause = Some(Box::pin(sleep(time)));
                    continue;
                }
            });
        }
    }
}
