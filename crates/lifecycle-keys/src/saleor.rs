//! Saleor's registration: a shop that installs an app gives it a token, before the first event.

use std::fmt;

use lifecycle_core::Reply;
use serde::Deserialize;
use zeroize::Zeroizing;

/// The header in which a shop names its API, in registrations and in events. Nothing signs it.
pub const API_URL: &str = "saleor-api-url";

/// What a shop that installs an app posts to the app's `tokenTargetUrl`, for the app's own route. Nothing proves it: anybody may
/// post it, and anybody may run a Saleor. `Debug` shows nothing of it.
///
/// The route answers only after all of this, since an answer of 400 or more ends the install:
///
/// 1. [`read`](Self::read), which asks whether the app serves this API at all.
/// 2. Ask that API for the app's own id, with the token: that proves that they belong together. If it fails:
///    [`RegistrationError::NotProven`].
/// 3. Store API, token and id. The token is a secret: `lifecycle-vault` seals it. From now on the app's
///    [`TenantDirectory`](crate::TenantDirectory) knows the shop, at [`KeySetUrl::well_known`](crate::KeySetUrl::well_known) of its API.
/// 4. [`TenantKeys::warm_up`](crate::TenantKeys::warm_up): the keys have to be there, or the first event cannot be verified. If it
///    fails, forget the shop again: [`RegistrationError::NoKeys`].
/// 5. [`accepted`](Self::accepted).
///
/// ```
/// use lifecycle_keys::saleor::{API_URL, Registration, RegistrationError};
///
/// let headers = [(API_URL, b"https://shop.example/graphql/".as_slice())];
/// let body = br#"{"auth_token":"s3cr3t"}"#;
/// let served = |api: &str| api == "https://shop.example/graphql/";
/// let registration = Registration::read(headers, body, served)?;
/// assert_eq!(registration.api_url(), "https://shop.example/graphql/");
/// assert_eq!(registration.auth_token(), "s3cr3t");
///
/// let refused = Registration::read(headers, body, |_| false).unwrap_err();
/// assert_eq!(refused.reply().status(), 403);
/// # Ok::<(), RegistrationError>(())
/// ```
pub struct Registration {
    api_url: String,
    auth_token: Zeroizing<String>,
}

/// Why a shop is not registered. Its text is shown to who installs the app.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// It names no API, or has no token. 400.
    #[error("The request names no API, or has no token")]
    Malformed,
    /// The shop has no keys that its events could be verified with. 401.
    #[error("The keys of this shop could not be fetched")]
    NoKeys,
    /// The app does not serve this shop. 403.
    #[error("The app does not serve this shop")]
    NotAllowed,
    /// The API does not know the token. 401.
    #[error("The API of this shop does not take the token")]
    NotProven,
}

impl Registration {
    /// The most bytes of a body that a route has to read.
    pub const MAX_BODY: usize = 16 * 1024;

    /// Reads a registration: its header lines, and its body. `is_served` says whether the app serves the shop with this API; an
    /// app for all shops takes none that [`KeySetUrl::well_known`](crate::KeySetUrl::well_known) refuses, and lets the client that calls the
    /// API connect to no address of its own network.
    ///
    /// # Errors
    /// [`RegistrationError::Malformed`], [`RegistrationError::NotAllowed`].
    pub fn read<'h>(
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
        body: &[u8],
        is_served: impl FnOnce(&str) -> bool,
    ) -> Result<Self, RegistrationError> {
        let mut named = headers.into_iter().filter(|(name, _)| name.eq_ignore_ascii_case(API_URL));
        let (Some((_, api_url)), None) = (named.next(), named.next()) else {
            return Err(RegistrationError::Malformed);
        };
        let api_url = std::str::from_utf8(api_url).map_err(|_| RegistrationError::Malformed)?;
        if body.len() > Self::MAX_BODY || api_url.is_empty() {
            return Err(RegistrationError::Malformed);
        }
        let body: Body = serde_json::from_slice(body).map_err(|_| RegistrationError::Malformed)?;
        if body.auth_token.is_empty() {
            return Err(RegistrationError::Malformed);
        }
        if !is_served(api_url) {
            return Err(RegistrationError::NotAllowed);
        }
        Ok(Self { api_url: api_url.to_owned(), auth_token: body.auth_token })
    }

    /// The shop's API, exactly as later events name it: the tenant.
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// The token for that API. It is a secret.
    pub fn auth_token(&self) -> &str {
        &self.auth_token
    }

    /// The answer that lets the install go on: 200.
    pub fn accepted() -> Reply {
        Reply::new(200, "application/json", r#"{"success":true}"#)
    }
}

impl RegistrationError {
    /// The answer that ends the install, and says why.
    pub fn reply(self) -> Reply {
        let (status, code) = match self {
            Self::Malformed => (400, "MALFORMED"),
            Self::NoKeys => (401, "NO_KEYS"),
            Self::NotAllowed => (403, "NOT_ALLOWED"),
            Self::NotProven => (401, "NOT_PROVEN"),
        };
        // None of the texts has a character that JSON escapes.
        let body = format!(r#"{{"success":false,"error":{{"code":"{code}","message":"{self}"}}}}"#);
        Reply::new(status, "application/json", body)
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registration")
    }
}

#[derive(Deserialize)]
struct Body {
    auth_token: Zeroizing<String>, // wiped, too, where what follows it is no JSON
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &[u8] = b"https://shop.example/graphql/";

    #[test]
    fn what_is_no_registration_is_refused_before_anybody_is_asked() {
        let none: &[(&str, &[u8])] = &[];
        let large = format!(r#"{{"auth_token":"{}"}}"#, "x".repeat(Registration::MAX_BODY));
        for (headers, body) in [
            (none, r#"{"auth_token":"t"}"#),
            (&[(API_URL, b"")], r#"{"auth_token":"t"}"#),
            (&[(API_URL, b"\xff")], r#"{"auth_token":"t"}"#),
            (&[(API_URL, API), ("Saleor-Api-Url", b"https://other.example/")], r#"{"auth_token":"t"}"#),
            (&[(API_URL, API)], ""),
            (&[(API_URL, API)], "{}"),
            (&[(API_URL, API)], r#"{"auth_token":""}"#),
            (&[(API_URL, API)], r#"{"auth_token":7}"#),
            (&[(API_URL, API)], r#"{"auth_token":"t","auth_token":"u"}"#),
            (&[(API_URL, API)], large.as_str()),
        ] {
            let read = Registration::read(headers.iter().copied(), body.as_bytes(), |_| panic!("asked"));
            assert_eq!(read.unwrap_err(), RegistrationError::Malformed, "{headers:?}");
        }
    }

    #[test]
    fn each_refusal_tells_its_reason_in_json() {
        for (error, status) in [
            (RegistrationError::Malformed, 400),
            (RegistrationError::NoKeys, 401),
            (RegistrationError::NotAllowed, 403),
            (RegistrationError::NotProven, 401),
        ] {
            let reply = error.reply();
            let body: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
            assert_eq!((reply.status(), &body["success"]), (status, &false.into()));
            assert_eq!(body["error"]["message"], error.to_string());
        }
        assert_eq!(Registration::accepted().status(), 200);
    }
}
