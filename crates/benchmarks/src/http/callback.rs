//! Callback: the requests that are sent, genuine and forged, as bytes on the wire.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use lifecycle_core::{Secret, SecretError, seismic};

/// The secret of every server here.
pub(super) const SECRET: &str = "seismic-demo-signing-secret-1";

/// More than any server takes, in bytes.
const OVERSIZED: usize = 300 * 1024;

/// Why a forged request is refused.
#[derive(Clone, Copy, Debug)]
pub(super) enum Forgery {
    WrongSignature,
    NoSignature,
    Oversized,
}

/// The requests of a load: each call of [`next`](Self::next) gives another.
pub(super) enum Requests {
    /// A few, over and over.
    Rotated(Vec<Bytes>, AtomicUsize),
    /// Each with an id of its own, and so an event of its own.
    Fresh(Secret, AtomicUsize),
}

impl Requests {
    /// 64 bodies, so that no branch predictor learns one by heart.
    pub(super) fn rotated() -> Result<Self, SecretError> {
        let requests = (0..64).map(genuine).collect::<Result<_, _>>()?;
        Ok(Self::Rotated(requests, AtomicUsize::new(0)))
    }

    pub(super) fn fresh() -> Result<Self, SecretError> {
        Ok(Self::Fresh(Secret::new(SECRET)?, AtomicUsize::new(0)))
    }

    pub(super) fn next(&self) -> Bytes {
        match self {
            Self::Rotated(requests, next) => {
                requests[next.fetch_add(1, Ordering::Relaxed) % requests.len()].clone()
            }
            Self::Fresh(secret, next) => signed(secret, &body(next.fetch_add(1, Ordering::Relaxed))),
        }
    }
}

/// A callback as the platform sends it.
pub(super) fn genuine(number: usize) -> Result<Bytes, SecretError> {
    Ok(signed(&Secret::new(SECRET)?, &body(number)))
}

pub(super) fn forged(forgery: Forgery) -> Result<Bytes, SecretError> {
    let genuine = body(0);
    let signature = seismic::SCHEME.sign(&Secret::new("a guess")?, &[], genuine.as_bytes());
    Ok(match forgery {
        Forgery::WrongSignature => request(Some(&signature), &genuine),
        Forgery::NoSignature => request(None, &genuine),
        Forgery::Oversized => request(Some(&signature), &" ".repeat(OVERSIZED)),
    })
}

fn signed(secret: &Secret, body: &str) -> Bytes {
    request(Some(&seismic::SCHEME.sign(secret, &[], body.as_bytes())), body)
}

fn request(signature: Option<&str>, body: &str) -> Bytes {
    let signature = signature.map(|signature| format!("x-seismic-signature: {signature}\r\n"));
    Bytes::from(format!(
        "POST /seismic HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: benchmarks\r\naccept: */*\r\n\
         content-type: application/json\r\n{}content-length: {}\r\n\r\n{body}",
        signature.unwrap_or_default(),
        body.len()
    ))
}

/// The platform's documented callback, with ids that differ in each.
fn body(number: usize) -> String {
    format!(
        r#"{{"appId":"04bd6eda-4b04-4572-a744-7233ccc077cd","appName":"my test app","tenantId":"bd6eda-4b04-4572-a744-{number:014x}","tenant":"seismicapps","userId":"e6f77acb-6f11-482c-822b-5dbdcc002a20","userEmail":"avery.admin@example.com","requestId":"de680a3a-2b96-45d8-a0f7-{number:012x}","version":"0.1.4","type":"install","timestamp":"2020-09-01T08:45:42Z"}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_as_long_as_the_documented_one() {
        assert_eq!([body(0).len(), body(usize::from(u16::MAX)).len()], [352; 2]);
    }
}
