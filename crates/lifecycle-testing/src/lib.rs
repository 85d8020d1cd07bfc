#![doc = include_str!("../README.md")]

mod body;
mod curl;
mod delivery;
mod draft;
mod judgement;
mod keys;
mod platforms;
mod request;
mod rsa_signing_key;
mod sample;
mod sender;

pub use curl::curl_command;
pub use delivery::{delivery, delivery_at, delivery_with};
pub use draft::Draft;
pub use judgement::{Answer, Consequence, Judgement, Reason};
pub use keys::{RSA_OTHER_TEST_KEY, RSA_TEST_KEY, SigningKeyError, SigningKeys, variable};
pub use request::SignedRequest;
pub use sample::{Sample, sample};
pub use sender::{Expected, Facts, Fill, KeysFrom, Sender, Template, registry};
