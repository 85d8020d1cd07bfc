//! Message: the exact bytes of a request and the order and pace in which they are written.

use std::time::Duration;

use serde::Deserialize;

use crate::body::decode_base64;
use crate::fixture::{HeaderValue, Request};
use crate::template::{TemplateError, Values};

/// How a body is put on the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framing {
    /// How the body's length is told.
    #[serde(default)]
    pub length: Length,
    /// The most body bytes in one write and, if chunked, in one chunk; all of it by default.
    #[serde(default)]
    pub piece: Option<usize>,
    /// The most head bytes in one write; all of it, and the body's first piece with it, by default.
    #[serde(default)]
    pub head_piece: Option<usize>,
    /// The pause after each write, in milliseconds.
    #[serde(default)]
    pub pause_ms: u64,
    /// Stops in the middle of the body.
    #[serde(default)]
    pub stop: Option<Stop>,
    /// Waits for `100 Continue`, or for the answer, before the body is sent.
    #[serde(default)]
    pub await_continue: bool,
}

/// How a body's length is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Length {
    /// By `Transfer-Encoding: chunked`.
    Chunked,
    /// By this `Content-Length`, whatever is sent.
    Claimed(String),
    /// By the right `Content-Length`. A request without a body has none.
    #[default]
    Declared,
    /// Not at all.
    None,
}

/// Where a sender stops, and what it does then.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// The number of body bytes that are still sent.
    pub after: usize,
    /// What is written next, outside of any chunk, such as a chunk size that is none.
    #[serde(default)]
    pub garbage: String,
    /// Whether the sender then closes its side, or keeps it open and sends nothing more.
    #[serde(default)]
    pub close: bool,
}

/// One move of the sender.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    AwaitContinue,
    Close,
    Pause(Duration),
    Write(Vec<u8>),
}

/// A request ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) steps: Vec<Step>,
    /// The headers that the fixture names.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// The body's bytes as the receiver has to see them.
    pub(crate) body: Vec<u8>,
    /// The body's bytes as they were signed.
    pub(crate) signed: Vec<u8>,
    pub(crate) is_head: bool,
    /// Whether the body comes to the end that its head announces.
    pub(crate) ends: bool,
    /// The query of its target, if there is one.
    pub(crate) query: Option<String>,
}

impl Message {
    /// Fills in and frames a request. `values.body` and `values.path` are set here.
    pub(crate) fn build(request: &Request, host: &str, values: &Values<'_>) -> Result<Self, TemplateError> {
        let token = if values.route.path.contains("{token}") {
            values.render(&request.token)?
        } else {
            String::new()
        };
        let path = values.route.path.replace("{token}", &token);
        let values = Values { path: &path, ..*values };
        let claims = request.claims.as_ref().or(request.body.as_ref().filter(|body| body.is_sample()));
        let claims = claims.map(|claims| claims.claims(&values)).transpose()?.unwrap_or_default();
        let jose = request.jose.as_ref().map(|header| values.render(header)).transpose()?;
        let values = Values { token: (&claims, jose.as_deref()), ..values };
        let signed = match &request.body {
            Some(body) => body.bytes(&values)?,
            None => Vec::new(),
        };
        let values = Values { body: &signed, ..values };
        let headers = headers(request, &values)?;
        let mut body = signed.clone();
        for edit in &request.tamper {
            body = edit.apply(body, &values)?;
        }

        let target = values.render(&request.path)?;
        let query = target.split_once('?').map(|(_, query)| query.to_owned());
        let mut head = format!("{} {target} HTTP/{}\r\n", request.method, request.version).into_bytes();
        if !request.headers.iter().any(|header| header.0.eq_ignore_ascii_case("host")) {
            head.extend(format!("Host: {host}\r\n").into_bytes());
        }
        for (name, value) in &headers {
            head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        match &request.framing.length {
            Length::Chunked => head.extend(b"Transfer-Encoding: chunked\r\n"),
            Length::Claimed(length) => head.extend(format!("Content-Length: {length}\r\n").into_bytes()),
            Length::Declared if request.body.is_some() => {
                head.extend(format!("Content-Length: {}\r\n", body.len()).into_bytes());
            }
            Length::Declared | Length::None => {}
        }
        head.extend(b"\r\n");
        let steps = request.framing.steps(head, &body);
        let ends = request.framing.ends(&body);
        Ok(Self { steps, headers, body, signed, is_head: request.method == "HEAD", ends, query })
    }

    /// How many writes it takes.
    pub(crate) fn writes(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Write(_))).count()
    }
}

/// The headers in the fixture's order, signatures filled in last: a platform may sign other headers with the body.
fn headers(request: &Request, values: &Values<'_>) -> Result<Vec<(String, Vec<u8>)>, TemplateError> {
    let is_signature = |value: &HeaderValue| match value {
        HeaderValue::Text(text) => text.contains("{{sign "),
        HeaderValue::Bytes { .. } => false,
    };
    let fill = |value: &HeaderValue, values: &Values<'_>| match value {
        HeaderValue::Text(text) => values.render(text).map(String::into_bytes),
        HeaderValue::Bytes { base64 } => decode_base64(base64),
    };
    let mut signed = Vec::new();
    for header in request.headers.iter().filter(|header| !is_signature(&header.1)) {
        signed.push((header.0.clone(), fill(&header.1, values)?));
    }
    let values = Values { headers: &signed, ..*values };
    request.headers.iter().map(|header| Ok((header.0.clone(), fill(&header.1, &values)?))).collect()
}

