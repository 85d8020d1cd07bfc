//! `lifecycle sign` and `lifecycle verify`: the published vectors, and every form in which a request is saved.

use std::fs;
use std::path::Path;

use crate::program::{SECRET, lifecycle, lifecycle_with};

const BODY: &str = r#"{"appId":"04bd6eda-4b04-4572-a744-7233ccc077cd","appName":"my test app","tenantId":"bd6eda-4b04-4572-a744-7233ccc077cd04","tenant":"seismicapps","userId":"e6f77acb-6f11-482c-822b-5dbdcc002a20","userEmail":"avery.admin@example.com","requestId":"de680a3a-2b96-45d8-a0f7-f6c11659e4f5","version":"0.1.4","type":"install","timestamp":"2020-09-01T08:45:42Z"}"#;

/// Computed with OpenSSL.
const SIGNATURE: &str = "ddc467d518c7d51be83da1172eb212ba946663873c47844159a666f26cb8588e";

const VALID: &str = "valid: install of app 04bd6eda-4b04-4572-a744-7233ccc077cd for tenant \
    bd6eda-4b04-4572-a744-7233ccc077cd04, signed with the current secret in x-seismic-signature\n";

fn file(name: &str, text: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn signs_as_openssl_does() {
    let body = file("sign.json", BODY);
    let ran = lifecycle(["sign", "--body", &body, "--secret", SECRET]);
    assert_eq!(ran.out, format!("x-seismic-signature: {SIGNATURE}\n"));
    let ran = lifecycle(["sign", "--body", &body, "--secret", SECRET, "--value"]);
    assert_eq!(ran.out, format!("{SIGNATURE}\n"));
    let ran = lifecycle(["sign", "--body", &body, "--secret", "new", "--previous-secret", SECRET, "--json"]);
    assert_eq!(ran.json()["headers"]["x-seismic-signature-old"], SIGNATURE);
}

#[test]
fn a_secret_comes_from_an_option_a_variable_or_a_file() {
    let secret = file("secret.txt", &format!("{SECRET}\n"));
    for (arguments, variables) in [
        (&["--secret", SECRET][..], &[][..]),
        (&["--secret-file", &secret], &[]),
        (&["--secret-env", "OWN"], &[("OWN", SECRET)]),
        (&[], &[("SEISMIC_SIGNING_SECRET", SECRET)]),
        (&[], &[("SEISMIC_SIGNING_SECRET_FILE", &secret)]),
        (&["--secret-env", "OWN"], &[("OWN", SECRET), ("SEISMIC_SIGNING_SECRET_FILE", "/no/such/file")]),
        (&["--secret-env", "OWN"], &[("OWN", SECRET), ("SEISMIC_SIGNING_SECRET", "other")]),
    ] {
        let ran = lifecycle_with(
            [&["sign", "--body", "-", "--value"], arguments].concat(),
            variables,
            BODY.as_bytes(),
        );
        assert_eq!(ran.out, format!("{SIGNATURE}\n"), "{arguments:?} {variables:?}");
    }
}

#[test]
fn a_variable_and_its_file_are_not_both_set() {
    let both = [("SEISMIC_SIGNING_SECRET", SECRET), ("SEISMIC_SIGNING_SECRET_FILE", "secret.txt")];
    let ran = lifecycle_with(["sign", "--body", "-"], &both, BODY.as_bytes());
    assert_eq!(ran.code, 2);
    let sentence =
        "error: SEISMIC_SIGNING_SECRET and SEISMIC_SIGNING_SECRET_FILE are both set: unset one of them";
    assert_eq!(ran.err.trim_end(), sentence);
}

#[test]
fn verifies_a_request_in_every_form_that_it_is_saved_in() {
    let body = file("verify.json", BODY);
    let header = format!("X-Seismic-Signature: {SIGNATURE}");
    let curl = format!(
        "* Connected\n> POST /seismic HTTP/1.1\n> Host: a\n> {header}\n> \n< HTTP/1.1 202 Accepted\n< x: y\n"
    );
    let har = serde_json::json!({"log": {"entries": [{"request": {
        "headers": [{"name": "x-seismic-signature", "value": SIGNATURE}],
        "postData": {"mimeType": "application/json", "text": BODY},
    }}]}});
    let saved = [
        file("lines.txt", &header),
        file("curl.txt", &curl),
        file("object.json", &format!(r#"{{"x-seismic-signature":"{SIGNATURE}"}}"#)),
    ];
    for headers in &saved {
        let ran = lifecycle(["verify", "--body", &body, "--headers", headers, "--secret", SECRET]);
        assert_eq!((ran.code, ran.out.as_str()), (0, VALID), "{headers}");
    }
    let with_body = [
        file("request.har", &har.to_string()),
        file("raw.txt", &format!("POST /seismic HTTP/1.1\r\n{header}\r\n\r\n{BODY}")),
    ];
    for headers in &with_body {
        let ran = lifecycle(["verify", "--headers", headers, "--secret", SECRET]);
        assert_eq!((ran.code, ran.out.as_str()), (0, VALID), "{headers}");
    }
    let pino = |body: serde_json::Value| {
        let req = serde_json::json!({"method": "POST", "headers": {"x-seismic-signature": SIGNATURE}, "body": body});
        serde_json::json!({"level": 30, "hostname": "app-1", "req": req, "msg": "request completed"})
            .to_string()
    };
    let logged = file("pino.log", &pino(BODY.into()));
    let ran = lifecycle(["verify", "--headers", &logged, "--secret", SECRET]);
    assert_eq!((ran.code, ran.out.as_str()), (0, VALID));
    let parsed = file("pino-parsed.log", &pino(serde_json::from_str(BODY).unwrap()));
    let ran = lifecycle(["verify", "--body", &body, "--headers", &parsed, "--secret", SECRET]);
    assert_eq!((ran.code, ran.out.as_str()), (0, VALID));
    let ran = lifecycle(["verify", "--headers", &parsed, "--secret", SECRET]);
    assert!(ran.code == 2 && ran.err.contains("parsed JSON, and not the bytes that were signed"), "{ran:?}");
    let ran = lifecycle([
        "verify",
        "--body",
        &body,
        "-H",
        &header,
        "--secret",
        "new",
        "--previous-secret",
        SECRET,
        "--json",
    ]);
    assert_eq!((ran.code, ran.json()["secret"].as_str()), (0, Some("previous")));
}

#[test]
fn what_a_receiver_would_refuse_is_not_valid() {
    let body = file("refused.json", BODY);
    let other = file("other.json", "[]");
    let own = lifecycle(["sign", "--body", &other, "--secret", SECRET, "--value"]).out;
    for (arguments, code) in [
        (vec!["--body", &other, "--signature", SIGNATURE], "signature-mismatch"),
        (vec!["--body", &body, "--signature", "sha256=0"], "signature-mismatch"),
        (vec!["--body", &body, "-H", "host: x"], "missing-signature"),
        (vec!["--body", &other, "--signature", own.trim()], "undecodable"),
    ] {
        let ran = lifecycle([&["verify", "--json", "--secret", SECRET], &arguments[..]].concat());
        assert_eq!(ran.code, 1, "{ran:?}");
        assert_eq!(ran.json()["code"], code, "{arguments:?}");
    }
}

#[test]
fn a_refusal_says_whether_the_signature_is_to_blame() {
    let other = file("blame.json", "[]");
    let own = lifecycle(["sign", "--body", &other, "--secret", SECRET, "--value"]).out;
    for (signature, expected) in [
        (own.trim(), "the signature itself matches\n"),
        (SIGNATURE, "`lifecycle explain` with the same options looks for the cause\n"),
    ] {
        let ran = lifecycle(["verify", "--body", &other, "--signature", signature, "--secret", SECRET]);
        assert!(ran.out.ends_with(expected), "{ran:?}");
    }
}
