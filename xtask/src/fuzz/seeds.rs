//! Seeds: what each target begins with, in the form that the target reads.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use lifecycle_testing::{RSA_TEST_KEY, Sample, Sender, SignedRequest, SigningKeys, curl_command, registry};
use serde_json::{Map, Value, json};

use super::ROOT;
use crate::Failure;

pub(crate) fn of(target: &str) -> Result<Vec<Vec<u8>>, Failure> {
    Ok(match target {
        "envelope" => each(|_, platform, sample| Some([&[platform], &*envelope(sample)].concat())),
        "fixture" => files("fixtures/conformance")?,
        "genuine" => each(|event, platform, _| Some(vec![platform, event, 0, 0, 0, 1])),
        "keys" => keys(),
        "manifest" => manifest(),
        "public_key" => (0..16).map(|first| vec![first, first / 2, 0, 7, first, b'{', b'}']).collect(),
        "request" => {
            each(|_, platform, sample| Some([&[platform, 0], &*text(&signed(platform, sample))].concat()))
        }
        "saved" => each(|event, platform, sample| Some(saved(event + platform, &signed(platform, sample)))),
        "signature" => signatures(),
        "signed" => each(|event, platform, sample| {
            let claims = sample.claims().map(|claims| claims + "\n\n").unwrap_or_default();
            Some([&[platform, event, 0], claims.as_bytes(), sample.body().as_bytes()].concat())
        }),
        "token" => tokens(),
        _ => Vec::new(),
    })
}

/// When all of it is sent and received: the time that the targets have, so that nothing is stale.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_812_800)
}

/// A seed of each event and handshake: of its place in the platform's list, the platform's in the registry, and its sample.
fn each(seed: impl Fn(u8, u8, &Sample) -> Option<Vec<u8>>) -> Vec<Vec<u8>> {
    let samples = |sender: &'static Sender| {
        let events = sender.events().filter_map(|(_, event)| sender.sample(event));
        events.chain(sender.handshake()).map(|sample| sample.at(now())).zip(0..)
    };
    let all = registry()
        .iter()
        .zip(0..)
        .flat_map(|(sender, platform)| samples(sender).map(move |(sample, event)| (event, platform, sample)));
    all.filter_map(|(event, platform, sample)| seed(event, platform, &sample)).collect()
}

/// The request of a sample.
fn signed(platform: u8, sample: &Sample) -> SignedRequest {
    sample.sign(&SigningKeys::for_tests(registry()[usize::from(platform)].platform()))
}

/// A request as the targets read it.
fn text(signed: &SignedRequest) -> Vec<u8> {
    let mut text = format!("{} {}", signed.method, signed.target);
    for (name, value) in &signed.headers {
        text.extend(["\n", name, ": ", value]);
    }
    [text.as_bytes(), b"\n\n", &signed.body].concat()
}

/// A request as the target reads and writes it, or in one of the forms that people save.
fn saved(form: u8, signed: &SignedRequest) -> Vec<u8> {
    let headers = || signed.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let url = format!("https://app.example{}", signed.target);
    let body = String::from_utf8_lossy(&signed.body);
    let object: Map<String, Value> =
        signed.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let text = match form % 6 {
        0 => String::from_utf8_lossy(&text(signed)).into_owned(),
        1 => curl_command(signed.method, &url, headers(), &signed.body).unwrap_or_default(),
        2 => {
            let headers: Vec<Value> =
                signed.headers.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
            let request =
                json!({"method": signed.method, "url": url, "headers": headers, "postData": {"text": body}});
            let entry = json!({"startedDateTime": "2026-12-01T08:30:00Z", "request": request});
            json!({"log": {"entries": [entry]}}).to_string()
        }
        3 => json!({"rawPath": signed.target, "headers": object, "body": body, "isBase64Encoded": false})
            .to_string(),
        4 => {
            let request = json!({"method": signed.method, "url": signed.target, "headers": object});
            json!({"level": 30, "req": request, "body": body}).to_string()
        }
        _ => {
            let headers = Value::Object(object);
            format!("\"{} {} HTTP/1.1\" headers={headers} body={body}", signed.method, signed.target)
        }
    };
    [&[form], text.as_bytes()].concat()
}

fn envelope(sample: &Sample) -> Vec<u8> {
    if sample.kind().is_known() {
        let delivery = sample.delivery();
        return [delivery.envelope().to_json().as_bytes(), b"\n\n", delivery.body()].concat();
    }
    b"{}".to_vec()
}

fn keys() -> Vec<Vec<u8>> {
    let mut texts: Vec<String> =
        [RSA_TEST_KEY, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a_hook_token"].map(str::to_owned).into();
    for sender in registry() {
        let keys = SigningKeys::for_tests(sender.platform());
        texts.extend([keys.public_key(), keys.key_set()].into_iter().flatten());
    }
    texts.iter().map(|text| [&[0], text.as_bytes()].concat()).collect()
}

fn manifest() -> Vec<Vec<u8>> {
    [
        "POST /\nx-ssc-app-id: 6f1c2a0e\nx-ssc-action: notify\nx-ssc-app-secrets: {\"ACCESS_TOKEN\":\"s3cr3t\"}\n\n{}",
        r#"{"ACCESS_TOKEN":"s3cr3t"}"#,
        "installation_id=8a1f6f5e-0000-4000-8000-000000000001&state=1",
        "8a1f6f5e-0000-4000-8000-000000000001",
        r#"{"name":"App","namespace":"app","install_url":"https://app.example/install","hooks":[],"actions":[]}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

/// The claims of each platform, under its header and under those that have to be refused.
fn tokens() -> Vec<Vec<u8>> {
    let headers = ["jku", "jwk", "x5c", "x5u", "zip", "crit", "b64", "kid", "typ"];
    let headers = headers.map(|name| format!(r#"{{"alg":"HS256","{name}":"x"}}"#)).into_iter();
    let headers = headers.chain([r#"{"alg":"none"}"#, r#"{"alg":"RS256"}"#].map(str::to_owned));
    let of = |platform: u8, header: &str| {
        each(|_, _, sample| {
            Some([&[platform], header.as_bytes(), b"\n\n", sample.claims()?.as_bytes()].concat())
        })
    };
    headers.flat_map(|header| [0, 1].map(|platform| of(platform, &header))).flatten().collect()
}

/// A genuine signature of each platform, alone and between others.
fn signatures() -> Vec<Vec<u8>> {
    let values = ["@", "sha256=@", "v0=@", "t=1790812800,v1=@", "t=1790812800,v1=#,v0=@", "v1,@ v1a,AA v1,@"];
    let pairs = (0..8).flat_map(|vendor| values.map(|value| (vendor, value)));
    pairs
        .map(|(vendor, value)| [&[vendor], value.as_bytes(), b"\nmsg_1\n1790812800\n\n{}"].concat())
        .collect()
}

/// All files below a folder of the project.
fn files(folder: &str) -> Result<Vec<Vec<u8>>, Failure> {
    let mut files = Vec::new();
    for platform in fs::read_dir(Path::new(ROOT).join(folder))? {
        for file in fs::read_dir(platform?.path())? {
            files.push(fs::read(file?.path())?);
        }
    }
    Ok(files)
}
