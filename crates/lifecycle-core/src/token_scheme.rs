//! Token scheme: where a platform puts the token that proves it, and what has to be true of it.

use std::time::{Duration, SystemTime};

use hmac::digest::CtOutput;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::claims::{Claims, Registered};
use crate::head::HeaderNames;
use crate::jws::{self, Jws};
#[cfg(feature = "public-key")]
use crate::key_set::KeySet;
#[cfg(feature = "public-key")]
use crate::public_key::PublicKey;
use crate::rejection::Rejection;
use crate::secret::{KeyName, Secret, Secrets, SigningSecret};
use crate::verifier::ExpectedApp;

/// How a platform proves itself by a token (JWT): where it is, how it is signed, and which claims it has to have.
///
/// A token proves its claims and nothing else of the request: whoever has seen it can send it again, with another body and to
/// another path, until it expires. The algorithm is the platform's. No token chooses it.
///
/// A token is at most 8 KiB long and has exactly three parts. One that does not say when it expires is refused, as is one whose
/// header names a key by an address or brings one, or in which a member is repeated.
#[derive(Clone, Copy, Debug)]
pub struct TokenScheme {
    place: TokenPlace,
    algorithm: Algorithm,
    issuer: Option<&'static str>,
    audience: Audience,
    leeway: Duration,
    withheld: &'static [&'static str],
}

/// Where a request has its token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TokenPlace {
    /// It is the body, which may have white space around it.
    Body,
    /// In a header.
    Header {
        /// Its name in lower case.
        name: &'static str,
        /// The words that may stand in front of the token, in any case, such as `Bearer`; an empty one where none does.
        words: &'static [&'static str],
    },
    /// In the parameter of the query with this name.
    Query(&'static str),
}

/// How a token is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Algorithm {
    /// By an HMAC-SHA256 under a secret that both sides know.
    Hs256,
    /// By RSASSA-PKCS1-v1_5 with SHA-256 under a private key of the platform's.
    #[cfg(feature = "public-key")]
    Rs256,
}

/// Whom a token has to be meant for (`aud`, one text or a list).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Audience {
    /// Nobody in particular.
    Any,
    /// The [expected app](ExpectedApp), where the verifier expects one: the key is that of one app. Where it expects any, a token for
    /// several is refused, as it does not say which of them it is about.
    App,
    /// The same, but a token may leave it out.
    AppIfNamed,
    /// The expected app, and a verifier has to [expect one](crate::ConfigError::AnyApp): the key proves the tokens of all apps of
    /// the platform.
    OneApp,
}

impl TokenScheme {
    /// By how much the platform's clock and ours may differ, unless [`with_leeway`](Self::with_leeway) says otherwise.
    pub const LEEWAY: Duration = Duration::from_secs(10);

    /// A token in this place, signed so, by any issuer and for anybody.
    pub const fn new(algorithm: Algorithm, place: TokenPlace) -> Self {
        Self { place, algorithm, issuer: None, audience: Audience::Any, leeway: Self::LEEWAY, withheld: &[] }
    }

    /// The text that the claim `iss` has to be.
    #[must_use]
    pub const fn with_issuer(mut self, issuer: &'static str) -> Self {
        self.issuer = Some(issuer);
        self
    }

    /// Whom it has to be meant for.
    #[must_use]
    pub const fn with_audience(mut self, audience: Audience) -> Self {
        self.audience = audience;
        self
    }