impl Framing {
    fn ends(&self, body: &[u8]) -> bool {
        let sent = self.stop.as_ref().map_or(body.len(), |stop| stop.after.min(body.len()));
        match &self.length {
            Length::Chunked => self.stop.is_none(),
            Length::Claimed(length) => length.parse().is_ok_and(|length: usize| sent >= length),
            Length::Declared => sent == body.len(),
            Length::None => true,
        }
    }

    fn steps(&self, head: Vec<u8>, body: &[u8]) -> Vec<Step> {
        let mut writes: Vec<Step> = match self.head_piece {
            Some(size) => head.chunks(size).map(|piece| Step::Write(piece.to_vec())).collect(),
            None => vec![Step::Write(head)],
        };
        if self.await_continue {
            writes.push(Step::AwaitContinue);
        }
        let sent = match &self.stop {
            Some(stop) => &body[..stop.after.min(body.len())],
            None => body,
        };
        let chunked = matches!(self.length, Length::Chunked);
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        for piece in sent.chunks(self.piece.unwrap_or(usize::MAX)) {
            pieces.push(if chunked {
                [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
            } else {
                piece.to_vec()
            });
        }
        match &self.stop {
            Some(stop) if !stop.garbage.is_empty() => pieces.push(stop.garbage.clone().into_bytes()),
            None if chunked => pieces.push(b"0\r\n\r\n".to_vec()),
            _ => {}
        }
        // Without a reason to cut, head and body leave in one write, as most senders do.
        if self.piece.is_none() && self.head_piece.is_none() && !self.await_continue && self.pause_ms == 0 {
            let Some(Step::Write(head)) = writes.last_mut() else { return writes };
            head.extend(pieces.concat());
        } else {
            writes.extend(pieces.into_iter().map(Step::Write));
        }
        let mut steps = Vec::new();
        for step in writes {
            let written = matches!(step, Step::Write(_));
            steps.push(step);
            if written && self.pause_ms > 0 {
                steps.push(Step::Pause(Duration::from_millis(self.pause_ms)));
            }
        }
        if self.stop.as_ref().is_some_and(|stop| stop.close) {
            steps.push(Step::Close);
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(framing: &str, body: &str) -> Vec<String> {
        let framing: Framing = serde_json::from_str(framing).unwrap();
        let shown = |step: &Step| match step {
            Step::AwaitContinue => "await".to_owned(),
            Step::Close => "close".to_owned(),
            Step::Pause(time) => format!("pause {}", time.as_millis()),
            Step::Write(bytes) => String::from_utf8(bytes.clone()).unwrap(),
        };
        framing.steps(b"HEAD ".to_vec(), body.as_bytes()).iter().map(shown).collect()
    }

    #[test]
    fn a_plain_request_is_one_write() {
        assert_eq!(steps("{}", "body"), ["HEAD body"]);
    }

    #[test]
    fn a_chunked_body_ends_with_an_empty_chunk() {
        let expected = ["HEAD ", "3\r\nbod\r\n", "1\r\ny\r\n", "0\r\n\r\n"];
        assert_eq!(steps(r#"{"length":"chunked","piece":3}"#, "body"), expected);
        assert_eq!(steps(r#"{"length":"chunked"}"#, ""), ["HEAD 0\r\n\r\n"]);
    }

    #[test]
    fn a_slow_sender_pauses_after_each_write() {
        let expected = ["HEAD ", "pause 5", "bo", "pause 5", "dy", "pause 5"];
        assert_eq!(steps(r#"{"piece":2,"pause_ms":5}"#, "body"), expected);
    }

    #[test]
    fn a_sender_that_stops_leaves_the_rest_out() {
        assert_eq!(steps(r#"{"stop":{"after":2,"close":true}}"#, "body"), ["HEAD bo", "close"]);
        let garbage = r#"{"length":"chunked","stop":{"after":4,"garbage":"zz\r\n"}}"#;
        assert_eq!(steps(garbage, "body"), ["HEAD 4\r\nbody\r\nzz\r\n"]);
    }

    #[test]
    fn a_body_ends_where_its_head_says_so() {
        let ends = |framing: &str| serde_json::from_str::<Framing>(framing).unwrap().ends(b"body");
        for whole in
            ["{}", r#"{"length":"chunked"}"#, r#"{"length":{"claimed":"3"}}"#, r#"{"stop":{"after":4}}"#]
        {
            assert!(ends(whole), "{whole}");
        }
        for broken in [
            r#"{"stop":{"after":3}}"#,
            r#"{"length":{"claimed":"5"}}"#,
            r#"{"length":"chunked","stop":{"after":4}}"#,
        ] {
            assert!(!ends(broken), "{broken}");
        }
    }

    #[test]
    fn expecting_a_continue_holds_the_body_back() {
        assert_eq!(steps(r#"{"await_continue":true}"#, "body"), ["HEAD ", "await", "body"]);
    }
}
