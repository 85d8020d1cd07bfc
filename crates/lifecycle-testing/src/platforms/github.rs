//! GitHub Apps: installation events, and some that come beside them, with the members and their order of its page "Webhook
//! events and payloads".

use lifecycle_core::github::{self, DELIVERY, EVENT};

use crate::draft::Draft;
use crate::sender::{Facts, Sender, Template};

pub(crate) static SENDER: Sender = Sender::new(&github::PLATFORM, EVENTS, fill).with_title("GitHub");

const EVENTS: &[Template] = &[
    Template::new("install", "installation.created", CREATED).with_headers(INSTALLATION),
    Template::new("enable", "installation.unsuspend", UNSUSPEND).with_headers(INSTALLATION),
    Template::new("upgrade", "installation.new_permissions_accepted", NEW_PERMISSIONS)
        .with_headers(INSTALLATION),
    Template::new("disable", "installation.suspend", SUSPEND).with_headers(INSTALLATION),
    Template::new("uninstall", "installation.deleted", DELETED).with_headers(INSTALLATION),
    Template::new("installation_repositories.added", "installation_repositories.added", REPOSITORIES_ADDED)
        .with_headers(&[(EVENT, "installation_repositories")]),
    Template::new("github_app_authorization.revoked", "github_app_authorization.revoked", REVOKED)
        .with_headers(&[(EVENT, "github_app_authorization")]),
    Template::new("marketplace_purchase.purchased", "marketplace_purchase.purchased", PURCHASED)
        .with_headers(&[(EVENT, "marketplace_purchase")]),
];

const INSTALLATION: &[(&str, &str)] = &[(EVENT, "installation")];

