//! Handshake: a request by which a platform verifies a URL, answered by core once it is proven.

use std::borrow::Cow;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::platform::Platform;
use crate::rejection::{Rejection, Undecodable};
use crate::reply::Reply;
use crate::verified_request::VerifiedRequest;

/// Reads a handshake out of a verified request; `None` for any other request.
pub type ReadHandshake = for<'a> fn(&VerifiedRequest<'a>) -> Result<Option<Handshake<'a>>, Undecodable>;

/// What a platform wants to see when it verifies a URL. Core answers it, after the proof; no handler sees it.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum Handshake<'a> {
    /// The platform's usual acknowledgement.
    Acknowledge,
    /// This text again, as `text/plain`. At most 1 KiB, without control characters.
    Echo {
        /// The text that the platform sent.
        challenge: Cow<'a, str>,
    },
    /// A text and its MAC under the secret that proved the request, hex, as two members of a JSON object.
    ///
    /// Whoever gets a text of his choice signed can forge events with it, so only letters, digits, `-` and `_` are, 128 at
    /// most: no such text is a message that a platform signs.
    Mac {
        /// The text that the platform sent.
        challenge: Cow<'a, str>,
        /// The name of the member that repeats it.
        plain: &'static str,
        /// The name of the member that holds the MAC.
        mac: &'static str,
    },
}

/// The most bytes of an echoed text.
const MAX_ECHO: usize = 1024;

/// The most bytes of a text that is signed.
const MAX_SIGNED: usize = 128;

impl Handshake<'_> {
    /// The answer. `keyed` is the MAC state of the secret that proved the request, where one did.
    pub(crate) fn reply(
        &self,
        platform: &Platform,
        keyed: Option<&Hmac<Sha256>>,
    ) -> Result<Reply, Rejection> {
        match self {
            Self::Acknowledge => Ok(platform.ack().reply()),
            Self::Echo { challenge } => {
                if challenge.len() > MAX_ECHO || challenge.chars().any(char::is_control) {
                    return Err(Rejection::Undecodable(Undecodable::Handshake));
                }
                // `nosniff`: the text is the sender's, and no browser may take it for a page.
                Ok(Reply::new(200, "text/plain; charset=utf-8", challenge.as_bytes().to_vec())
                    .header("x-content-type-options", "nosniff"))
            }
            Self::Mac { challenge, plain, mac } => {
                let signable = challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
                let (true, Some(keyed)) = (signable && (1..=MAX_SIGNED).contains(&challenge.len()), keyed)
                else {
                    return Err(Rejection::Undecodable(Undecodable::Handshake));
                };
                let signed: [u8; 32] =
                    keyed.clone().chain_update(&**challenge).finalize().into_bytes().into();
                let hex = const_hex::const_encode::<32, false>(&signed);
                // By hand, as the order of a `serde_json::Map` depends on who else uses that crate. Nothing needs an escape.
                let body = format!(r#"{{"{plain}":"{challenge}","{mac}":"{}"}}"#, hex.as_str());
                Ok(Reply::new(200, "application/json", body))
            }
        }
    }
}

impl std::fmt::Debug for Handshake<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Acknowledge => "Acknowledge",
            Self::Echo { .. } => "Echo { .. }",
            Self::Mac { .. } => "Mac { .. }",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Secret, seismic};

    fn reply(handshake: &Handshake<'_>) -> Result<Reply, Rejection> {
        let keyed = Secret::new("zoom-demo-secret-token-1").unwrap().keyed();
        handshake.reply(&seismic::PLATFORM, Some(&keyed))
    }

    fn mac(challenge: &str) -> Handshake<'_> {
        Handshake::Mac { challenge: challenge.into(), plain: "plainToken", mac: "encryptedToken" }
    }

    /// The vector was computed by two other programs (Python's `hmac` and openssl).
    #[test]
    fn a_text_is_signed_with_the_secret_that_proved_the_request() {
        let reply = reply(&mac("qgg8vlvZRS6UYooatFL8Aw")).unwrap();
        let body: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
        let expected = "d0f2e00fdca26f4ee12379e29365741ea54635c7e321703fe2d56b9b837a18b4";
        assert_eq!(
            body,
            serde_json::json!({ "plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": expected })
        );
    }

    #[test]
    fn no_text_that_could_be_a_signed_message_is_signed() {
        let long = "a".repeat(129);
        for text in ["", "v0:1762776000:{}", "a:b", "a b", "{}", "é", "a\n", &long] {
            let undecodable = Err(Rejection::Undecodable(Undecodable::Handshake));
            assert_eq!(reply(&mac(text)), undecodable, "{text}");
        }
        assert!(reply(&mac(&long[1..])).is_ok());
    }

    #[test]
    fn nothing_is_signed_where_no_secret_proved_the_request() {
        assert!(mac("a").reply(&seismic::PLATFORM, None).is_err());
    }

    #[test]
    fn an_echo_is_text_and_short() {
        let echo = |text: &str| reply(&Handshake::Echo { challenge: text.to_owned().into() });
        let answer = echo("<script>3eZbrw1a").unwrap();
        assert_eq!(answer.body(), "<script>3eZbrw1a".as_bytes());
        assert!(answer.headers().any(|header| header == ("content-type", "text/plain; charset=utf-8")));
        assert!(answer.headers().any(|header| header == ("x-content-type-options", "nosniff")));
        assert!(echo("a\r\nset-cookie: b").is_err());
        assert!(echo(&"a".repeat(1025)).is_err());
    }
}
