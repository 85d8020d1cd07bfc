//! `BytesOr`: a body as it comes, or bytes in memory.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use pin_project_lite::pin_project;

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
        bytes: Full<Bytes>,
        #[pin]
        body: Option<B>,
    }
}

impl<B> BytesOr<B> {
    /// The body as it comes.
    pub fn new(body: B) -> Self {
        Self { bytes: Full::default(), body: Some(body) }
    }
}

impl<B> fmt::Debug for BytesOr<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BytesOr").finish_non_exhaustive()
    }
}

impl<B> Default for BytesOr<B> {
    fn default() -> Self {
        Self::from(Full::default())
    }
}

impl<B> From<Bytes> for BytesOr<B> {
    fn from(bytes: Bytes) -> Self {
        Self::from(Full::new(bytes))
    }
}

impl<B> From<Full<Bytes>> for BytesOr<B> {
    fn from(bytes: Full<Bytes>) -> Self {
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
