//! Saved requests in every usual form.

use super::*;

const NAMES: &[&str] = &["x-seismic-signature"];

/// Reads a text in which signed requests have Seismic's header.
fn read(text: &str) -> Result<Transcript, Failure> {
    read_picked(text, None)
}

fn read_picked(text: &str, pick: Option<usize>) -> Result<Transcript, Failure> {
    let is_signed = |found: &Transcript| {
        found.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("x-seismic-signature"))
    };
    Transcript::read(text, Wanted { names: NAMES, is_signed: &is_signed, pick })
}

#[test]
fn every_usual_form_gives_the_same_headers() {
    let curl = "*   Trying 127.0.0.1:3000...\n> POST /seismic HTTP/1.1\n> Host: localhost:3000\n\
        > X-Seismic-Signature: aa\n> \n* upload completely sent off\n< HTTP/1.1 401 Unauthorized\n\
        < x-seismic-signature: from-the-answer\n";
    let lines = "Host: localhost:3000\r\nX-Seismic-Signature: aa\r\n";
    let raw = format!("POST /seismic HTTP/1.1\r\n{lines}\r\n{{\"a\":\r\n1}}");
    let list = r#"[{"name":"Host","value":"localhost:3000"},{"name":"X-Seismic-Signature","value":"aa"}]"#;
    let request = format!(r#"{{"method":"POST","headers":{list},"postData":{{"text":"{{\"a\":1}}"}}}}"#);
    let har = format!(
        r#"{{"log":{{"entries":[{{"request":{request}}},{{"request":{{"headers":[{{"name":"A","value":"b"}}]}}}}]}}}}"#
    );
    let object = r#"{"Host":"localhost:3000","X-Seismic-Signature":["aa"]}"#;
    let pairs = r#"[["Host","localhost:3000"],["X-Seismic-Signature","aa"]]"#;
    for (form, body) in [
        (curl, None),
        (lines, None),
        (&raw, Some("{\"a\":\r\n1}")),
        (list, None),
        (&request, Some(r#"{"a":1}"#)),
        (&har, Some(r#"{"a":1}"#)),
        (object, None),
        (pairs, None),
    ] {
        let transcript = read(form).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            transcript.headers,
            [pair("Host", "localhost:3000"), pair("X-Seismic-Signature", "aa")],
            "{form}"
        );
        assert_eq!(transcript.body.as_deref(), body.map(str::as_bytes), "{form}");
    }
}

#[test]
fn what_a_request_holds_is_not_taken_for_its_form() {
    let sent = [("Upgrade", "h2c, HTTP/2.0"), ("X-Seismic-Signature", "aa")];
    let pairs = sent.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let body = "a ^\"b^\" c\n> d: e\n";
    let raw = format!("POST /s HTTP/1.1\nUpgrade: h2c, HTTP/2.0\nX-Seismic-Signature: aa\n\n{body}");
    let curl = format!(
        "curl '/s' -H 'Expect:' -H 'Upgrade: h2c, HTTP/2.0' -H 'X-Seismic-Signature: aa' --data-raw '{body}'"
    );
    for form in [raw, curl] {
        let found = read(&form).unwrap();
        assert_eq!(found.target.as_deref(), Some("/s"), "{form}");
        assert_eq!(found.headers, pairs, "{form}");
        assert_eq!(found.body.as_deref(), Some(body.as_bytes()), "{form}");
    }
}

#[test]
fn a_log_and_a_gateways_event_hold_headers_and_body_somewhere() {
    let req =
        r#""req":{"id":1,"method":"POST","url":"/seismic","headers":{"host":"a","x-seismic-signature":"aa"}"#;
    let res = r#""res":{"statusCode":401,"headers":{"content-type":"application/problem+json"}}"#;
    let came = format!(r#"{{"level":30,"time":1,"hostname":"h",{req}}},"msg":"request"}}"#);
    let done = format!(r#"{{"level":30,"time":2,"hostname":"h",{req}}},{res},"msg":"request completed"}}"#);
    let with_body = format!(r#"{{"level":30,{req},"body":"{{\"a\":1}}"}},{res}}}"#);
    let body_above = format!(r#"{{"level":30,{req}}},"body":"{{\"a\":1}}",{res}}}"#);
    let body_parsed = format!(r#"{{"level":30,{req},"body":{{"a":1}}}},{res}}}"#);
    let event = r#"{"version":"2.0","headers":{"host":"a","x-seismic-signature":"aa"},"requestContext":{"http":{"method":"POST"}},
        "body":"eyJhIjoxfQ==","isBase64Encoded":true}"#;
    for (form, body, is_body_parsed) in [
        (done.as_str(), None, false),
        (&format!("{came}\n{done}\n"), None, false),
        (&with_body, Some(r#"{"a":1}"#), false),
        (&body_above, Some(r#"{"a":1}"#), false),
        (&body_parsed, None, true),
        (event, Some(r#"{"a":1}"#), false),
    ] {
        let transcript = read(form).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(transcript.headers, [pair("host", "a"), pair("x-seismic-signature", "aa")], "{form}");
        assert_eq!(transcript.body.as_deref(), body.map(str::as_bytes), "{form}");
        assert_eq!(transcript.is_body_parsed, is_body_parsed, "{form}");
    }
}

#[test]
fn a_body_without_any_header_is_a_request() {
    let token = read(r#"{"id":1,"url":"http://127.0.0.1:3000/wix","headers":[],"body":"a.b.c"}"#).unwrap();
    assert_eq!((token.headers.len(), token.body.as_deref()), (0, Some(&b"a.b.c"[..])));
}

#[test]
fn what_holds_no_request_or_too_many_is_refused() {
    let two = r#"[{"request":{"headers":{"X-Seismic-Signature":"a"}}},{"request":{"headers":{"X-Seismic-Signature":"b"}}}]"#;
    for (text, complaint) in [
        ("", "no headers"),
        ("hello\nworld", "no headers"),
        ("{", "neither JSON"),
        ("[1]", "no headers"),
        (r#"{"level":30,"time":1}"#, "no headers"),
        (two, "2 requests"),
    ] {
        let failure = read(text).unwrap_err().to_string();
        assert!(failure.contains(complaint), "{text}: {failure}");
    }
}

#[test]
fn a_curl_command_is_read_as_a_shell_reads_it() {
    for (command, body) in [
        (
            r#"curl 'https://a.example/s?x=1' -H 'X-Seismic-Signature: aa' --data-raw '{"a":"b'\''c"}'"#,
            Some(r#"{"a":"b'c"}"#),
        ),
        (r#"curl "https://a.example/s?x=1" -H "X-Seismic-Signature: aa" -d "{\"a\":1}""#, Some(r#"{"a":1}"#)),
        (
            "$ curl -XPOST --url https://a.example/s?x=1 -kH X-Seismic-Signature:aa \\\n  --data-raw $'{\\n\"\\u00e9\\ud83d\\ude00\\x21\":\\'1\\'}'",
            Some("{\n\"é😀!\":'1'}"),
        ),
        (
            "curl https://a.example/s?x=1 -H 'x-seismic-signature: aa' -d a=1 --data b=2 | jq .",
            Some("a=1&b=2"),
        ),
        ("curl https://a.example/s?x=1 -H 'x-seismic-signature: aa' --data-binary @body.json", None),
        ("curl --max-time 3 https://a.example/s?x=1 -H 'x-seismic-signature: aa' -o out.txt", None),
    ] {
        let found = read(command).unwrap();
        assert_eq!(found.target.as_deref(), Some("https://a.example/s?x=1"), "{command}");
        assert_eq!(found.headers.len(), 1, "{command}");
        assert_eq!(found.headers[0].1, "aa", "{command}");
        assert_eq!(found.body.as_deref(), body.map(str::as_bytes), "{command}");
    }
    assert!(read("curl 'https://a.example").unwrap_err().to_string().contains("cut off"));
}

#[test]
fn headers_are_picked_out_of_text_by_their_names_alone() {
    for (line, signature, body) in [
        (
            r#"WARN refused: HTTP_X_SEISMIC_SIGNATURE=aa, body={"a": [1, 2]} tail"#,
            "aa",
            Some(r#"{"a": [1, 2]}"#),
        ),
        (r#"x_seismic_signature => "aa" body => "{\"a\":1}""#, "aa", Some(r#"{"a":1}"#)),
        (r#"{"log":"{\"x-seismic-signature\":\"aa\"}"}"#, "aa", None),
        ("('X-Seismic-Signature', 'aa') body=b'{}'", "aa", Some("b'{}'")),
        ("X-Seismic-Signature\naa\nAccept\n*/*", "aa", None),
    ] {
        let found = read(line).unwrap();
        assert!(found.is_picked, "{line}");
        assert_eq!(found.headers, [("x-seismic-signature".to_owned(), signature.to_owned())], "{line}");
        assert_eq!(found.body.as_deref(), body.map(str::as_bytes), "{line}");
    }
    for none in [
        "the x-seismic-signature header is missing",
        "my-x-seismic-signature: aa b c d",
        "x-seismic-signature-older=aa",
    ] {
        assert!(read(none).is_err() || !read(none).unwrap().is_picked, "{none}");
    }
}

#[test]
fn an_access_log_has_the_target() {
    let line = r#"192.0.2.1 - - [01/Dec/2026:08:30:00 +0000] "GET /app/uninstall?signed_payload_jwt=eyJ.a.b HTTP/1.1" 401 52"#;
    let is_signed = |found: &Transcript| found.target.as_ref().is_some_and(|target| target.contains("jwt="));
    let found = Transcript::read(line, Wanted { names: &[], is_signed: &is_signed, pick: None }).unwrap();
    assert_eq!(found.target.as_deref(), Some("/app/uninstall?signed_payload_jwt=eyJ.a.b"));
    assert_eq!(found.method.as_deref(), Some("GET"));
}

#[test]
fn a_saved_request_tells_when_it_came() {
    let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    let own = r#""headers":{"x-seismic-signature":"aa"},"body":"{}""#;
    for (text, expected) in [
        (format!(r#"{{"time":1796113800000,"req":{{{own}}}}}"#), at(1_796_113_800)),
        (
            format!(r#"{{"startedDateTime":"2026-12-01T08:30:00.000Z","request":{{{own}}}}}"#),
            at(1_796_113_800),
        ),
        (format!(r#"{{"requestContext":{{"timeEpoch":1796113800000}},{own}}}"#), at(1_796_113_800)),
        (format!(r#"{{"requestContext":{{"requestTimeEpoch":1796113800000}},{own}}}"#), at(1_796_113_800)),
        (format!(r#"{{"timestamp":"2026-12-01T09:30:00+01:00",{own}}}"#), at(1_796_113_800)),
        (format!(r#"{{"time":1,{own}}}"#), None),
    ] {
        assert_eq!(read(&text).unwrap().at, expected, "{text}");
    }
}

#[test]
fn of_several_requests_one_is_picked() {
    let one = |signature: &str| {
        format!(
            r#"{{"request":{{"method":"POST","url":"/{signature}","headers":{{"X-Seismic-Signature":"{signature}"}}}}}}"#
        )
    };
    let text = format!("[{},{}]", one("a"), one("b"));
    let failure = read(&text).unwrap_err().to_string();
    assert!(failure.ends_with("choose one by --pick N (1: POST /a; 2: POST /b)"), "{failure}");
    assert_eq!(read_picked(&text, Some(2)).unwrap().headers[0].1, "b");
    for wrong in [0, 3] {
        assert!(read_picked(&text, Some(wrong)).is_err());
    }
}

#[test]
fn a_days_log_holds_each_request_once_however_often_it_was_logged() {
    let line = |number: u32, message: &str| {
        let own = format!(r#"{{"url":"/s","headers":{{"X-Seismic-Signature":"{number}"}}}}"#);
        format!(r#"{{"time":{number},"msg":"{message}","req":{own},"body":"b"}}"#)
    };
    // Each comes before the one that came before it is done.
    let lines: Vec<String> =
        (0..30_000).flat_map(|number| [line(number + 1, "came"), line(number, "done")]).collect();
    let failure = read(&lines.join("\n")).unwrap_err().to_string();
    assert!(failure.contains("holds 30001 requests, 30001 of them signed"), "{failure}");
}
