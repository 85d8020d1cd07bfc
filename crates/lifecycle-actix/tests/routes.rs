//! Every kind of route gives the same answers, in core's own bytes.

mod support;

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, Service, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, Error, HttpResponse, web};
use lifecycle_actix::{Verified, VerifiedJson, VerifiedRejection, endpoint, verify};
use lifecycle_core::{EventKind, ExpectedApp, Rejection, Secret, Undecodable, Verifier, seismic};
use support::{ROUTES, TOKEN, callback, impatient, routes, sign, verifier};
use test_adapter::{Asked, Obedient};

type Answer = (StatusCode, HeaderMap, Vec<u8>);

/// An error becomes its response, as the server makes it.
async fn answer<R, B>(
    app: &impl Service<R, Response = ServiceResponse<B>, Error = Error>,
    request: R,
) -> Answer
where
    B: MessageBody + 'static,
{
    let response = match app.call(request).await {
        Ok(response) => response.map_into_boxed_body().into_parts().1,
        Err(error) => error.error_response(),
    };
    let (status, headers) = (response.status(), response.headers().clone());
    let Ok(body) = actix_web::body::to_bytes(response.into_body()).await else { panic!("no body") };
    (status, headers, body.to_vec())
}

fn signed(path: &str, body: impl Into<Vec<u8>>) -> TestRequest {
    let body = body.into();
    TestRequest::post().uri(path).insert_header(("x-seismic-signature", sign(&body))).set_payload(body)
}

fn assert_reply((status, headers, body): &Answer, rejection: &Rejection, case: &str) {
    let reply = rejection.reply();
    assert_eq!(status.as_u16(), reply.status(), "{case}");
    assert_eq!(body, reply.body(), "{case}");
    for (name, value) in reply.headers() {
        assert_eq!(headers.get(name).unwrap(), value, "{case}");
    }
}

#[actix_web::test]
async fn every_route_accepts_a_signed_callback() {
    let handler = Obedient::default();
    let app = init_service(App::new().configure(routes(&verifier(), &handler))).await;
    for route in ROUTES {
        let (status, headers, body) = answer(&app, signed(route, callback("t")).to_request()).await;
        assert_eq!(status, 202, "{route}");
        if route == "/endpoint" {
            assert!(body.is_empty() && !headers.contains_key("content-type"));
        } else {
            assert_eq!(body, callback("t").as_bytes(), "{route}");
        }
    }
    assert_eq!(handler.handled(), 1);
}

#[actix_web::test]
async fn every_route_refuses_in_the_same_bytes() {
    let handler = Obedient::default();
    let app = init_service(App::new().configure(routes(&verifier(), &handler))).await;
    let body = callback("t");
    for route in ROUTES {
        let cases: [(&str, TestRequest, Rejection); 11] = [
            (
                "no signature",
                TestRequest::post().uri(route).set_payload(body.clone()),
                Rejection::MissingSignature,
            ),
            ("another body", signed(route, "{}").set_payload(body.clone()), Rejection::SignatureMismatch),
            (
                "another secret",
                TestRequest::post().uri(route).set_payload(body.clone()).insert_header((
                    "x-seismic-signature",
                    seismic::SCHEME.sign(&Secret::new("other").unwrap(), &[], body.as_bytes()),
                )),
                Rejection::SignatureMismatch,
            ),
            ("no body", signed(route, body.clone()).set_payload(""), Rejection::SignatureMismatch),
            (
                "two signatures",
                signed(route, body.clone()).append_header(("X-Seismic-Signature", "00")),
                Rejection::InvalidHeader("x-seismic-signature"),
            ),
            (
                "PUT",
                signed(route, body.clone()).method(Method::PUT),
                Rejection::MethodNotAllowed(lifecycle_core::Method::Post),
            ),
            ("GET", TestRequest::get().uri(route), Rejection::MethodNotAllowed(lifecycle_core::Method::Post)),
            ("declared", signed(route, vec![b' '; 4097]), Rejection::BodyTooLarge),
            ("binary", signed(route, b"\xff\xfe".to_vec()), Rejection::Undecodable(Undecodable::NotUtf8)),
            ("type", signed(route, "{}"), Rejection::Undecodable(Undecodable::Missing("type"))),
            ("app", signed(route, body.replace("app\"", "other\"")), Rejection::UnexpectedApp),
        ];
        for (case, request, rejection) in cases {
            let answer = answer(&app, request.to_request()).await;
            assert_reply(&answer, &rejection, &format!("{route}: {case}"));
        }
    }
    assert_eq!(handler.handled(), 0);
}

