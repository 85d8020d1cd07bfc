//! Saleor: an app's own events, signed by the shop that sends them: each shop is a Saleor with keys of its own.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("../../docs/platforms/saleor.md"))]

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::lenient::{self, Identified, present};
use crate::ack::{Ack, AckFailure};
use crate::event::{EventFields, EventKind};
use crate::freshness;
use crate::idempotency::IdempotencySource;
use crate::platform::{Platform, Proof};
use crate::public_scheme::PublicScheme;
use crate::rejection::Undecodable;
use crate::trust::Field;
use crate::verified_request::VerifiedRequest;

/// The header that carries the signature.
pub const SIGNATURE: &str = "saleor-signature";

/// The header that names the shop's API. It is not signed, and only chooses keys.
pub const API_URL: &str = "saleor-api-url";

/// The header that names the event, in lower case. It is not signed.
pub const EVENT: &str = "saleor-event";

/// RS256 over the raw body, as a JWS with a detached payload that is not encoded. The older form, an HMAC under a `secretKey` of the
/// webhook, is not read: set none.
pub const SCHEME: PublicScheme = PublicScheme::detached_jws(SIGNATURE);

/// 200 within 18 s. The last of 5 retries comes after some 5 minutes.
pub const ACK: Ack = Ack::new(200)
    .with_deadline(Duration::from_secs(18))
    .with_failure(AckFailure::Retried { at_most: Duration::from_secs(8 * 60) })
    .with_finals(300, 499);

/// The subscription that an app's manifest should have for its own events.
pub const SUBSCRIPTION: &str = "subscription { event { __typename issuedAt version issuingPrincipal { __typename ... on App { id } ... on User { id } } recipient { id } \
... on AppInstalled { app { id identifier version isActive } } ... on AppUpdated { app { id identifier version isActive } } \
... on AppStatusChanged { app { id identifier version isActive } } ... on AppDeleted { app { id identifier version isActive } } } }";

/// Saleor, for [`Verifier::with_source`](crate::Verifier::with_source) with the keys of each registered shop. The tenant is the
/// [owner of the keys](crate::Keys::owner) that verified.
pub static PLATFORM: Platform =
    Platform::new("saleor", Proof::PublicKey(SCHEME), ACK, decode).with_headers(&[API_URL, EVENT]);

/// The body, by [`SUBSCRIPTION`]. `Debug` shows the type of the event only.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The type, such as `AppInstalled`.
    #[serde(rename = "__typename")]
    pub kind: String,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<String>,
    /// The version of Saleor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<App>,
    /// Members that are not known yet.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The app in an event. `Debug` shows whether it is active.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// Its id in this shop; another one after a re-install.
    pub id: String,
    /// Its id in its manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether it is switched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("is_active", &self.is_active).finish_non_exhaustive()
    }
}

fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let body: Body<'a> = lenient::document(request.body())?;
    let proven = present(body.typename);
    let told = request.unauthenticated_header(EVENT).filter(|name| !name.is_empty()).map(Cow::Borrowed);
    let name = proven.clone().or(told).ok_or(Undecodable::Missing("__typename"))?;
    let app = body.app.unwrap_or_default();
    let mut fields = EventFields::new(match proven.as_deref().unwrap_or_default() {
        "AppDeleted" => EventKind::Uninstall,
        "AppInstalled" => EventKind::Install,
        "AppStatusChanged" => match app.is_active {
            Some(true) => EventKind::Enable,
            Some(false) => EventKind::Disable,
            None => return Err(Undecodable::Missing("app.isActive")),
        },
        // A shop's key signs the webhooks of all its apps, in the shape that each of them asks for: a header alone makes no kind of them.
        _ => EventKind::Other(name.into()),
    });
    if proven.is_none() {
        fields.unproven(Field::Kind);
    }
    fields.tenant = request.key_owner().unwrap_or_default().into();
    fields.app = present(app.identifier).or_else(|| present(app.id.clone())).unwrap_or_default();
    if fields.kind.is_known() {
        if fields.tenant.is_empty() {
            return Err(Undecodable::Missing("the owner of the keys"));
        }
        if fields.app.is_empty() {
            return Err(Undecodable::Missing("app.identifier"));
        }
    }
    fields.installation = app.id;
    fields.version = app.version;
    fields.actor = body.issuing_principal.and_then(|principal| principal.id);
    fields.identity = IdempotencySource::event([body.issued_at.clone()]);
    fields.occurred = body.issued_at.as_deref().and_then(freshness::parse_instant);
    Ok(fields)
}

fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    Ok(Value::deserialize(from)?.as_bool())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(default, borrow, rename = "__typename", deserialize_with = "lenient::text")]
    typename: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    issued_at: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    issuing_principal: Option<Identified<'a>>,
    #[serde(default, borrow, deserialize_with = "lenient::object")]
    app: Option<BodyApp<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BodyApp<'a> {
    #[serde(default, borrow, deserialize_with = "lenient::id")]
    id: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    identifier: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "lenient::text")]
    version: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "flag")]
    is_active: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;
    use crate::head::Headers;
    use crate::{
        Delivery, ExpectedApp, Field, Head, Inbound, KeySet, Keys, PublicKey, Rejection, Verifier, testing,
    };

    const SHOP: &str = "https://shop.example/graphql/";

    /// Computed by Python's `cryptography` and checked by openssl. The blanks are Saleor's own.
    const BODY: &str = r#"{"__typename": "AppDeleted", "issuedAt": "2026-01-01T00:00:00+00:00", "version": "3.23.1", "issuingPrincipal": {"__typename": "User", "id": "VXNlcjox"}, "recipient": {"id": "QXBwOjU="}, "app": {"id": "QXBwOjU=", "identifier": "example.app", "version": "1.2.3", "isActive": false}}"#;
    const JWS: &str = "eyJhbGciOiJSUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il0sImtpZCI6InhtaTdzZndIVnFoU0hWY0NJVHhreUxNWWhybEJfLXhxaU5OUEstVlJGRHciLCJ0eXAiOiJKV1QifQ..hBF4cYCQjkxaAfFfmh6aUhCihJQeUe8lqhOmhBiGVTGuRwR23n10U6YDuFUKz5qAFqwRPfl6XCb7vSnXB5srxiqgRHM6wQWcMYMhLYjo3Bz894ZQlSqYWpVfXW8eHazj95vLD1Yy6zujuRiadGuzEAO8eBaCtg3sbWKKEMKr9LXE9t1meW5asLP8PeW3bShQ6oSHgwlSrtOJlSnmSfHgvnlGcQG_p-Zx52BkiN8sLNWGwuXlyS-4RT2XHX9yULSgmbZq_W58fWFWKmlW2xW94KDj1UXL31oyi6dl-aiO8Oo_-GtIPBOWdPAuonRPrfEp6TCPfdF1dEB42tmnIi0E0g";

    /// Published in Saleor's own tests of its SDK (`verify-signature.test.ts`).
    const PUBLISHED_BODY: &str = r#"{"__typename": "OrderCreated"}"#;
    const PUBLISHED_JWS: &str = "eyJhbGciOiJSUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il0sImlzcyI6Imh0dHBzOi8vaGFja2F0aG9uLXNoaXBwaW5nLmV1LnNhbGVvci5jbG91ZC9ncmFwaHFsLyIsImtpZCI6InlLdzlYeUVmOHgyYnd5SkdCWVlTckhzeXpHaHhKaktLdlpkb2tOZTlGSWMiLCJ0eXAiOiJKV1QifQ..ShPbfvYc_A5Aq3hiT6sisDclKikDkhxOvGXT2ZWgdsGRjZpg9ukiHRZym0kbfMfDqU5C3Pfo6n7am0ExwbnFWBfOil3pfe3uJOcOn_UGRj76Fy-59TB0JdS_WuTgNQcYM8Yjvlq2sNK4jdAfJVRTTx8FVgEpFrHBKmcMPfD7zuDozswIDMZOkklYqBcyQ76DJYIRVhl3QsktYPPrxDoqf-GJ--e9FuNqtqNDksP1weiDSraqXCF4-Ie7UWZsMIFxkPF8jdKjF_s1UmNS8Xel8soFQQ9L6Gps-NEv7xcHicGt5lgohH4mqhz1YIxCR7v_NTQgWImu_GQ6ELBiBSIZ2Q";
    const PUBLISHED_KEYS: &str = r#"{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"yKw9XyEf8x2bwyJGBYYSrHsyzGhxJjKKvZdokNe9FIc","e":"AQAB","n":"uDhbbpspufsQiqHsmC4kvmFQ5l2mGZsGcWhKVSQKQubSdXMedPpLnPD3Z3DsY76DILTm6WfOtSp5rr4KzF5wjurlOEhuFsB1HUfK9ZZB2nEDCQbweoIv3SOdclaNB__pYvQ0nmQHwsAeqH1QUuFUIvOL3t31rhjvzX6wvS49fGNb7rDlqQjufCvaX_n-ADJTgEAg6y1Mzn5NhgoTV1KTBeviyZqCdwvD6bk1ghN2XXWpNcARTzu3WHrmzIzkTwQeIMG8efwIddjfCaMGiOzAfzdQlqHlHPL1Xb5kV9AVX3kiSy-9shaQY23HdWwwiodrb4k2w34Z9ZZN-MHp8i6JdQ"}]}"#;

    fn key() -> PublicKey {
        let pem = include_str!("../../tests/rsa-test-key.pub.pem");
        PublicKey::rsa_pem("1", pem).unwrap().with_id("xmi7sfwHVqhSHVcCITxkyLMYhrlB_-xqiNNPK-VRFDw")
    }

    fn receive(keys: Keys, headers: &[(&str, &str)], jws: &str, body: &str) -> Result<Delivery, Rejection> {
        let verifier = Verifier::new(&PLATFORM, keys, ExpectedApp::Any).unwrap();
        let lines =
            headers.iter().copied().chain([(SIGNATURE, jws)]).map(|(name, value)| (name, value.as_bytes()));
        let mut verification = verifier.begin(Head::new("POST", "/", lines))?;
        verification.push(body.to_owned().into())?;
        match verification.finish(testing::now())? {
            Inbound::Delivery(delivery) => Ok(delivery),
            Inbound::Handshake(_) => panic!("a handshake"),
        }
    }

    #[test]
    fn what_a_shop_signs_is_proven_and_the_shop_is_the_owner_of_the_keys() {
        let headers = [(API_URL, "https://other.example/graphql/"), (EVENT, "app_installed")];
        let delivery = receive(Keys::from(key()).with_owner(SHOP), &headers, JWS, BODY).unwrap();
        let event = delivery.event();
        assert_eq!(
            (event.kind(), event.app(), event.tenant()),
            (&EventKind::Uninstall, "example.app", SHOP),
            "whatever an unsigned header says"
        );
        assert_eq!((event.version(), event.actor()), (Some("1.2.3"), Some("VXNlcjox")));
        assert_eq!((event.installation(), event.occurred()), (Some("QXBwOjU="), Some(testing::now())));
        assert!(Field::ALL.into_iter().all(|field| delivery.proves(field)));
        let payload: Event = delivery.payload().unwrap();
        assert_eq!(payload.app.unwrap().is_active, Some(false));
    }

    #[test]
    fn the_signature_that_saleor_published_is_verified() {
        let keys = || Keys::from(KeySet::from_jwks(PUBLISHED_KEYS.as_bytes()).unwrap()).with_owner(SHOP);
        let delivery = receive(keys(), &[], PUBLISHED_JWS, PUBLISHED_BODY).unwrap();
        assert_eq!(delivery.event().kind().name(), "OrderCreated");
        let compact = PUBLISHED_BODY.replace(": ", ":");
        assert_eq!(
            receive(keys(), &[], PUBLISHED_JWS, &compact).map(drop),
            Err(Rejection::SignatureMismatch)
        );
    }

    #[test]
    fn nothing_but_the_signed_bytes_is_taken() {
        let keys = || Keys::from(key()).with_owner(SHOP);
        let attached = JWS.replacen("..", ".e30.", 1);
        let last = format!("{}A", &JWS[..JWS.len() - 1]);
        for (jws, body) in [
            (JWS, BODY.replace("false", "true")),
            (JWS, format!("{BODY}\n")),
            (PUBLISHED_JWS, BODY.to_owned()),
            (attached.as_str(), BODY.to_owned()),
            (last.as_str(), BODY.to_owned()),
        ] {
            assert_eq!(
                receive(keys(), &[], jws, &body).map(drop),
                Err(Rejection::SignatureMismatch),
                "{body}"
            );
        }
    }

    #[test]
    fn a_header_alone_makes_no_kind_of_what_another_app_of_the_shop_was_sent() {
        let keys = || Keys::from(KeySet::from_jwks(PUBLISHED_KEYS.as_bytes()).unwrap()).with_owner(SHOP);
        let request = |body: &'static str| {
            let mut headers = Headers::none(PLATFORM.header_names());
            headers.fill(|name| (name == EVENT).then_some(Cow::Borrowed("app_deleted")));
            let document = Document::new(body.into(), headers, None).unwrap();
            let keys = keys();
            decode(&VerifiedRequest::new(&document, keys.owner(), "/")).map(|fields| fields.kind)
        };
        let kind = request(r#"{"app":{"id":"QXBwOjU=","identifier":"example.app"}}"#);
        assert_eq!(kind, Ok(EventKind::Other("app_deleted".into())));
    }

    #[test]
    fn keys_that_are_nobodys_prove_no_event_of_a_tenant() {
        let refused = receive(key().into(), &[], JWS, BODY).map(drop);
        assert!(matches!(refused, Err(Rejection::Undecodable(Undecodable::Missing(_)))), "{refused:?}");
    }
}
