//! Response: the bytes that came back, read by the rules of HTTP/1.1.

use httparse::{EMPTY_HEADER, Status, parse_chunk_size};

/// A whole answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case, in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Whether the server keeps the connection for another request.
    pub(crate) fn keeps_connection(&self) -> bool {
        !self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// What the bytes received so far amount to.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Parsed {
    /// A whole answer, which takes this many bytes.
    Final(Response, usize),
    /// A `1xx` answer, which takes this many bytes.
    Interim(u16, usize),
    /// More bytes must come.
    Partial,
}

/// Reads an answer from the start of `bytes`. `at_end` says that no more will come.
pub(crate) fn parse(bytes: &[u8], to_head: bool, at_end: bool) -> Result<Parsed, String> {
    let mut lines = [EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut lines);
    let start = match head.parse(bytes).map_err(|error| format!("not an HTTP response: {error}"))? {
        Status::Complete(start) => start,
        Status::Partial => return Ok(Parsed::Partial),
    };
    let status = head.code.unwrap_or_default();
    if (100..200).contains(&status) {
        return Ok(Parsed::Interim(status, start));
    }
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|line| (line.name.to_ascii_lowercase(), String::from_utf8_lossy(line.value).into_owned()))
        .collect();
    let mut response = Response { status, headers, body: Vec::new() };
    let rest = &bytes[start..];
    if to_head || status == 204 || status == 304 {
        return Ok(Parsed::Final(response, start));
    }
    if response.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        let Some((body, length)) = dechunk(rest)? else { return Ok(Parsed::Partial) };
        response.body = body;
        return Ok(Parsed::Final(response, start + length));
    }
    let length = match response.header("content-length") {
        Some(length) => length.parse().map_err(|_| "a content-length that is no number".to_owned())?,
        None if at_end => rest.len(),
        None => return Ok(Parsed::Partial),
    };
    let Some(body) = rest.get(..length) else { return Ok(Parsed::Partial) };
    response.body = body.to_vec();
    Ok(Parsed::Final(response, start + length))
}

/// The body and the length of its chunked form; `None` while that is not whole.
fn dechunk(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, String> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let (line, size) = match parse_chunk_size(&bytes[at..]).map_err(|_| "a chunk size that is none")? {
            Status::Complete((line, size)) => (line, usize::try_from(size).map_err(|_| "a chunk too large")?),
            Status::Partial => return Ok(None),
        };
        let start = at + line;
        let Some(chunk) = start.checked_add(size + 2).and_then(|end| bytes.get(start..end)) else {
            return Ok(None);
        };
        if !chunk.ends_with(b"\r\n") {
            return Err("a chunk that is longer than its size".into());
        }
        body.extend(&chunk[..size]);
        at = start + chunk.len();
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(bytes: &str, at_end: bool) -> Result<Parsed, String> {
        parse(bytes.as_bytes(), false, at_end)
    }

    fn body(bytes: &str, at_end: bool) -> String {
        match parsed(bytes, at_end) {
            Ok(Parsed::Final(response, length)) => {
                assert_eq!(length, bytes.len());
                String::from_utf8(response.body).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_the_three_ways_to_end_a_body() {
        assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false), "ok");
        assert_eq!(
            body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", false),
            "ok"
        );
        assert_eq!(body("HTTP/1.1 200 OK\r\n\r\nok", true), "ok");
    }

    #[test]
    fn waits_for_the_rest() {
        let whole = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        for end in 0..whole.len() {
            assert_eq!(parsed(&whole[..end], false), Ok(Parsed::Partial), "{end}");
        }
        assert_eq!(parsed("HTTP/1.1 200 OK\r\n\r\nok", false), Ok(Parsed::Partial));
        assert_eq!(parsed("HTTP/1.1 100 Continue\r\n\r\nHTTP", false), Ok(Parsed::Interim(100, 25)));
    }

    #[test]
    fn a_broken_response_is_an_error() {
        for bytes in [
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nokok\r\n0\r\n\r\n",
        ] {
            assert!(parsed(bytes, true).is_err(), "{bytes:?}");
        }
    }
}