const CREATED: &str = r#"{"action":"created","installation":{"id":957387,"account":{"login":"example-org","id":21031067,"node_id":"MDEyOk9yZ2FuaXphdGlvbjIxMDMxMDY3","url":"https://api.github.com/users/example-org","type":"Organization","site_admin":false},"repository_selection":"selected","app_id":29310,"app_slug":"acme-notifier","target_id":21031067,"target_type":"Organization","permissions":{"contents":"read","metadata":"read"},"events":["push"],"created_at":1557933591,"updated_at":1557933591,"single_file_name":null,"suspended_by":null,"suspended_at":null},"repositories":[{"id":186853002,"node_id":"MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=","name":"Hello-World","full_name":"example-org/Hello-World","private":false}],"requester":null,"sender":{"login":"avery-admin","id":3877742,"node_id":"MDQ6VXNlcjM4Nzc3NDI=","url":"https://api.github.com/users/avery-admin","type":"User","site_admin":false}}"#;
const DELETED: &str = r#"{"action":"deleted","installation":{"id":957387,"account":{"login":"example-org","id":21031067,"node_id":"MDEyOk9yZ2FuaXphdGlvbjIxMDMxMDY3","url":"https://api.github.com/users/example-org","type":"Organization","site_admin":false},"repository_selection":"selected","app_id":29310,"app_slug":"acme-notifier","target_id":21031067,"target_type":"Organization","permissions":{"contents":"read","metadata":"read"},"events":["push"],"created_at":1557933591,"updated_at":1557933591,"single_file_name":null,"suspended_by":null,"suspended_at":null},"repositories":[{"id":186853002,"node_id":"MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=","name":"Hello-World","full_name":"example-org/Hello-World","private":false}],"sender":{"login":"avery-admin","id":3877742,"node_id":"MDQ6VXNlcjM4Nzc3NDI=","url":"https://api.github.com/users/avery-admin","type":"User","site_admin":false}}"#;
const SUSPEND: &str = r#"{"action":"suspend","installation":{"id":957387,"account":{"login":"example-org","id":21031067,"node_id":"MDEyOk9yZ2FuaXphdGlvbjIxMDMxMDY3","url":"https://api.github.com/users/example-org","type":"Organization","site_admin":false},"repository_selection":"selected","app_id":29310,"app_slug":"acme-notifier","target_id":21031067,"target_type":"Organization","permissions":{"contents":"read","metadata":"read"},"events":["push"],"created_at":"2021-04-28T22:32:21.000-04:00","updated_at":"2025-11-10T12:00:00.000Z","single_file_name":null,"suspended_by":{"login":"avery-admin","id":3877742,"node_id":"MDQ6VXNlcjM4Nzc3NDI=","url":"https://api.github.com/users/avery-admin","type":"User","site_admin":false},"suspended_at":"2025-11-10T12:00:00Z"},"sender":{"login":"avery-admin","id":3877742,"node_id":"MDQ6VXNlcjM4Nzc3NDI=","url":"https://api.github.com/users/avery-admin","type":"User","site_admin":false}}"#;
const UNSUSPEND: &str = r#"{"action":"unsuspend","installation":{"id":957387,"account":{"login":"example-org","id":21031067,"node_id":"MDEyOk9yZ2FuaXphdGlvbjIxMDMxMDY3","url":"https://api.github.com/users/example-org","type":"Organization","site_admin":false},"repository_selection":"selected","app_id":29310,"app_slug":"acme-notifier","target_id":21031067,"target_type":"Organization","permissions":{"contents":"read","metadata":"read"},"events":["push"],"created_at":1557933591,"updated_at":1557933591,"single_file_name":null,"suspended_by":null,"suspended_at":null},"sender":{"login":"avery-admin","id":3877742,"node_id":"MDQ6VXNlcjM4Nzc3NDI=","url":"https://api.github.com/users/avery-admin","type":"User","site_admin":false}}"#;
const NEW_PERMISSIONS: &str = r#"{"action":"new_permissions_accepted","installation":{"id":957387,"account":{"login":"example-org","id":21031067,"node_id":"MDEyOk9yZ2FuaXphdGlvbjIxMDMxMDY3","url":"https://api.github.com/users/example-org","type":"Organization","site_admin":false},"repository_selection":"selected","app_id":29310,"app_slug":"acme-notifier","target_id":21031067,"target_type":"Organization","permissions":{"contents":"read","metadata":"read"},"events":["push"],"created_at":1557933591,"updated_at":1557933591,"single_file_name":null,"suspended_by":null,"suspended_at":null},"repositories":[{"id":186853002,"node_id":"MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=","name":"Hello-World","full_name":"example-org/Hello-World","private":false}],"sender":{"login":"avery-admin","id":3877742,"node_id":"MDQ6VXNlcjM4Nzc3NDI=","url":"https://api.github.com/users/avery-admin","type":"User","site_admin":false}}"#;
const REPOSITORIES_ADDED: &str = r#"{"action":"added","installation":{"id":957387,"account":{"login":"example-org","id":21031067,"node_id":"MDEyOk9yZ2FuaXphdGlvbjIxMDMxMDY3","url":"https://api.github.com/users/example-org","type":"Organization","site_admin":false},"repository_selection":"selected","app_id":29310,"app_slug":"acme-notifier","target_id":21031067,"target_type":"Organization","permissions":{"contents":"read","metadata":"read"},"events":["push"],"created_at":1557933591,"updated_at":1557933591,"single_file_name":null,"suspended_by":null,"suspended_at":null},"repository_selection":"selected","repositories_added":[{"id":186853002,"node_id":"MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=","name":"Hello-World","full_name":"example-org/Hello-World","private":false}],"repositories_removed":[],"requester":null,"sender":{"login":"avery-admin","id":3877742,"node_id":"MDQ6VXNlcjM4Nzc3NDI=","url":"https://api.github.com/users/avery-admin","type":"User","site_admin":false}}"#;
const REVOKED: &str = r#"{"action":"revoked","sender":{"login":"avery-admin","id":3877742,"node_id":"MDQ6VXNlcjM4Nzc3NDI=","url":"https://api.github.com/users/avery-admin","type":"User","site_admin":false}}"#;
const PURCHASED: &str = r#"{"action":"purchased","effective_date":"2026-10-25T00:00:00+00:00","sender":{"login":"avery-admin","id":3877742,"node_id":"MDQ6VXNlcjM4Nzc3NDI=","url":"https://api.github.com/users/avery-admin","type":"User","site_admin":false,"email":"avery.admin@example.com"},"marketplace_purchase":{"account":{"type":"Organization","id":21031067,"node_id":"MDEyOk9yZ2FuaXphdGlvbjIxMDMxMDY3","login":"example-org","organization_billing_email":"billing@example.com"},"billing_cycle":"monthly","unit_count":10,"on_free_trial":false,"free_trial_ends_on":null,"next_billing_date":"2026-11-05T00:00:00+00:00","plan":{"id":686,"name":"Équipe ☃","monthly_price_in_cents":4000,"yearly_price_in_cents":40000,"price_model":"per-unit","has_free_trial":true,"unit_name":"seat"}}}"#;

fn fill(facts: &Facts, draft: &mut Draft) {
    let id = facts.request_id.clone().unwrap_or_else(|| facts.fresh.to_string());
    draft.header(DELIVERY, id);
    draft.number("installation.app_id", facts.app.as_deref());
    draft.number("installation.id", facts.installation.as_deref());
    for place in ["installation.account.id", "installation.target_id", "marketplace_purchase.account.id"] {
        draft.number(place, facts.tenant.as_deref());
    }
    draft.number("sender.id", facts.actor.as_deref());
    draft.number("installation.suspended_by.id", facts.actor.as_deref());
    if draft.event() == "installation.created" {
        draft.time("installation.created_at", facts.at, 3);
    }
    draft.time("installation.updated_at", facts.at, 3);
    if draft.event() == "installation.suspend" {
        draft.time("installation.suspended_at", facts.at, 0);
    }
    draft.time("effective_date", facts.at, 0);
}
