//! Ours: the library's scheme alone, and its verifier as an adapter calls it.

use std::hint::black_box;
use std::time::SystemTime;

use bytes::Bytes;
use lifecycle_core::{
    ExpectedApp, Head, Inbound, RejectedRequest, Secret, Secrets, SigningSecret, Verifier, seismic,
};

use super::callbacks::{Callback, SECRET};
use super::contestant::Contestant;

pub(super) fn contestant(callbacks: &[Callback]) -> Contestant {
    contestant_with("lifecycle-core", callbacks, secrets())
}

/// The secret that signed comes second, as on the day of its replacement.
pub(super) fn with_two_secrets(callbacks: &[Callback]) -> Contestant {
    contestant_with("lifecycle-core, two secrets", callbacks, two_secrets())
}

pub(super) fn secrets() -> Secrets {
    secret(SECRET).into()
}

pub(super) fn two_secrets() -> Secrets {
    let named = |name, text| SigningSecret::new(name, &secret(text));
    Secrets::from(named("next", "seismic-demo-signing-secret-2")).or(named("current", SECRET))
}

/// No rule about time is set, and to read a clock is an adapter's work.
const NOW: SystemTime = SystemTime::UNIX_EPOCH;

/// Where [`Lines`] have the signature.
const SIGNATURE: usize = 3;

/// The header lines of a request, as a server hands them over.
#[derive(Clone)]
pub(super) struct Lines(pub(super) Vec<(&'static str, String)>);

impl Lines {
    pub(super) fn signed(body: &[u8]) -> Self {
        let signature = seismic::SCHEME.sign(&secret(SECRET), &[], body);
        Self(vec![
            ("host", "app.example.com".to_owned()),
            ("content-type", "application/json; charset=utf-8".to_owned()),
            ("content-length", body.len().to_string()),
            (seismic::SIGNATURE, signature),
        ])
    }

    pub(super) fn head<'h>(&'h self, method: &'h str) -> Head<'h, impl Iterator<Item = (&'h str, &'h [u8])>> {
        let headers = self.0.iter().map(|(name, value)| (*name, value.as_bytes()));
        Head::new(method, "/seismic", headers)
    }
}

pub(super) fn verifier(secrets: Secrets) -> Verifier {
    Verifier::new(&seismic::PLATFORM, secrets, ExpectedApp::Any).unwrap().with_max_body(usize::MAX)
}

/// The whole way of one callback.
pub(super) fn receive<'h>(
    verifier: &Verifier,
    head: Head<'h, impl Iterator<Item = (&'h str, &'h [u8])>>,
    body: &Bytes,
) -> Result<Inbound, RejectedRequest> {
    let mut verification = verifier.begin(head)?;
    verification.push(body.clone())?;
    verification.finish(NOW)
}

fn contestant_with(name: &'static str, callbacks: &[Callback], secrets: Secrets) -> Contestant {
    let verifier = verifier(secrets.clone());
    let verify = move |lines: &Lines, body: &Bytes| {
        let (name, signature) = &lines.0[SIGNATURE];
        seismic::SCHEME.verify(&secrets, &[(name, signature.as_bytes())], body, NOW).is_ok()
    };
    let decode =
        move |lines: &Lines, body: &Bytes| black_box(receive(&verifier, lines.head("POST"), body)).is_ok();
    Contestant::new(name, callbacks, Lines::signed, verify, decode)
}

fn secret(text: &str) -> Secret {
    Secret::new(text).expect("it is not blank")
}

#[cfg(test)]
mod tests {
    use super::super::contestant::{allocations, assert_it_judges};
    use super::*;

    #[test]
    fn ours_takes_what_is_genuine_and_nothing_else() {
        for of in [contestant, with_two_secrets] {
            assert_it_judges("ours", |callbacks| of(callbacks).verify);
            assert_it_judges("ours with decoding", |callbacks| of(callbacks).decode);
        }
    }

    #[test]
    fn a_callback_without_escapes_is_decoded_without_an_allocation() {
        let ours = contestant(&super::super::callbacks::compact());
        assert_eq!((allocations(&ours.verify), allocations(&ours.decode)), (0, 0));
    }
}
