//! Token: what may become of one on its way, and which ones no platform signs.

use std::time::{Duration, SystemTime};

use lifecycle_core::{Algorithm, Proof, Secret, TokenPlace, TokenScheme};
use lifecycle_testing::{KeysFrom, Sender, SignedRequest, SigningKeys};
use serde_json::{Value, json};

use super::case::{self, Case, Key, MISMATCH, Message, SENT, sent, with_member, with_note};
use crate::Failure;

/// Makes the token with these claims.
pub(crate) type SignClaims<'s> = &'s mut dyn FnMut(&str) -> Result<String, Failure>;

/// The name of a case, the claims that are signed for it, and the code of our rejection.
type Signed = (&'static str, String, Option<&'static str>);

const INVALID: Option<&str> = Some("invalid-token");
const STALE: Option<&str> = Some("stale");

/// The message with its token, what may become of that, and what else may be signed. The whole list for one form, since no form
/// changes the rest. `keys` are those of the signer.
pub(crate) fn cases(
    sender: &Sender,
    message: &Message,
    keys: &SigningKeys,
    sign: SignClaims<'_>,
) -> Result<Vec<Case>, Failure> {
    let Some(tokens) = Tokens::of(sender, message, keys) else { return Ok(Vec::new()) };
    let token = sign(tokens.claims)?;
    let (header, payload, signature) = parts(&token)?;
    let changed = encoded(&tokens.claims.replacen('{', r#"{"changed":true,"#, 1));
    let mut cases = vec![
        tokens.case(message.form, &token, None),
        tokens.case("claims changed", &format!("{header}.{changed}.{signature}"), INVALID),
    ];
    if !message.is_first() {
        return Ok(cases);
    }
    let retyped = encoded(&with_member(&tokens.header(), r#""typ":"changed""#));
    let unsigned = encoded(&tokens.header().replace(tokens.scheme.algorithm().name(), "none"));
    let padding = "=".repeat((4 - signature.len() % 4) % 4);
    cases.extend([
        tokens.case("token's header changed", &format!("{retyped}.{payload}.{signature}"), INVALID),
        tokens.case("signature changed", &case::changed(&token, 10), INVALID),
        tokens.case("signature cut off", &format!("{header}.{payload}."), INVALID),
        tokens.case("algorithm none", &format!("{unsigned}.{payload}."), INVALID),
        Case { key: Key::Other, ..tokens.case("another key", &token, INVALID) },
        tokens.case("base64url with padding", &format!("{token}{padding}"), INVALID),
        tokens.case("base64url not canonical", &with_spare_bit(&token), INVALID),
        tokens.without(tokens.case("no token", &token, Some("missing-token"))),
    ]);
    if tokens.scheme.place() == TokenPlace::Body {
        cases.push(tokens.case("line break behind the token", &format!("{token}\n"), None));
    }
    for (name, claims, refused) in tokens.signed_otherwise()? {
        cases.push(tokens.case(name, &sign(&claims)?, refused));
    }
    cases.extend(tokens.late(&token)?);
    Ok(cases)
}

/// What is signed under another header than the platform's, by a token or a detached signature.
pub(crate) fn cases_of_headers(
    sender: &Sender,
    message: &Message,
    keys: &SigningKeys,
) -> Result<Vec<Case>, Failure> {
    if !message.is_first() {
        return Ok(Vec::new());
    }
    match (Tokens::of(sender, message, keys), case::carrier(sender.platform())) {
        (Some(tokens), _) => tokens.under_other_headers(),
        (None, Some(carrier)) if case::scheme(sender.platform()).is_none() => {
            detached_under_other_headers(sender, message, keys, carrier)
        }
        _ => Ok(Vec::new()),
    }
}

/// What the cases of a message are made of.
struct Tokens<'m> {
    sender: &'m Sender,
    scheme: &'m TokenScheme,
    message: &'m Message,
    claims: &'m str,
    keys: &'m SigningKeys,
}

impl<'m> Tokens<'m> {
    fn of(sender: &'m Sender, message: &'m Message, keys: &'m SigningKeys) -> Option<Self> {
        let Proof::Token(scheme) = sender.platform().proof() else { return None };
        Some(Self { sender, scheme, message, claims: message.claims.as_deref()?, keys })
    }

    fn case(&self, name: &'static str, token: &str, refused: Option<&'static str>) -> Case {
        let sample = &self.message.sample;
        let headers = sample.headers();
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = self.message.body.as_bytes();
        let request = SignedRequest::with_token(self.sender.platform(), token, &headers, sample.path(), body);
        Case { name, request, key: Key::Current, now: sent(), refused }
    }

    /// The request without its token.
    fn without(&self, mut case: Case) -> Case {
        let request = &mut case.request;
        match self.scheme.place() {
            TokenPlace::Header { name, .. } => request.headers.retain(|(own, _)| own != name),
            TokenPlace::Query(_) => request.target.truncate(request.target.find('?').unwrap_or_default()),
            _ => request.body.clear(),
        }
        case
    }

    /// Claims that the platform could sign, or never would.
    fn signed_otherwise(&self) -> Result<Vec<Signed>, Failure> {
        let claims: Value = serde_json::from_str(self.claims)?;
        let leeway = TokenScheme::LEEWAY.as_secs();
        let end = &claims["exp"];
        let with = |name: &str, value: Value| {
            let sample = self.message.sample.clone().set(format!("claims.{name}"), value);
            sample.claims().unwrap_or_default()
        };
        let without = |name: &str| {
            self.message.sample.clone().without(format!("claims.{name}")).claims().unwrap_or_default()
        };
        let mut signed = vec![
            ("no end", without("exp"), INVALID),
            ("a claim twice", with_member(self.claims, &format!("\"exp\":{end}")), INVALID),
            ("before its begin, within the leeway", with("nbf", json!(SENT + leeway - 1)), None),
            ("before its begin", with("nbf", json!(SENT + leeway + 1)), STALE),
            ("issued in an hour", with("iat", json!(SENT + 3600)), None),
            ("more than 8 KiB", with_note(self.claims, 8 * 1024), INVALID),
        ];
        if let Some(audience) = claims["aud"].as_str() {
            signed.extend([
                ("one of two audiences", with("aud", json!(["another app", audience])), None),
                ("another audience", with("aud", json!("another app")), INVALID),
                ("no audience", without("aud"), INVALID),
            ]);
        }
        if claims["iss"].is_string() {
            // Where its owner decides who issues, the decoder knows.
            let refused = if self.sender.key_owner().is_some() { Some("contradiction") } else { INVALID };
            signed.push(("another issuer", with("iss", json!("https://issuer.example")), refused));
        }
        Ok(signed)
    }

    /// The same token, received at its end.
    fn late(&self, token: &str) -> Result<[Case; 2], Failure> {
        let claims: Value = serde_json::from_str(self.claims)?;
        let end = claims["exp"].as_u64().ok_or("a token without an end")?;
        let last = SystemTime::UNIX_EPOCH + Duration::from_secs(end) + TokenScheme::LEEWAY;
        let case = |name, now, refused| Case { now, ..self.case(name, token, refused) };
        Ok([
            case("expired, within the leeway", last - Duration::from_secs(1), None),
            case("expired", last, STALE),
        ])
    }

    fn under_other_headers(&self) -> Result<Vec<Case>, Failure> {
        let own = self.header();
        let signed = |name, header: &str, refused| {
            self.case(name, &self.keys.sign_token(header, self.claims), refused)
        };
        let algorithm = self.scheme.algorithm().name();
        let mut cases = vec![
            signed(
                "a header that has to be understood",
                &with_member(&own, r#""crit":["x"],"x":1"#),
                INVALID,
            ),
            signed("a key by its address", &with_member(&own, r#""jku":"https://keys.example/1""#), INVALID),
            signed(
                "a member of the header twice",
                &with_member(&own, &format!("\"alg\":\"{algorithm}\"")),
                INVALID,
            ),
        ];
        if let Some(public) = self.keys.public_key() {
            let secret = Secret::new(public.trim_end())?;
            let confused = TokenScheme::new(Algorithm::Hs256, TokenPlace::Body).sign(&secret, self.claims);
            cases.push(self.case("HS256 under the public key", &confused, INVALID));
        } else {
            cases.push(signed("RS256, by the secret", r#"{"alg":"RS256"}"#, INVALID));
        }
        if self.sender.keys_from() != KeysFrom::App {
            let unknown = format!(r#"{{"alg":"{algorithm}","kid":"../another"}}"#);
            cases.push(signed("another key's id", &unknown, INVALID));
        }
        Ok(cases)
    }

    /// The header of the platform's tokens.
    fn header(&self) -> String {
        header(self.scheme.algorithm().name(), self.keys)
    }
}

/// The signed bytes are those of a text in base64url, as those of a token are: the body is that text, and no event. What is refused
/// by its header is so whatever the body says.
fn detached_under_other_headers(
    sender: &Sender,
    message: &Message,
    keys: &SigningKeys,
    carrier: &str,
) -> Result<Vec<Case>, Failure> {
    let own = header("RS256", keys);
    let mut cases = Vec::new();
    for (name, more) in [
        ("b64 without crit", r#""b64":false"#),
        ("b64 and another header that have to be understood", r#""b64":false,"crit":["b64","x"],"x":1"#),
    ] {
        let token = keys.sign_token(&with_member(&own, more), &message.body);
        let (header, payload, signature) = parts(&token)?;
        let mut request = message.sign(sender.platform(), keys);
        request.body = payload.as_bytes().to_vec();
        let signatures = request.headers.iter_mut().filter(|(name, _)| name == carrier);
        signatures.for_each(|(_, value)| *value = format!("{header}..{signature}"));
        cases.push(Case { name, request, key: Key::Current, now: sent(), refused: MISMATCH });
    }
    Ok(cases)
}

fn header(algorithm: &str, keys: &SigningKeys) -> String {
    let header = format!(r#"{{"alg":"{algorithm}"}}"#);
    keys.key_id().map_or(header.clone(), |id| with_member(&header, &format!("\"kid\":\"{id}\"")))
}

fn parts(token: &str) -> Result<(&str, &str, &str), Failure> {
    let parts = token.split_once('.').and_then(|(header, rest)| {
        let (payload, signature) = rest.split_once('.')?;
        Some((header, payload, signature))
    });
    Ok(parts.ok_or("it is no token")?)
}

/// A text in base64url, as tokens have it.
fn encoded(text: &str) -> String {
    TokenScheme::sign_with_header(text, "", |_| Vec::new()).replace('.', "")
}

/// The same bytes in other base64url: its last letter has a bit to spare.
fn with_spare_bit(token: &str) -> String {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = token.len().saturating_sub(1);
    let place = LETTERS.find(&token[last..]).unwrap_or_default();
    format!("{}{}", &token[..last], &LETTERS[place + 1..place + 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_apart_and_its_texts_are_encoded_as_it_has_them() {
        let token = TokenScheme::sign_with_header(r#"{"alg":"none"}"#, "{}", |_| vec![1; 32]);
        let (header, payload, signature) = parts(&token).unwrap();
        assert_eq!((header, payload), (encoded(r#"{"alg":"none"}"#).as_str(), encoded("{}").as_str()));
        assert_eq!(signature.len(), 43);
        assert_eq!(with_spare_bit(&token), format!("{}F", &token[..token.len() - 1]), "it ends with E");
        assert!(parts("a.b").is_err());
    }
}
