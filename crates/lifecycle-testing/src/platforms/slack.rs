//! Slack: events of its Events API, with the members and their order of its pages on them. It tells of no install.

use lifecycle_core::slack;

use crate::draft::Draft;
use crate::keys::unix_seconds;
use crate::sender::{Expected, Facts, Sender, Template};

pub(crate) static SENDER: Sender = Sender::new(&slack::PLATFORM, EVENTS, fill)
    .with_title("Slack")
    .with_name_at("event.type")
    .with_handshake(
        Template::new("url_verification", "url_verification", URL_VERIFICATION),
        Expected::Echo("challenge"),
    );

const EVENTS: &[Template] = &[
    Template::new("uninstall", "app_uninstalled", APP_UNINSTALLED),
    Template::new("tokens_revoked", "tokens_revoked", TOKENS_REVOKED),
    Template::new("team_access_revoked", "team_access_revoked", TEAM_ACCESS_REVOKED),
    Template::new("app_rate_limited", "app_rate_limited", APP_RATE_LIMITED),
];

const APP_UNINSTALLED: &str = r#"{"token":"XXYYZZ","team_id":"T123ABC456","api_app_id":"A123ABC456","event":{"type":"app_uninstalled","event_ts":"1762776000.000100"},"type":"event_callback","event_id":"Ev123ABC456","event_time":1762776000,"authorizations":[{"enterprise_id":null,"team_id":"T123ABC456","user_id":"U123ABC456","is_bot":true,"is_enterprise_install":false}],"is_ext_shared_channel":false,"context_team_id":"T123ABC456","context_enterprise_id":null}"#;
const TOKENS_REVOKED: &str = r#"{"token":"XXYYZZ","team_id":"T123ABC456","api_app_id":"A123ABC456","event":{"type":"tokens_revoked","tokens":{"oauth":["U123ABC456"],"bot":["U222222222"]},"event_ts":"1762776000.000200"},"type":"event_callback","event_id":"Ev123ABC457","event_time":1762776000}"#;
const TEAM_ACCESS_REVOKED: &str = r#"{"token":"XXYYZZ","team_id":null,"enterprise_id":"E123ABC456","api_app_id":"A123ABC456","event":{"type":"team_access_revoked","team_ids":["T123ABC456","T222222222"],"event_ts":"1762776000.000300"},"type":"event_callback","event_id":"Ev123ABC458","event_time":1762776000}"#;
const APP_RATE_LIMITED: &str = r#"{"token":"XXYYZZ","type":"app_rate_limited","team_id":"T123ABC456","minute_rate_limited":1762776000,"api_app_id":"A123ABC456"}"#;
const URL_VERIFICATION: &str = r#"{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    let id = facts.request_id.clone().unwrap_or_else(|| format!("Ev{}", facts.fresh.simple()));
    draft.text("api_app_id", facts.app.as_deref());
    draft.text("event_id", Some(&id));
    draft.time("event_time", facts.at, 0);
    draft.time("minute_rate_limited", facts.at, 0);
    if let Some(stamp) = draft.read("event.event_ts") {
        let micros = stamp.split_once('.').map_or("000100", |(_, micros)| micros);
        draft.text("event.event_ts", Some(&format!("{}.{micros}", unix_seconds(facts.at))));
    }
    let Some(tenant) = &facts.tenant else { return };
    if draft.read("team_id").is_none() {
        draft.text("enterprise_id", Some(tenant)); // an event about several workspaces of one
        return;
    }
    draft.text("team_id", Some(tenant));
    draft.text("context_team_id", Some(tenant));
    let team = serde_json::Value::from(tenant.as_str());
    draft.json(
        "authorizations",
        format!(
            r#"[{{"enterprise_id":null,"team_id":{team},"user_id":"U123ABC456","is_bot":true,"is_enterprise_install":false}}]"#
        ),
    );
}
