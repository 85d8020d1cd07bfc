//! Every exchange has exactly one log event, whichever way it ends.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use lifecycle_core::Delivery;
use lifecycle_tower::{LifecycleEndpoint, LifecycleLayer};
use test_adapter::{Log, Obedient};
use tower::{ServiceBuilder, ServiceExt};

use crate::support::{Script, Step, callback, post, verifier};

#[tokio::test(start_paused = true)]
async fn an_exchange_is_logged_once_with_what_was_answered() {
    let (log, _logging) = Log::start("lifecycle::callback=debug");

    let endpoint = LifecycleEndpoint::new(verifier(), Obedient::default());
    let layered = ServiceBuilder::new().layer(LifecycleLayer::new(verifier())).service_fn(
        async |request: Request<Script>| match request
            .extensions()
            .get::<Delivery>()
            .unwrap()
            .event()
            .tenant()
        {
            "fail" => Err(io::Error::from(io::ErrorKind::AddrInUse)),
            "sleep" => std::future::pending().await,
            _ => Ok(Response::builder().status(202).body(Full::<Bytes>::default()).unwrap()),
        },
    );
    for (layer, tenant, signed, expected) in [
        (false, "t", true, r#"code="accepted" status=202"#),
        (false, "t", false, r#"code="signature-mismatch" status=401"#),
        (false, "refuse", true, r#"code="refused" status=403"#),
        (false, "fail", true, r#"code="handler-failed" status=500"#),
        (false, "sleep", true, r#"code="deadline-exceeded" status=503"#),
        (false, "late", true, r#"code="body-timeout" status=408"#),
        (true, "t", true, r#"code="accepted" status=202"#),
        (true, "t", false, r#"code="signature-mismatch" status=401"#),
        (true, "fail", true, r#"code="handler-failed" status=500"#),
        (true, "sleep", true, r#"code="deadline-exceeded" status=503"#),
        (true, "late", true, r#"code="body-timeout" status=408"#),
    ] {
        let body = callback(tenant);
        let wait = if tenant == "late" { Duration::from_secs(9) } else { Duration::ZERO };
        let script = Script::new([Step::Pause(wait), Step::Give(body.clone())]);
        let request = post(if signed { &body } else { b"" }, script);
        if layer {
            let _ = layered.clone().oneshot(request).await;
        } else {
            let _: Result<_, Infallible> = endpoint.clone().oneshot(request).await;
        }
        let lines = log.take();
        assert_eq!(lines.lines().count(), 1, "{tenant}: {lines}");
        assert!(lines.contains(expected), "{tenant}: {lines}");
    }
}
