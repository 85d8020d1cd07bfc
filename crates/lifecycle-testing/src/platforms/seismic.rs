//! Seismic: five callbacks, with the members and their order of its page "Callbacks".

use lifecycle_core::seismic;

use crate::draft::Draft;
use crate::sender::{Facts, Sender, Template};

/// It takes nothing but 202.
pub(crate) static SENDER: Sender = Sender::new(&seismic::PLATFORM, EVENTS, fill)
    .with_title("Seismic")
    .with_name_at("type")
    .with_success(202..=202);

const EVENTS: &[Template] = &[
    Template::new("install", "install", CALLBACK),
    Template::new("enable", "enable", CALLBACK),
    Template::new("upgrade", "upgrade", UPGRADE),
    Template::new("disable", "disable", CALLBACK),
    Template::new("uninstall", "uninstall", CALLBACK),
];

const CALLBACK: &str = r#"{"appId":"04bd6eda-4b04-4572-a744-7233ccc077cd","appName":"my test app","tenantId":"bd6eda-4b04-4572-a744-7233ccc077cd04","tenant":"seismicapps","userId":"e6f77acb-6f11-482c-822b-5dbdcc002a20","userEmail":"avery.admin@example.com","requestId":"","version":"0.1.4","type":"","timestamp":""}"#;
const UPGRADE: &str = r#"{"appId":"04bd6eda-4b04-4572-a744-7233ccc077cd","appName":"my test app","tenantId":"bd6eda-4b04-4572-a744-7233ccc077cd04","tenant":"seismicapps","userId":"e6f77acb-6f11-482c-822b-5dbdcc002a20","userEmail":"avery.admin@example.com","requestId":"","version":"0.1.4","priorVersion":"0.1.2","type":"","timestamp":""}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    let id = facts.request_id.clone().unwrap_or_else(|| facts.fresh.to_string());
    draft.text("appId", facts.app.as_deref());
    draft.text("appName", facts.app_name.as_deref());
    draft.text("tenantId", facts.tenant.as_deref());
    draft.text("tenant", facts.tenant_name.as_deref());
    draft.text("userEmail", facts.actor_email.as_deref());
    draft.text("userId", facts.actor.as_deref());
    draft.text("requestId", Some(&id));
    draft.text("version", facts.version.as_deref());
    draft.text("priorVersion", facts.prior_version.as_deref());
    draft.text("type", Some(draft.event()));
    draft.time("timestamp", facts.at, 0);
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn members_stand_in_the_order_of_the_samples() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_598_949_942_900);
        let sample = SENDER.sample("upgrade").unwrap().at(at).request_id("r");
        let body = sample.set("region", "eu-1").without("userEmail").body();
        let expected = concat!(
            r#"{"appId":"04bd6eda-4b04-4572-a744-7233ccc077cd","appName":"my test app","#,
            r#""tenantId":"bd6eda-4b04-4572-a744-7233ccc077cd04","tenant":"seismicapps","#,
            r#""userId":"e6f77acb-6f11-482c-822b-5dbdcc002a20","requestId":"r","version":"0.1.4","#,
            r#""priorVersion":"0.1.2","type":"upgrade","timestamp":"2020-09-01T08:45:42Z","region":"eu-1"}"#,
        );
        assert_eq!(body, expected);
    }
}
