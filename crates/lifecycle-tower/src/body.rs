//! Bodies: one in memory, and one that is either that or another.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// The body of an answer of this library: bytes in memory.
///
/// ```
/// use http_body::Body;
/// use lifecycle_core::Rejection;
///
/// let response = lifecycle_tower::response(Rejection::MissingSignature.reply());
/// assert!(response.body().size_hint().exact().is_some_and(|length| length > 0));
/// ```
#[derive(Clone, Default)]
pub struct ResponseBody(Bytes);

impl From<Bytes> for ResponseBody {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").field("length", &self.0.len()).finish_non_exhaustive()
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = std::mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

pin_project! {
    /// A body as it comes, or bytes in memory.
    ///
    /// [`Lifecycle`](crate::Lifecycle) answers with it. It also makes a request body that cannot be built from bytes,
    /// such as `hyper::body::Incoming`, one that can: `.map_request(|request: Request<_>| request.map(BytesOr::new))`.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body::Body;
    /// use http_body_util::Empty;
    /// use lifecycle_tower::BytesOr;
    ///
    /// let replayed: BytesOr<Empty<Bytes>> = Bytes::from_static(b"{}").into();
    /// assert_eq!(replayed.size_hint().exact(), Some(2));
    /// assert!(BytesOr::new(Empty::<Bytes>::new()).is_end_stream());
    /// ```
    #[derive(Clone)]
    pub struct BytesOr<B> {
        bytes: ResponseBody,
        #[pin]
        body: Option<B>,
    }
}

impl<B> BytesOr<B> {
    /// The body as it comes.
    pub fn new(body: B) -> Self {
        Self { bytes: ResponseBody::default(), body: Some(body) }
    }
}

impl<B> fmt::Debug for BytesOr<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BytesOr").finish_non_exhaustive()
    }
}

impl<B> Default for BytesOr<B> {
    fn default() -> Self {
        Self::from(Bytes::new())
    }
}

impl<B> From<Bytes> for BytesOr<B> {
    fn from(bytes: Bytes) -> Self {
        Self::from(ResponseBody(bytes))
    }
}

impl<B> From<ResponseBody> for BytesOr<B> {
    fn from(bytes: ResponseBody) -> Self {
        Self { bytes, body: None }
    }
}

impl<B: Body<Data = Bytes>> Body for BytesOr<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        match this.body.as_pin_mut() {
            Some(body) => body.poll_frame(cx),
            None => Pin::new(this.bytes).poll_frame(cx).map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().map_or_else(|| self.bytes.is_end_stream(), Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| self.bytes.size_hint(), Body::size_hint)
    }
}
