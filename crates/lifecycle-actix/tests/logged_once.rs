//! Every exchange has exactly one log event, whichever way it ends.

mod support;

use actix_web::dev::Service;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, web};
use lifecycle_actix::Verified;
use support::{callback, impatient, routes, sign};
use test_adapter::{Log, Obedient};

#[actix_web::test]
async fn an_exchange_is_logged_once_with_what_was_answered() {
    let (log, _logging) = Log::start("lifecycle=debug");
    let app = init_service(App::new().configure(routes(&impatient(), &Obedient::default()))).await;
    for (path, tenant, signature, expected) in [
        ("/endpoint", "t", true, r#"code="accepted" status=202"#),
        ("/endpoint", "t", false, r#"code="signature-mismatch" status=401"#),
        ("/endpoint", "refuse", true, r#"code="refused" status=403"#),
        ("/endpoint", "sleep", true, r#"code="deadline-exceeded" status=503"#),
        ("/verify", "t", true, r#"code="accepted" status=202"#),
        ("/verify/extract", "t", true, r#"code="accepted" status=202"#),
        ("/verify", "t", false, r#"code="signature-mismatch" status=401"#),
        ("/verify/sleep", "t", true, r#"code="deadline-exceeded" status=503"#),
        ("/extract", "t", true, r#"code="accepted" kind="install""#),
        ("/extract", "t", false, r#"code="signature-mismatch" status=401"#),
    ] {
        let body = callback(tenant);
        let signed = sign(if signature { body.as_bytes() } else { b"" });
        let request = TestRequest::post().uri(path).set_payload(body);
        let _ = app.call(request.insert_header(("x-seismic-signature", signed)).to_request()).await;
        let lines = log.take();
        assert_eq!(lines.lines().count(), 1, "{path} {tenant}: {lines}");
        assert!(lines.contains(expected), "{path} {tenant}: {lines}");
    }
    let forgetful = init_service(App::new().route("/", web::to(async |_: Verified| ""))).await;
    for _ in 0..10 {
        let _ = forgetful.call(TestRequest::post().to_request()).await;
    }
    let lines = log.take(); // one a minute: anybody can send such a request
    assert!(lines.lines().count() == 1 && lines.contains(r#"code="verifier-missing""#), "{lines}");
}
