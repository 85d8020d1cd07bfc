//! Atlassian Forge: an app's lifecycle events, with the members and their order of its pages "Life cycle events" and "Forge
//! Invocation Token".

use lifecycle_core::forge;

use crate::draft::Draft;
use crate::keys::unix_seconds;
use crate::sender::{Facts, KeysFrom, Sender, Template};

pub(crate) static SENDER: Sender =
    Sender::new(&forge::PLATFORM, EVENTS, fill).with_title("Atlassian Forge").with_keys_from(KeysFrom::Url);

const EVENTS: &[Template] = &[
    Template::new("install", "avi:forge:installed:app", INSTALLED).with_claims(CLAIMS_INSTALLED),
    Template::new("upgrade", "avi:forge:upgraded:app", UPGRADED).with_claims(CLAIMS_UPGRADED),
    Template::new("uninstall", "preUninstall", PRE_UNINSTALL).with_claims(CLAIMS_PRE_UNINSTALL),
];

const INSTALLED: &str = r#"{"id":"fff8e466-31f4-4c73-a337-c3309dd930dc","installerAccountId":"4ad9aa0c52dc1b420a791d12","app":{"id":"406d303d-0393-4ec4-ad7c-1435be94583a","version":"9.0.0","name":"My App"},"environment":{"id":"23863033-1de4-4ebf-b30d-c906264a1e92"},"context":"ari:cloud:jira::site/c821c30c-a2ad-47d7-b742-9fed48cfd6b9","eventType":"avi:forge:installed:app"}"#;
const UPGRADED: &str = r#"{"id":"fff8e466-31f4-4c73-a337-c3309dd930dc","upgraderAccountId":"4ad9aa0c52dc1b420a791d12","app":{"id":"406d303d-0393-4ec4-ad7c-1435be94583a","version":"10.0.0"},"environment":{"id":"23863033-1de4-4ebf-b30d-c906264a1e92"},"eventType":"avi:forge:upgraded:app"}"#;
const PRE_UNINSTALL: &str = r#"{"context":{"cloudId":"c821c30c-a2ad-47d7-b742-9fed48cfd6b9","moduleKey":"lifecycle-pre-uninstall"},"contextToken":"opaque"}"#;
const CLAIMS_INSTALLED: &str = r#"{"app":{"id":"ari:cloud:ecosystem::app/406d303d-0393-4ec4-ad7c-1435be94583a","appVersion":"9.0.0","installationId":"ari:cloud:ecosystem::installation/fff8e466-31f4-4c73-a337-c3309dd930dc","apiBaseUrl":"https://api.atlassian.com/ex/jira/c821c30c-a2ad-47d7-b742-9fed48cfd6b9","environment":{"type":"PRODUCTION","id":"ari:cloud:ecosystem::environment/406d303d-0393-4ec4-ad7c-1435be94583a/23863033-1de4-4ebf-b30d-c906264a1e92"},"module":{"type":"core:trigger","key":"lifecycle-installed"}},"context":{"cloudId":"c821c30c-a2ad-47d7-b742-9fed48cfd6b9","moduleKey":"lifecycle-installed"},"aud":"ari:cloud:ecosystem::app/406d303d-0393-4ec4-ad7c-1435be94583a","iss":"forge/invocation-token","iat":1767225600,"nbf":1767225600,"exp":1767225625,"jti":"46d16c0878f3db54963c84a9af48a902efcab29c"}"#;
const CLAIMS_UPGRADED: &str = r#"{"app":{"id":"ari:cloud:ecosystem::app/406d303d-0393-4ec4-ad7c-1435be94583a","appVersion":"10.0.0","installationId":"ari:cloud:ecosystem::installation/fff8e466-31f4-4c73-a337-c3309dd930dc","apiBaseUrl":"https://api.atlassian.com/ex/jira/c821c30c-a2ad-47d7-b742-9fed48cfd6b9","environment":{"type":"PRODUCTION","id":"ari:cloud:ecosystem::environment/406d303d-0393-4ec4-ad7c-1435be94583a/23863033-1de4-4ebf-b30d-c906264a1e92"},"module":{"type":"core:trigger","key":"lifecycle-upgraded"}},"context":{"cloudId":"c821c30c-a2ad-47d7-b742-9fed48cfd6b9","moduleKey":"lifecycle-upgraded"},"aud":"ari:cloud:ecosystem::app/406d303d-0393-4ec4-ad7c-1435be94583a","iss":"forge/invocation-token","iat":1767225600,"nbf":1767225600,"exp":1767225625,"jti":"46d16c0878f3db54963c84a9af48a902efcab29c"}"#;
const CLAIMS_PRE_UNINSTALL: &str = r#"{"app":{"id":"ari:cloud:ecosystem::app/406d303d-0393-4ec4-ad7c-1435be94583a","appVersion":"9.0.0","installationId":"ari:cloud:ecosystem::installation/fff8e466-31f4-4c73-a337-c3309dd930dc","apiBaseUrl":"https://api.atlassian.com/ex/jira/c821c30c-a2ad-47d7-b742-9fed48cfd6b9","environment":{"type":"PRODUCTION","id":"ari:cloud:ecosystem::environment/406d303d-0393-4ec4-ad7c-1435be94583a/23863033-1de4-4ebf-b30d-c906264a1e92"},"module":{"type":"core:endpoint","key":"lifecycle-pre-uninstall"}},"context":{"cloudId":"c821c30c-a2ad-47d7-b742-9fed48cfd6b9","moduleKey":"lifecycle-pre-uninstall"},"aud":"ari:cloud:ecosystem::app/406d303d-0393-4ec4-ad7c-1435be94583a","iss":"forge/invocation-token","iat":1767225600,"nbf":1767225600,"exp":1767225625,"jti":"46d16c0878f3db54963c84a9af48a902efcab29c"}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    // What the token names by an ARI, the body names by its last part.
    let tail = |ari: &str| ari.rsplit('/').next().unwrap_or_default().to_owned();
    draft.text("claims.app.id", facts.app.as_deref());
    draft.text("claims.aud", facts.app.as_deref());
    draft.text("app.id", facts.app.as_deref().map(tail).as_deref());
    // Each installation is another tenant.
    let fresh = || format!("ari:cloud:ecosystem::installation/{}", facts.fresh);
    let tenant = facts.tenant.clone().unwrap_or_else(fresh);
    draft.text("claims.app.installationId", Some(&tenant));
    draft.text("id", Some(&tail(&tenant)));
    draft.text("claims.app.appVersion", facts.version.as_deref());
    draft.text("app.version", facts.version.as_deref());
    draft.text("installerAccountId", facts.actor.as_deref());
    draft.text("upgraderAccountId", facts.actor.as_deref());
    let issued = unix_seconds(facts.sent);
    draft.json("claims.iat", issued.to_string());
    draft.json("claims.nbf", issued.to_string());
    draft.json("claims.exp", (issued + 25).to_string());
}