    /// How long before its beginning and after its end a token is taken.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// The names of members, at any depth of the claims, whose values open something by themselves, such as a token for the
    /// platform's API. In what a decoder, a handler or a store gets of the claims they are `null`.
    #[must_use]
    pub const fn with_withheld(mut self, names: &'static [&'static str]) -> Self {
        self.withheld = names;
        self
    }

    /// Where the token is.
    pub fn place(&self) -> TokenPlace {
        self.place
    }

    /// How it is signed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whom it has to be meant for.
    pub fn audience(&self) -> Audience {
        self.audience
    }

    /// The text that the claim `iss` has to be; `None` where any will do.
    pub fn issuer(&self) -> Option<&'static str> {
        self.issuer
    }

    /// How long before its beginning and after its end a token is taken.
    pub fn leeway(&self) -> Duration {
        self.leeway
    }

    /// The token that this platform would send with these claims (JSON), signed by a secret: for tests and tools.
    ///
    /// ```
    /// use lifecycle_core::{Algorithm, Secret, TokenPlace, TokenScheme};
    ///
    /// const SCHEME: TokenScheme = TokenScheme::new(Algorithm::Hs256, TokenPlace::Query("token"));
    /// let token = SCHEME.sign(&Secret::new("s3cr3t")?, r#"{"exp":1767225900}"#);
    /// assert!(token.starts_with("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.")); // {"alg":"HS256","typ":"JWT"}
    /// # Ok::<(), lifecycle_core::SecretError>(())
    /// ```
    pub fn sign(&self, secret: &Secret, claims: &str) -> String {
        self.sign_with(None, claims, |message| mac(secret, message))
    }

    /// The same, signed by whoever holds the key, which the token names by `key_id`.
    pub fn sign_with(
        &self,
        key_id: Option<&str>,
        claims: &str,
        sign: impl FnOnce(&[u8]) -> Vec<u8>,
    ) -> String {
        jws::sign_compact(self.algorithm.name(), key_id, claims, sign)
    }

    /// A token with any header (JSON), such as one that has to be refused: for tests and tools.
    pub fn sign_with_header(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
        jws::sign_with_header(header, claims, sign)
    }

    pub(crate) const fn header_names(&self) -> HeaderNames {
        match self.place {
            TokenPlace::Header { name, .. } => HeaderNames::NONE.carrying(&[name]),
            TokenPlace::Body | TokenPlace::Query(_) => HeaderNames::NONE,
        }
    }

    /// The token in a request's head; `None` where it is the body.
    pub(crate) fn find<'h>(
        &self,
        header: Option<&'h [u8]>,
        query: Option<&'h str>,
    ) -> Result<Option<&'h str>, Rejection> {
        match self.place {
            TokenPlace::Body => Ok(None),
            TokenPlace::Header { name, words } => {
                let value = header.ok_or(Rejection::MissingToken)?;
                let value = std::str::from_utf8(value).map_err(|_| Rejection::InvalidHeader(name))?;
                let value = value.trim_matches([' ', '\t']);
                let (word, token) = value.split_once(' ').unwrap_or(("", value));
                let is_known = words.iter().any(|own| own.eq_ignore_ascii_case(word));
                if is_known { Ok(Some(token)) } else { Err(Rejection::InvalidToken) }
            }
            TokenPlace::Query(name) => {
                let mut values = query.unwrap_or_default().split('&').filter_map(|pair| {
                    let (own, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (own == name).then_some(value)
                });
                match (values.next(), values.next()) {
                    (None, _) => Err(Rejection::MissingToken),
                    (Some(token), None) => Ok(Some(token)),
                    (Some(_), Some(_)) => Err(Rejection::InvalidToken),
                }
            }
        }
    }

    /// Reads a token, and rejects what no key can prove.
    pub(crate) fn read(&self, token: &str, app: &ExpectedApp) -> Result<Jws, Rejection> {
        let accepts = |claims: &Registered<'_>| self.accepts(claims, app);
        Jws::compact(token, self.algorithm.name(), self.withheld, accepts).ok_or(Rejection::InvalidToken)
    }

    /// Whether the claims are valid now. To be asked after the proof.
    pub(crate) fn check_time(&self, claims: &Claims, now: SystemTime) -> Result<(), Rejection> {
        if claims.is_valid_at(now, self.leeway) { Ok(()) } else { Err(Rejection::Stale) }
    }

    fn accepts(&self, claims: &Registered<'_>, app: &ExpectedApp) -> bool {
        let by_issuer = self.issuer.is_none_or(|issuer| claims.issuer() == Some(issuer));
        let for_us = match (self.audience, app) {
            (Audience::Any, _) => true,
            (Audience::App | Audience::AppIfNamed, ExpectedApp::Any) => claims.is_for_one(),
            (Audience::App | Audience::OneApp, ExpectedApp::Only(app)) => claims.is_for(app) == Some(true),
            (Audience::AppIfNamed, ExpectedApp::Only(app)) => claims.is_for(app) != Some(false),
            (Audience::OneApp, ExpectedApp::Any) => false,
        };
        by_issuer && for_us
    }
}

