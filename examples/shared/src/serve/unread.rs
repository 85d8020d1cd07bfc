//! Unread: whether a request's body was read to its end by the time of the answer, on whatever route.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

/// The body of a request that [`serve`](super::serve) hands to its service.
pub struct WatchedBody {
    body: Incoming,
    unread: Arc<AtomicBool>,
}

/// Whether the body of a request is still to be read.
pub(super) struct Unread(Arc<AtomicBool>);

impl WatchedBody {
    pub(super) fn of(request: Request<Incoming>) -> (Request<Self>, Unread) {
        // From HTTP/2 on, each body has its own stream.
        let counts = request.version() <= Version::HTTP_11 && !request.body().is_end_stream();
        let unread = Arc::new(AtomicBool::new(counts));
        let request = request.map(|body| Self { body, unread: unread.clone() });
        (request, Unread(unread))
    }
}

impl Unread {
    /// The adapters say `connection: close`; this is for the routes that take no callbacks, after whose answers hyper closes
    /// without saying so. A proxy would send another client's request into such a connection.
    pub(super) fn tell<B>(&self, answer: &mut Response<B>) {
        if self.0.load(Relaxed) {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.unread.store(false, Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Debug for WatchedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedBody").finish_non_exhaustive()
    }
}
