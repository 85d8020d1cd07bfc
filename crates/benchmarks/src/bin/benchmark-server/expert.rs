//! Expert: verification as a good engineer writes it for one app, without a library: what ours is measured against.
//!
//! It has a limit for the body, schedules the key once, compares in constant time, checks UTF-8 once and decodes into
//! the members that our event has. It leaves out what ours does besides: the second header of a rotation, headers that
//! contradict each other, time-outs, the log event and the problem document of a refusal.

use hmac::{Hmac, KeyInit, Mac};
pub(crate) use owned::Owned as Callback;
use sha2::Sha256;

use crate::{Failure, secret};

pub(crate) const SIGNATURE: &str = "x-seismic-signature";

/// The largest body, in bytes.
pub(crate) const LIMIT: usize = 256 * 1024;

#[derive(Clone)]
pub(crate) struct Expert {
    mac: Hmac<Sha256>,
}

/// Why it refuses, as the status of its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refused {
    Unauthorized = 401,
    TooLarge = 413,
    Undecodable = 422,
}

impl Expert {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self { mac: Hmac::new_from_slice(secret()?.as_bytes())? })
    }

    pub(crate) fn open(&self, signature: &[u8], body: &[u8]) -> Result<Callback, Refused> {
        let mut presented = [0; 32];
        const_hex::decode_to_slice(signature, &mut presented).map_err(|_| Refused::Unauthorized)?;
        let mac = self.mac.clone().chain_update(body);
        mac.verify_slice(&presented).map_err(|_| Refused::Unauthorized)?;
        let text = std::str::from_utf8(body).map_err(|_| Refused::Undecodable)?;
        serde_json::from_str(text).map_err(|_| Refused::Undecodable)
    }
}