impl Algorithm {
    /// Its name in JOSE.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            #[cfg(feature = "public-key")]
            Self::Rs256 => "RS256",
        }
    }
}

/// The name of the secret that signed this token, among those that are valid now. The comparison takes constant time.
pub(crate) fn verify_hs256<'s>(
    secrets: &'s Secrets,
    jws: &Jws,
    now: SystemTime,
) -> Result<&'s KeyName, Rejection> {
    let presented: [u8; 32] = jws.signature().try_into().map_err(|_| Rejection::InvalidToken)?;
    let presented = CtOutput::<Hmac<Sha256>>::new(presented.into());
    let signed = |keyed: &Hmac<Sha256>| keyed.clone().chain_update(jws.signed()).finalize();
    let mut secrets = secrets.valid_at(now);
    let found = secrets.find(|secret| signed(secret.keyed()) == presented);
    found.map(SigningSecret::name).ok_or(Rejection::InvalidToken)
}

/// The name of the key that signed this token, among those that it can mean.
#[cfg(feature = "public-key")]
pub(crate) fn verify_rs256<'k>(keys: &'k KeySet, jws: &Jws) -> Result<&'k KeyName, Rejection> {
    let found = keys.find(jws.key_id(), jws.signed().as_bytes(), jws.signature());
    found.map(PublicKey::name).ok_or(Rejection::InvalidToken)
}