#[actix_web::test]
async fn what_the_handler_says_is_answered() {
    let handler = Obedient::default();
    let app = init_service(App::new().configure(routes(&impatient(), &handler))).await;
    for (tenant, status, code) in [
        ("refuse", 403, r#""code":"refused","detail":"no contract""#),
        ("fail", 500, r#""code":"handler-failed""#),
        ("panic", 500, r#""code":"handler-failed""#),
        ("sleep", 503, r#""code":"deadline-exceeded""#),
    ] {
        let answer = answer(&app, signed("/endpoint", callback(tenant)).to_request()).await;
        let body = String::from_utf8(answer.2).unwrap();
        assert_eq!(answer.0, status, "{tenant}");
        assert!(body.contains(code) && !body.contains("s3cr3t"), "{body}");
    }
}

#[actix_web::test]
async fn a_wrapped_route_that_is_slow_is_answered_for() {
    let app = init_service(App::new().configure(routes(&impatient(), &Arc::default()))).await;
    let answer = answer(&app, signed("/verify/sleep", callback("t")).to_request()).await;
    assert_reply(&answer, &Rejection::DeadlineExceeded, "sleep");
}

#[actix_web::test]
async fn the_wrapped_route_reads_the_same_bytes_in_any_way() {
    let app = init_service(App::new().configure(routes(&verifier(), &Arc::default()))).await;
    for path in ["/verify", "/verify/json", "/verify/raw", "/verify/extract"] {
        let request = signed(path, callback("t")).insert_header(("content-type", "application/json"));
        let (status, _, body) = answer(&app, request.to_request()).await;
        assert_eq!(status, 202, "{path}");
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(json["tenantId"], "t", "{path}");
    }
}

#[actix_web::test]
async fn the_extractor_takes_what_the_middleware_verified() {
    async fn tenant(callback: Verified, body: web::Bytes) -> HttpResponse {
        HttpResponse::Accepted().body(format!("{} {}", callback.event().tenant(), body == callback.body()))
    }
    let other = Verifier::new(&seismic::PLATFORM, Secret::new("another").unwrap(), ExpectedApp::Any).unwrap();
    let route = web::resource("/").wrap(verify(verifier())).route(web::to(tenant));
    let app = init_service(App::new().app_data(other).service(route)).await;
    let (status, _, body) = answer(&app, signed("/", callback("t")).to_request()).await;
    assert_eq!((status.as_u16(), &*body), (202, &b"t true"[..]));
}

#[actix_web::test]
async fn the_nearest_receiver_counts_bare_or_as_data() {
    async fn accept(_: Verified) -> HttpResponse {
        HttpResponse::Accepted().finish()
    }
    let other =
        || Verifier::new(&seismic::PLATFORM, Secret::new("another").unwrap(), ExpectedApp::Any).unwrap();
    let bare = web::resource("/bare").app_data(verifier()).route(web::to(accept));
    let data = web::resource("/data").app_data(web::Data::new(verifier())).route(web::to(accept));
    let outer = web::resource("/outer").route(web::to(accept));
    let scoped = web::scope("/scoped").app_data(web::Data::new(other())).service(data);
    let app =
        App::new().service(scoped).service(web::scope("").app_data(other()).service(bare).service(outer));
    let app = init_service(app).await;
    for (path, expected) in [("/bare", 202), ("/scoped/data", 202), ("/outer", 401)] {
        let (status, ..) = answer(&app, signed(path, callback("t")).to_request()).await;
        assert_eq!(status, expected, "{path}");
    }
}

#[actix_web::test]
async fn a_missing_receiver_is_the_apps_own_500_and_names_the_cure() {
    async fn accept(_: Verified) -> HttpResponse {
        HttpResponse::Accepted().finish()
    }
    let app = init_service(App::new().route("/", web::to(accept))).await;
    let (status, headers, body) = answer(&app, signed("/", callback("t")).to_request()).await;
    let body = String::from_utf8(body).unwrap();
    assert_eq!(
        (status.as_u16(), headers.get("content-type").unwrap()),
        (500, &"application/problem+json".parse().unwrap())
    );
    assert!(body.contains(r#""code":"verifier-missing""#) && body.contains(".app_data(verifier)"), "{body}");
}

#[actix_web::test]
async fn a_typed_payload_asks_for_no_content_type() {
    async fn user(VerifiedJson(callback, _): VerifiedJson<seismic::Callback>) -> HttpResponse {
        HttpResponse::Accepted().body(callback.user_id.unwrap_or_default())
    }
    // What tempts, and why it is not used.
    async fn json(web::Json(callback): web::Json<seismic::Callback>) -> HttpResponse {
        HttpResponse::Accepted().body(callback.user_id.unwrap_or_default())
    }
    let app = App::new()
        .service(web::resource("/verified").wrap(verify(verifier())).to(user))
        .service(web::resource("/json").wrap(verify(verifier())).to(json))
        .service(web::resource("/received").app_data(verifier()).to(user));
    let app = init_service(app).await;
    let body = r#"{"type":"install","appId":"app","tenantId":"t","userId":"u1"}"#;
    for (path, content_type, status) in [
        ("/verified", None, 202),
        ("/verified", Some("text/plain"), 202),
        ("/received", None, 202),
        ("/received", Some("text/plain"), 202),
        ("/json", Some("application/json"), 202),
        ("/json", None, 400),
    ] {
        let request = content_type.map_or_else(
            || signed(path, body),
            |content_type| signed(path, body).insert_header(("content-type", content_type)),
        );
        let (answered, _, shown) = answer(&app, request.to_request()).await;
        assert_eq!(answered.as_u16(), status, "{path} {content_type:?}");
        assert!(shown == b"u1" || status == 400, "{path}");
    }
    let forged = signed("/received", body).set_payload("{").to_request();
    assert_reply(&answer(&app, forged).await, &Rejection::SignatureMismatch, "a payload is verified first");
}

#[actix_web::test]
async fn a_payload_of_another_type_is_undecodable_and_never_repeated() {
    async fn numbers(_: VerifiedJson<std::collections::BTreeMap<String, u8>>) -> HttpResponse {
        HttpResponse::Accepted().finish()
    }
    let app = App::new()
        .service(web::resource("/verified").wrap(verify(verifier())).to(numbers))
        .service(web::resource("/received").app_data(verifier()).to(numbers));
    let app = init_service(app).await;
    for path in ["/verified", "/received"] {
        let (status, headers, body) = answer(&app, signed(path, callback("t")).to_request()).await;
        assert_eq!(status, 422, "{path}");
        assert_eq!(headers.get("content-type").unwrap(), "application/problem+json");
        let body = String::from_utf8(body).unwrap();
        assert!(body.contains(r#""code":"undecodable""#) && !body.contains("install"), "{path}: {body}");
    }
}

#[actix_web::test]
async fn a_hooks_token_is_found_wherever_in_the_path_a_scope_takes_it_from() {
    let hook = || {
        let token = lifecycle_core::HookToken::new(TOKEN).unwrap();
        Verifier::new(&lifecycle_core::securityscorecard::PLATFORM, token, ExpectedApp::Any).unwrap()
    };
    let endpoint = || endpoint(hook(), Obedient::default());
    let app = App::new()
        .service(web::scope("/a/{token}").route("", endpoint()))
        .service(web::scope("/b").service(web::scope("/{token}").route("", endpoint())))
        .service(web::scope(&format!("/c/{TOKEN}")).route("", endpoint()));
    let app = init_service(app).await;
    let body = r#"{"event":{"type":"app.installed","payload":{"app":{"id":"a"},"user":{"username":"u"}}}}"#;
    for path in ["/a", "/b", "/c"] {
        for (token, status) in [(TOKEN, 200), ("tok-guessed-0123456789", 404)] {
            let request = TestRequest::post().uri(&format!("{path}/{token}")).set_payload(body).to_request();
            assert_eq!(answer(&app, request).await.0.as_u16(), status, "{path}: {token}");
        }
    }
}

#[actix_web::test]
async fn a_route_may_word_its_own_refusal() {
    async fn own(callback: Result<Verified, VerifiedRejection>) -> HttpResponse {
        match callback {
            Err(VerifiedRejection::Unhandled(unhandled))
                if unhandled.rejection() == Some(&Rejection::SignatureMismatch) =>
            {
                HttpResponse::ImATeapot().finish()
            }
            _ => HttpResponse::Ok().finish(),
        }
    }
    let app = init_service(App::new().app_data(verifier()).route("/", web::to(own))).await;
    let request = signed("/", callback("t")).set_payload("{}").to_request();
    assert_eq!(answer(&app, request).await.0, 418);
}

#[actix_web::test]
async fn middleware_further_out_sees_why() {
    let app = App::new().configure(routes(&verifier(), &Arc::default()));
    let app = init_service(app).await;
    let request = TestRequest::post().uri("/verify").to_request();
    let response = app.call(request).await.unwrap();
    let extensions = response.response().extensions();
    assert_eq!(extensions.get::<Rejection>(), Some(&Rejection::MissingSignature));
}

#[actix_web::test]
async fn decompression_cannot_touch_what_was_signed() {
    // gzip of a valid callback: `web::Bytes` would decompress it.
    let zipped = gzip(callback("t").as_bytes());
    let app = init_service(App::new().configure(routes(&verifier(), &Arc::default()))).await;
    for route in ROUTES {
        let request = |body: &[u8]| signed(route, body).insert_header(("content-encoding", "gzip"));
        let over_raw = answer(&app, request(&zipped).to_request()).await;
        assert_reply(&over_raw, &Rejection::Undecodable(Undecodable::NotUtf8), route);
        let over_plain = request(callback("t").as_bytes()).set_payload(zipped.clone());
        assert_reply(&answer(&app, over_plain.to_request()).await, &Rejection::SignatureMismatch, route);
    }
    // The header alone, over bytes that are not compressed, changes nothing either.
    let plain = signed("/endpoint", callback("t")).insert_header(("content-encoding", "gzip"));
    assert_eq!(answer(&app, plain.to_request()).await.0, 202);
}

/// RFC 1952 with one stored block (RFC 1951): compressed by no one, decompressed by everyone.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let crc = !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    });
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend(bytes);
    file.extend(crc.to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    file
}

#[actix_web::test]
async fn the_test_gzip_is_one_that_actix_web_would_decompress() {
    async fn echo(body: web::Bytes) -> web::Bytes {
        body
    }
    let app = init_service(App::new().route("/", web::to(echo))).await;
    let request = TestRequest::post().uri("/").insert_header(("content-encoding", "gzip"));
    let (_, _, body) = answer(&app, request.set_payload(gzip(b"plain")).to_request()).await;
    assert_eq!(body, b"plain");
}

#[actix_web::test]
async fn an_unsigned_hook_needs_its_token() {
    let handler = Obedient::default();
    let app = init_service(App::new().configure(routes(&verifier(), &handler))).await;
    let body = r#"{"event":{"type":"app.installed","payload":{"app":{"id":"a"},"user":{"username":"u"}}}}"#;
    for (token, status) in [(TOKEN, 200), ("wrong", 404)] {
        let request = TestRequest::post().uri(&format!("/hook/{token}?a=b")).set_payload(body).to_request();
        assert_eq!(answer(&app, request).await.0, status);
    }
    assert_eq!(handler.handled(), 1);
}

#[actix_web::test]
async fn a_url_for_one_event_refuses_the_others() {
    let route = endpoint(verifier().expect_event(EventKind::Enable), Obedient::default());
    let app = init_service(App::new().route("/enable", route)).await;
    let answered = answer(&app, signed("/enable", callback("t")).to_request()).await;
    assert_reply(&answered, &Rejection::UnexpectedEvent, "install");
}

#[actix_web::test]
async fn a_timeout_without_end_is_no_overflow() {
    let body = r#"{"event":{"type":"other"}}"#;
    let hook = Verifier::new(
        &lifecycle_core::securityscorecard::PLATFORM,
        lifecycle_core::HookToken::new(TOKEN).unwrap(),
        ExpectedApp::Any,
    )
    .unwrap();
    let app = App::new().route("/{token}", endpoint(hook.with_timeout(Duration::MAX), Obedient::default()));
    let app = init_service(app).await;
    let request = TestRequest::post().uri(&format!("/{TOKEN}")).set_payload(body).to_request();
    assert_eq!(answer(&app, request).await.0, 200);
}

#[actix_web::test]
async fn a_handler_is_told_what_the_body_has_left_of_the_time() {
    let (asked, pause) = (Asked::default(), Duration::from_millis(50));
    let app = init_service(App::new().route("/", endpoint(verifier(), asked.clone()))).await;
    let slow = Box::pin(futures_util::stream::once(async move {
        actix_web::rt::time::sleep(pause).await;
        Ok(callback("t").into())
    }));
    let slow: Payload = Payload::Stream { payload: slow };
    let request = signed("/", callback("t")).to_request();
    let (request, _whole) = request.replace_payload(slow);
    assert_eq!(answer(&app, request).await.0, 202);
    let left = asked.within().unwrap();
    assert!(left + pause <= verifier().timeout(), "{left:?}");
}
