//! HTTP/2, by hyper.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::client::TlsStream;

use crate::answer::{Answer, NoAnswer};
use crate::request::{Body, Request};

/// The most that a peer takes in one frame, unless it says otherwise.
const FRAME: usize = 16 * 1024;

/// How long a body may take to end after the answer.
const END: Duration = Duration::from_secs(1);

type SentBody = UnsyncBoxBody<Bytes, Infallible>;

/// A connection. It closes when this is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    requests: SendRequest<SentBody>,
}

impl Connection {
    pub(crate) async fn new(stream: TlsStream<TcpStream>) -> Result<Self, NoAnswer> {
        let (requests, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { requests })
    }

    pub(crate) async fn send(&mut self, request: &Request) -> Result<Answer, NoAnswer> {
        let mut head = hyper::Request::builder()
            .method(request.method)
            .uri(format!("https://{}{}", request.host, request.path))
            .header("content-type", "application/json");
        if let Some(signature) = &request.signature {
            head = head.header("x-seismic-signature", signature);
        }
        if request.body.has_length {
            head = head.header("content-length", request.body.length());
        }
        let (answered, is_answered) = watch::channel(false);
        let request = head.body(body(&request.body, is_answered)).map_err(|_| NoAnswer::Closed)?;
        self.requests.ready().await?;
        let answer = self.requests.send_request(request).await?;
        let status = answer.status().as_u16();
        // A proxy may reset the stream after its answer, as it does not want the rest.
        let _ = answer.into_body().collect().await;
        answered.send_replace(true);
        let _ = timeout(END, answered.closed()).await; // when the body has ended, or nobody wants its end
        Ok(Answer { status, closes: self.requests.is_closed(), more: Bytes::new() })
    }
}

/// A body that ends where the answer comes before its end, whatever length was declared: curl ends it so, too, and there
/// are proxies that take the request for complete then.
fn body(body: &Body, answered: watch::Receiver<bool>) -> SentBody {
    let (pause, ends) = (body.pause, body.ends);
    let pieces: Vec<Bytes> = body.pieces.iter().flat_map(in_frames).collect();
    let frames =
        stream::unfold((pieces.into_iter(), answered), move |(mut pieces, mut answered)| async move {
            let next = async {
                sleep(pause).await;
                match pieces.next() {
                    None if !ends => std::future::pending().await,
                    next => next,
                }
            };
            let piece = select! {
                _ = answered.wait_for(|answered| *answered) => None,
                piece = next => piece,
            };
            piece.map(|piece| (Ok(Frame::data(piece)), (pieces, answered)))
        });
    StreamBody::new(Box::pin(frames)).boxed_unsync()
}

/// A large piece has to be cut, or it would be sent whole although the answer has come.
fn in_frames(piece: &Bytes) -> impl Iterator<Item = Bytes> {
    piece.chunks(FRAME).map(|frame| piece.slice_ref(frame))
}
