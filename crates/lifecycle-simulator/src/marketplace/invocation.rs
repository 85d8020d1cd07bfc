//! Invocation: the platform calls an action of the app with the secrets of the user whose rule fired.

use std::fmt::Write as _;

use lifecycle_core::Status;
use lifecycle_securityscorecard::{ACTION_HEADER, APP_ID_HEADER, SECRETS_HEADER};
use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::Marketplace;
use super::sending::{Click, Outgoing, Started};
use crate::app::App;
use crate::delivery::{Header, Request, Role};
use crate::installation::{Completeness, Installation};
use crate::problem::Problem;

/// An action that is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invocation {
    /// The id of the action in the manifest.
    pub(crate) action: String,
    /// Whether to ask for the action's settings, at its `settings_url`, instead of running it.
    #[serde(default)]
    pub(crate) settings: bool,
    /// What is posted; an example of a rule that fired, if there is none.
    #[serde(default)]
    pub(crate) body: Option<Value>,
}

impl Marketplace {
    pub(crate) async fn invoke(&self, installation: i64, invocation: Invocation) -> Result<Started, Problem> {
        let installation = self.installation(installation).await?;
        let app = self.app(installation.app).await?;
        let manifest = &app.scorecard().ok_or_else(|| Problem::not_found("app with a manifest"))?.manifest;
        let action = manifest.actions.iter().find(|action| action.id == invocation.action);
        let action = action.ok_or_else(|| Problem::not_found("action in the manifest"))?;
        let (url, event) = if invocation.settings {
            let url = action
                .settings_url
                .as_ref()
                .ok_or_else(|| Problem::not_found("settings_url of the action"))?;
            (url, format!("settings:{}", action.id))
        } else {
            (&action.url, format!("action:{}", action.id))
        };
        ready(&app, &installation)?;
        let (hidden_headers, hidden_values) = self.action_secrets(&app, &installation).await?;
        let shown = hidden_headers.iter().map(|hidden| {
            let keys = installation.stored_secrets.join(", ");
            let note = Some(format!("the values of {keys} are sent, not shown"));
            Header { note, ..Header::new(hidden.name.as_str(), "(hidden)") }
        });
        let mut headers = vec![
            Header::new("content-type", "application/json"),
            Header::new(APP_ID_HEADER, app.app_id.as_str()),
            Header::new(ACTION_HEADER, action.id.as_str()),
        ];
        headers.extend(shown);
        let body = invocation.body.unwrap_or_else(example).to_string();
        let request = Request { event, method: "POST".to_owned(), url: url.clone(), headers, body };
        let claim = self.claim(app.id, installation.tenant)?;
        let tenant = self.tenant(installation.tenant).await?;
        let outgoing = Outgoing { hidden_headers, hidden_values, ..Outgoing::new(request) };
        let click = Click { tenant, repeats: None, roles: vec![Role::Action] };
        self.deliver(app, click, outgoing, None, Some(claim)).await
    }

    /// The header with the secrets of an installation, and its values, to hide them in the answer.
    pub(super) async fn action_secrets(
        &self,
        app: &App,
        installation: &Installation,
    ) -> Result<(Vec<Header>, Vec<Zeroizing<String>>), Problem> {
        ready(app, installation)?;
        let id = installation.id;
        let secrets = self.run(move |store| store.installation_secrets(id)).await?;
        let mut object = Map::new();
        for (key, value) in &secrets {
            object.insert(key.clone(), Value::String(value.to_string()));
        }
        let value = Value::Object(object).to_string();
        Ok((vec![Header::new(SECRETS_HEADER, value)], secrets.into_iter().map(|(_, value)| value).collect()))
    }
}

/// An example of what a rule posts, to start from.
pub(crate) fn example() -> Value {
    serde_json::json!({
        "trigger": {"type": "grade_drop"},
        "execution_id": uuid::Uuid::new_v4().to_string(),
        "scorecard_id": uuid::Uuid::new_v4().to_string(),
        "domain": "example.com",
        "created_at": crate::moment::Moment::now().in_milliseconds(),
    })
}

/// The platform invokes nothing for an installation that is over or lacks a required secret.
fn ready(app: &App, installation: &Installation) -> Result<(), Problem> {
    if installation.status == Status::Uninstalled {
        return Err(Problem::conflict("not-installed", "the app is uninstalled for this user"));
    }
    let (Completeness::ReinstallRequired { missing } | Completeness::Waiting { missing }) =
        installation.completeness(app)
    else {
        return Ok(());
    };
    let mut detail = "the installation is not complete; install again and enter".to_owned();
    let _ = write!(detail, ": {}", missing.join(", "));
    Err(Problem::conflict("incomplete", detail))
}
