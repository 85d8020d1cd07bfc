//! Request: what a client of the test sends.

use std::time::Duration;

use bytes::Bytes;

use crate::certificate::NAME;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) host: &'static str,
    pub(crate) path: String,
    pub(crate) signature: Option<String>,
    /// Sends `Expect: 100-continue`, and the body only when it is asked for. On HTTP/1.1 only.
    pub(crate) expects: bool,
    pub(crate) body: Body,
}

/// A body, and how it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) pieces: Vec<Bytes>,
    /// Before each piece.
    pub(crate) pause: Duration,
    /// Tells how long it is; otherwise it is chunked.
    pub(crate) has_length: bool,
    /// Whether its end ever comes. One that has a length lacks a byte otherwise.
    pub(crate) ends: bool,
}

impl Request {
    /// A POST to the site.
    pub(crate) fn new(path: &str, body: impl Into<Bytes>) -> Self {
        let body = Body { pieces: vec![body.into()], pause: Duration::ZERO, has_length: true, ends: true };
        Self { method: "POST", host: NAME, path: path.to_owned(), signature: None, expects: false, body }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self { method: "GET", ..Self::new(path, "") }
    }

    pub(crate) fn to(self, host: &'static str) -> Self {
        Self { host, ..self }
    }

    pub(crate) fn signed(self, signature: String) -> Self {
        Self { signature: Some(signature), ..self }
    }

    pub(crate) fn expecting(self) -> Self {
        Self { expects: true, ..self }
    }

    pub(crate) fn chunked(mut self) -> Self {
        self.body.has_length = false;
        self
    }

    /// Sends the body in pieces of this size.
    pub(crate) fn in_pieces_of(mut self, size: usize) -> Self {
        let whole: Bytes = self.body.pieces.concat().into();
        self.body.pieces = whole.chunks(size).map(|piece| whole.slice_ref(piece)).collect();
        self
    }

    /// Sends the body in so many pieces, with a pause before each.
    pub(crate) fn slowly(mut self, pieces: usize, pause: Duration) -> Self {
        self.body.pause = pause;
        let size = self.body.length().div_ceil(pieces).max(1);
        self.in_pieces_of(size)
    }

    /// The body's end never comes.
    pub(crate) fn unfinished(mut self) -> Self {
        self.body.ends = false;
        self
    }
}

impl Body {
    /// As HTTP/1.1 sends it, piece by piece.
    pub(crate) fn frames(&self) -> impl Iterator<Item = Bytes> {
        let is_chunked = !self.has_length;
        let end = (is_chunked && self.ends).then_some(Bytes::from_static(b"0\r\n\r\n"));
        let pieces = self.pieces.iter().filter(|piece| !piece.is_empty()).map(move |piece| {
            if is_chunked {
                [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat().into()
            } else {
                piece.clone()
            }
        });
        pieces.chain(end)
    }

    /// As it is declared.
    pub(crate) fn length(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum::<usize>() + usize::from(!self.ends)
    }
}
