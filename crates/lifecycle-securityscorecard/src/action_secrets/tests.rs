//! What is read as secrets, what is refused, and that no value is ever shown.

use proptest::prelude::*;

use super::*;
use ActionError::{MalformedSecrets, MissingSecrets, SecretsTooLarge};

type Lines<'a> = &'a [(&'a str, &'a [u8])];

fn entries(secrets: &ActionSecrets) -> Vec<(&str, &str)> {
    secrets.keys().map(|key| (key, secrets.get(key).unwrap())).collect()
}

#[test]
fn an_object_and_an_array_of_pairs_are_read_alike() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        (r#"{"ACCESS_TOKEN":"s3cr3t"}"#, &[("ACCESS_TOKEN", "s3cr3t")]),
        (r#"[{"key":"ACCESS_TOKEN","value":"s3cr3t"}]"#, &[("ACCESS_TOKEN", "s3cr3t")]),
        (
            r#" [ { "value" : "b", "new" : [1], "key" : "B" } , {"key":"A","value":"a"} ] "#,
            &[("A", "a"), ("B", "b")],
        ),
        (r#"{"B":"b","A":"a"}"#, &[("A", "a"), ("B", "b")]),
        ("\t{\"A\" : \"\\u00e9\\n\\\"\" }\r\n", &[("A", "é\n\"")]),
        (r#"{"A":"é☃"}"#, &[("A", "é☃")]),
        (
            r#"{"A":1.50,"B":true,"C":{"x":[1, 2]},"D":"","E":" "}"#,
            &[("A", "1.50"), ("B", "true"), ("C", r#"{"x":[1, 2]}"#), ("D", ""), ("E", " ")],
        ),
        (r#"{"A":null,"B":"b"}"#, &[("B", "b")]),
        (r#"[{"key":"A"},{"key":"B","value":null}]"#, &[]),
        (r#"{"":"nameless"}"#, &[("", "nameless")]),
        ("{}", &[]),
        ("[]", &[]),
    ];
    for (header, expected) in cases {
        assert_eq!(entries(&ActionSecrets::parse(header.as_bytes()).unwrap()), *expected, "{header}");
    }
}

#[test]
fn what_is_not_utf_8_is_read_as_iso_8859_1() {
    let cases: &[(&[u8], &str)] = &[
        ("{\"A\":\"pässwörd\"}".as_bytes(), "pässwörd"),
        (b"{\"A\":\"p\xe4ssw\xf6rd\"}", "pässwörd"),
        (b"[{\"key\":\"A\",\"value\":\"\xff\xa0\x78\"}]", "ÿ\u{a0}x"),
        (b"{\"A\":\"\xc3\xa4\"}", "ä"), // UTF-8 comes first
        (b"{\"A\":\"\xc3\xa4\xe4\"}", "Ã¤ä"),
    ];
    for (header, expected) in cases {
        let secrets = ActionSecrets::parse(header).unwrap();
        assert_eq!(entries(&secrets), [("A", *expected)]);
        assert!(secrets.matches("A", &Secret::new(*expected).unwrap()));
    }
    let longest = [b"{\"A\":\"".as_slice(), &vec![0xe4; ActionSecrets::MAX_LEN - 8], b"\"}"].concat();
    assert_eq!(ActionSecrets::parse(&longest).unwrap().get("A").unwrap().chars().count(), longest.len() - 8);
}

#[test]
fn what_is_not_distinct_keys_in_json_is_refused() {
    let deep_array = "[".repeat(10_000);
    let deep_value = format!(r#"{{"A":{}"#, "[".repeat(10_000));
    let largest = format!(r#"{{"A":"{}"}}"#, "x".repeat(ActionSecrets::MAX_LEN - 8));
    let too_large = format!("{largest} ");
    let cases: &[(&[u8], Option<ActionError>)] = &[
        (b"", Some(MissingSecrets)),
        (b"  ", Some(MissingSecrets)),
        (b"null", Some(MissingSecrets)),
        (largest.as_bytes(), None),
        (too_large.as_bytes(), Some(SecretsTooLarge)),
        (br#"{"A":"x","A":"y"}"#, Some(MalformedSecrets)),
        (br#"{"A":"x","A":"x"}"#, Some(MalformedSecrets)),
        (br#"{"A":"x","\u0041":"y"}"#, Some(MalformedSecrets)),
        (br#"{"A":null,"A":"x"}"#, Some(MalformedSecrets)),
        (br#"[{"key":"A","value":"x"},{"key":"A","value":"y"}]"#, Some(MalformedSecrets)),
        (br#"[{"key":"A","key":"B","value":"x"}]"#, Some(MalformedSecrets)),
        (br#"[{"value":"x"}]"#, Some(MalformedSecrets)),
        (br#"[{"key":1,"value":"x"}]"#, Some(MalformedSecrets)),
        (br#"["A"]"#, Some(MalformedSecrets)),
        (b"{\"A\":\"\xff", Some(MalformedSecrets)),
        (b"\xff\xfe{\0}\0", Some(MalformedSecrets)),
        (b"\xef\xbb\xbf{}", Some(MalformedSecrets)),
        (br#"{"A":"\ud800"}"#, Some(MalformedSecrets)),
        (br#"{"A":"x"}{}"#, Some(MalformedSecrets)),
        (br#"{"A":"x",}"#, Some(MalformedSecrets)),
        (br#"{A:"x"}"#, Some(MalformedSecrets)),
        (br#"{"A":"x""#, Some(MalformedSecrets)),
        (b"\"text\"", Some(MalformedSecrets)),
        (b"7", Some(MalformedSecrets)),
        (b"ACCESS_TOKEN=s3cr3t", Some(MalformedSecrets)),
        (deep_array.as_bytes(), Some(MalformedSecrets)),
        (deep_value.as_bytes(), Some(MalformedSecrets)),
    ];
    for (header, expected) in cases {
        let shown = String::from_utf8_lossy(&header[..header.len().min(40)]);
        assert_eq!(ActionSecrets::parse(header).err(), *expected, "{shown}");
    }
}

#[test]
fn a_repeated_header_counts_only_if_it_says_the_same() {
    let (one, two) = (br#"{"A":"x"}"#.as_slice(), br#"{"A":"y"}"#.as_slice());
    let cases: &[(Lines<'_>, Result<&str, ActionError>)] = &[
        (&[("x-ssc-app-secrets", one)], Ok("x")),
        (&[("accept", b"\xff"), ("X-SSC-App-Secrets", one)], Ok("x")),
        (&[("x-ssc-app-secrets", one), ("X-Ssc-App-Secrets", one)], Ok("x")),
        (&[("x-ssc-app-secrets", one), ("x-ssc-app-secrets", two)], Err(MalformedSecrets)),
        (&[("x-ssc-app-secrets", b""), ("x-ssc-app-secrets", two)], Err(MalformedSecrets)),
        (&[("x-ssc-app-secret", one)], Err(MissingSecrets)),
        (&[], Err(MissingSecrets)),
    ];
    for (headers, expected) in cases {
        let read = ActionSecrets::read(headers.iter().copied());
        assert_eq!(read.as_ref().map(|secrets| secrets.get("A").unwrap()), expected.as_ref().copied());
    }
}

#[test]
fn a_required_secret_that_is_absent_or_blank_needs_a_new_installation() {
    let cases: &[(&str, &[&str])] = &[
        (r#"{"A":"a","B":"b"}"#, &[]),
        (r#"{"A":"a","B":0}"#, &[]),
        (r#"{"A":"a","B":""}"#, &["B"]),
        (r#"{"A":null,"B":" \t"}"#, &["B", "A"]),
        (r#"{"a":"a","b":"b","X":"x"}"#, &["B", "A"]),
        ("{}", &["B", "A"]),
    ];
    for (header, missing) in cases {
        let secrets = ActionSecrets::parse(header.as_bytes()).unwrap();
        assert_eq!(secrets.missing(["B", "A"]), *missing, "{header}");
        assert_eq!(secrets.require(["B", "A"]).is_ok(), missing.is_empty(), "{header}");
    }
}

#[test]
fn the_answer_names_the_missing_keys_and_no_value() {
    let reply = ActionSecrets::parse(br#"{"A":"hunter2"}"#).unwrap().require(["B"]).unwrap_err().reply();
    assert_eq!(reply.status(), 403);
    let expected = r#"{"title":"The app has to be installed again","status":403,"code":"reinstall-required","detail":"required secrets are missing: B; the user has to install the app again"}"#;
    assert_eq!(reply.body(), expected.as_bytes());
}

#[test]
fn a_token_matches_only_in_full() {
    let secrets = ActionSecrets::parse(br#"{"T":"8f1b","EMPTY":"","N":8}"#).unwrap();
    let cases = [
        ("T", "8f1b", true),
        ("T", "8f1", false),
        ("T", "8f1b0", false),
        ("T", "8F1B", false),
        ("N", "8", true),
    ];
    for (key, expected, matches) in cases {
        assert_eq!(secrets.matches(key, &Secret::new(expected).unwrap()), matches, "{key} {expected}");
    }
    for key in ["EMPTY", "absent"] {
        assert!(!secrets.matches(key, &Secret::new("8f1b").unwrap()), "{key}");
    }
}

#[test]
fn debug_shows_keys_and_no_value() {
    let secrets = ActionSecrets::parse(br#"{"A":"hunter2","B":{"c":"hunter2"}}"#).unwrap();
    assert_eq!(format!("{secrets:?}"), r#"ActionSecrets { keys: ["A", "B"], .. }"#);
}

proptest! {
    #[test]
    fn any_strings_survive_the_journey_through_the_header(
        given in prop::collection::btree_map(".{0,8}", ".{0,8}", 0..5),
    ) {
        let header = serde_json::to_vec(&given).unwrap();
        let secrets = ActionSecrets::parse(&header).unwrap();
        let expected: Vec<(&str, &str)> = given.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        prop_assert_eq!(entries(&secrets), expected);
    }

    #[test]
    fn no_bytes_make_reading_panic(header in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = ActionSecrets::parse(&header);
    }
}
