//! A request of each sort of proof is one that a verifier takes.

use std::time::SystemTime;

use lifecycle_core::{EventKind, Platform, discord, securityscorecard, seismic, slack, stripe};

#[test]
fn a_request_of_each_proof_is_genuine() {
    let cases: [(&'static Platform, &str, EventKind); 5] = [
        (&seismic::PLATFORM, r#"{"type":"enable","appId":"a","tenantId":"t"}"#, EventKind::Enable),
        (
            &slack::PLATFORM, // signs the time in a header
            r#"{"type":"event_callback","team_id":"T","api_app_id":"A","event":{"type":"app_uninstalled"}}"#,
            EventKind::Uninstall,
        ),
        (
            &stripe::PLATFORM, // signs the time in a field
            r#"{"id":"evt","type":"apps.install.created","account":"acct","data":{"object":{"id":"i","app":"a"}}}"#,
            EventKind::Install,
        ),
        (
            &discord::PLATFORM, // signs with a private key
            r#"{"application_id":"1","type":1,"event":{"type":"APPLICATION_AUTHORIZED","data":{"user":{"id":"2"}}}}"#,
            EventKind::Install,
        ),
        (
            &securityscorecard::PLATFORM, // signs nothing
            r#"{"event":{"type":"app.installed","payload":{"app":{"id":"a"},"user":{"username":"u"}}}}"#,
            EventKind::Install,
        ),
    ];
    for (platform, body, kind) in cases {
        let delivery = lifecycle_testing::delivery_at(platform, body, SystemTime::now());
        assert_eq!(delivery.event().kind(), &kind, "{}", platform.name());
    }
}