fn mac(secret: &Secret, message: &[u8]) -> Vec<u8> {
    secret.keyed().chain_update(message).finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: TokenScheme = TokenScheme::new(
        Algorithm::Hs256,
        TokenPlace::Header { name: "authorization", words: &["", "Bearer"] },
    );
    const QUERY: TokenScheme = TokenScheme::new(Algorithm::Hs256, TokenPlace::Query("jwt"));

    #[test]
    fn a_scheme_tells_what_tools_have_to_know() {
        let scheme = QUERY.with_issuer("bc").with_leeway(Duration::from_secs(7));
        assert_eq!((QUERY.issuer(), scheme.issuer()), (None, Some("bc")));
        assert_eq!((QUERY.leeway(), scheme.leeway()), (TokenScheme::LEEWAY, Duration::from_secs(7)));
        let token = TokenScheme::sign_with_header(r#"{"alg":"none"}"#, "{}", |_| Vec::new());
        assert_eq!(token, "eyJhbGciOiJub25lIn0.e30.");
    }

    #[test]
    fn a_token_is_found_in_its_header_behind_the_words_of_the_platform() {
        for (value, found) in [
            ("a.b.c", Ok(Some("a.b.c"))),
            ("Bearer a.b.c", Ok(Some("a.b.c"))),
            ("bearer a.b.c", Ok(Some("a.b.c"))),
            (" BEARER a.b.c\t", Ok(Some("a.b.c"))),
            ("Bearer  a.b.c", Ok(Some(" a.b.c"))),
            ("Basic a.b.c", Err(Rejection::InvalidToken)),
            ("a.b.c a.b.c", Err(Rejection::InvalidToken)),
        ] {
            assert_eq!(HEADER.find(Some(value.as_bytes()), Some("jwt=x")), found, "{value}");
        }
        assert_eq!(HEADER.find(None, Some("jwt=x")), Err(Rejection::MissingToken));
        assert_eq!(HEADER.find(Some(b"\xff"), None), Err(Rejection::InvalidHeader("authorization")));
    }

    #[test]
    fn a_token_is_found_in_the_query_where_it_stands_once() {
        for (query, found) in [
            (Some("jwt=a.b.c"), Ok(Some("a.b.c"))),
            (Some("x=1&jwt=a.b.c&y"), Ok(Some("a.b.c"))),
            (Some("jwt="), Ok(Some(""))),
            (Some("jwt"), Ok(Some(""))),
            (Some("JWT=a.b.c"), Err(Rejection::MissingToken)),
            (Some("jw%74=a.b.c"), Err(Rejection::MissingToken)),
            (None, Err(Rejection::MissingToken)),
            (Some("jwt=a.b.c&jwt=a.b.c"), Err(Rejection::InvalidToken)),
        ] {
            assert_eq!(QUERY.find(Some(b"a.b.c"), query), found, "{query:?}");
        }
    }

    #[test]
    fn a_token_of_another_issuer_or_for_another_app_is_refused_before_any_key() {
        let scheme = QUERY.with_issuer("bc").with_audience(Audience::App);
        let secret = Secret::new("s3cr3t").unwrap();
        let reads = |scheme: TokenScheme, claims: &str, app: &ExpectedApp| {
            scheme.read(&scheme.sign(&secret, claims), app).is_ok()
        };
        let own = ExpectedApp::from("a1");
        for (claims, accepted) in [
            (r#"{"exp":1,"iss":"bc","aud":"a1"}"#, true),
            (r#"{"exp":1,"iss":"bc","aud":["a2","a1"]}"#, true),
            (r#"{"exp":1,"iss":"bc","aud":"a2"}"#, false),
            (r#"{"exp":1,"iss":"bc","aud":[]}"#, false),
            (r#"{"exp":1,"iss":"bc"}"#, false),
            (r#"{"exp":1,"iss":"bcx","aud":"a1"}"#, false),
            (r#"{"exp":1,"aud":"a1"}"#, false),
        ] {
            assert_eq!(reads(scheme, claims, &own), accepted, "{claims}");
        }
        let (unnamed, other) = (r#"{"exp":1,"iss":"bc"}"#, r#"{"exp":1,"iss":"bc","aud":"a2"}"#);
        let several = r#"{"exp":1,"iss":"bc","aud":["a1","a2"]}"#;
        for (audience, unnamed_ok, other_ok, any_ok, several_ok) in [
            (Audience::Any, true, true, true, true),
            (Audience::App, false, false, true, false),
            (Audience::AppIfNamed, true, false, true, false),
            (Audience::OneApp, false, false, false, false),
        ] {
            let scheme = scheme.with_audience(audience);
            assert_eq!(reads(scheme, unnamed, &own), unnamed_ok, "{audience:?}");
            assert_eq!(reads(scheme, other, &own), other_ok, "{audience:?}");
            assert_eq!(reads(scheme, other, &ExpectedApp::Any), any_ok, "{audience:?}");
            assert_eq!(reads(scheme, several, &ExpectedApp::Any), several_ok, "{audience:?}");
        }
    }

    /// The example of RFC 7515, appendix A.1, whose key is 64 bytes and whose header has a line break.
    #[test]
    fn hs256_is_that_of_the_rfc() {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let secrets = Secrets::from(Secret::new(URL_SAFE_NO_PAD.decode(key).unwrap()).unwrap());
        let jws = QUERY.read(token, &ExpectedApp::Any).unwrap();
        assert_eq!(verify_hs256(&secrets, &jws, SystemTime::now()).unwrap().as_str(), "current");
        let other = Secrets::from(Secret::new("another").unwrap());
        assert_eq!(verify_hs256(&other, &jws, SystemTime::now()), Err(Rejection::InvalidToken));
    }
}
