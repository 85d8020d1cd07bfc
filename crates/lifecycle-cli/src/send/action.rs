//! `lifecycle send securityscorecard action`: what a rule asks of an app, which is no lifecycle event.

use std::path::PathBuf;

use clap::{Args, Command};
use jiff::{Timestamp, Unit};
use lifecycle_core::securityscorecard;
use lifecycle_securityscorecard::{ACTION_HEADER, APP_ID_HEADER, SECRETS_HEADER};
use lifecycle_testing::Consequence;
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::courier::Courier;
use super::options::{Expected, SendOptions};
use super::report::Sent;
use crate::answer::Answer;
use crate::body;
use crate::client::{self, Outgoing};
use crate::failure::Failure;
use crate::platform;
use crate::private::Private;
use crate::secret::{self, Hidden, SecretText};
use crate::shown;
use crate::verdict::{Intent, Judge};

const EXAMPLES: &str = "\
Examples:
  lifecycle send securityscorecard action notify_channel \\
      --secret-header-env ACCESS_TOKEN=CHAT_TOKEN \\
      --url http://127.0.0.1:3000/securityscorecard/actions/notify_channel
  lifecycle send securityscorecard action notify_channel --body rule.json \\
      --secret-header ACCESS_TOKEN=s3cr3t \\
      --url http://127.0.0.1:3000/securityscorecard/actions/notify_channel";

/// Send an action, with the secrets of the user whose rule fired
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ActionArgs {
    /// The action's id
    action: String,
    #[command(flatten)]
    options: SendOptions,
    /// The app's id
    #[arg(long, value_name = "ID", default_value = "6f1c2a0e-5d0b-4c39-9a53-0b8f3f0f2f11")]
    app: String,
    /// The domain that the rule is about
    #[arg(
        long,
        value_name = "DOMAIN",
        default_value = "example.com",
        help_heading = "Body",
        conflicts_with = "body"
    )]
    domain: String,
    /// A secret of the user, by the key that the manifest declares. Beware: it is seen in the process list
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Secret")]
    secret_header: Vec<SecretText>,
    /// A secret of the user, from an environment variable
    #[arg(long, value_name = "KEY=NAME", help_heading = "Secret")]
    secret_header_env: Vec<String>,
    /// A secret of the user, from a file; one line break at its end is not part of it
    #[arg(long, value_name = "KEY=FILE", help_heading = "Secret")]
    secret_header_file: Vec<String>,
}

/// The platform whose rules do so.
pub(super) fn platform() -> &'static str {
    securityscorecard::PLATFORM.name()
}

/// The command, which stands beside the platform's events.
pub(super) fn command() -> Command {
    ActionArgs::augment_args(Command::new("action"))
}

impl ActionArgs {
    pub(super) fn run(&self) -> Result<Answer, Failure> {
        let secrets = self.secrets()?;
        let url = self.options.url()?;
        let made = self.headers(&secrets);
        let names: Vec<&str> = made.iter().map(|(name, _)| *name).collect();
        let mut headers = self.options.headers(&names)?;
        for (name, value) in &made {
            let (name, value) = client::header(name, value.as_bytes())?;
            headers.insert(name, value);
        }
        let body = match &self.options.body {
            Some(file) => body::read(file)?,
            None => rule_fired(&self.domain).to_string().into_bytes(),
        };
        let sender = platform::named(platform()).expect("it is one of the registry's");
        let outgoing = Outgoing {
            method: Method::POST,
            url: url.clone(),
            headers,
            body: body.into(),
            framing: self.options.framing(),
        };
        let ack = sender.platform().ack();
        let requests = [outgoing];
        let mut private = Private::default();
        for (_, secret) in &secrets {
            let in_json = Value::from(secret.as_str()).to_string();
            private.sent.push(Hidden::from(secret.as_str()));
            private.sent.push(Hidden::from(in_json.trim_matches('"'))); // as it stands in the header
        }
        let sent = Sent {
            platform: platform(),
            kind: &format!("action {}", self.action),
            url: shown::url(&url, false),
            requests: &requests,
            told: Vec::new(),
            total: self.options.repeat as usize,
            ack,
            expected: self.options.expect.unwrap_or(Expected::of(Intent::Genuine)),
            private,
            verbose: self.options.verbose,
            notes: Vec::new(),
        };
        if let Some(preview) = self.options.preview() {
            return sent.preview(preview);
        }
        // Its answer is judged as that to an event is, but no document says that an action is sent again.
        let of = |answer: Option<lifecycle_testing::Answer<'_>>, took| {
            let mut judged = sender.judge(answer, took);
            if let Consequence::Retried { .. } = judged.consequence {
                judged.consequence = Consequence::Lost;
            }
            judged
        };
        let judge = Judge { ack, of: &of };
        let delivered = Courier::new(self.options.timeout())?.deliver(
            (0..sent.total).map(|_| requests[0].clone()),
            self.options.concurrency as usize,
            &judge,
            Intent::Genuine,
            "",
        )?;
        Ok(sent.answer(&delivered))
    }

    fn headers(&self, secrets: &[(String, SecretText)]) -> Vec<(&'static str, Zeroizing<String>)> {
        let mut headers = vec![
            (APP_ID_HEADER, Zeroizing::new(self.app.clone())),
            (ACTION_HEADER, Zeroizing::new(self.action.clone())),
        ];
        if !secrets.is_empty() {
            let members: Map<String, Value> =
                secrets.iter().map(|(key, secret)| (key.clone(), secret.as_str().into())).collect();
            headers.push((SECRETS_HEADER, Zeroizing::new(Value::from(members).to_string())));
        }
        headers
    }

    fn secrets(&self) -> Result<Vec<(String, SecretText)>, Failure> {
        let mut secrets = Vec::new();
        for given in &self.secret_header {
            let (key, value) = pair("--secret-header", given.as_str())?;
            secrets.push((key, SecretText::new(value)));
        }
        for given in &self.secret_header_env {
            let (key, name) = pair("--secret-header-env", given)?;
            secrets.push((key, SecretText::from_bytes(&secret::variable(name)?)?));
        }
        for given in &self.secret_header_file {
            let (key, file) = pair("--secret-header-file", given)?;
            secrets.push((key, SecretText::from_bytes(&secret::in_file(&PathBuf::from(file))?)?));
        }
        Ok(secrets)
    }
}

/// Splits `KEY=VALUE`. The error repeats neither, as the whole may be a secret.
fn pair<'t>(option: &str, text: &'t str) -> Result<(String, &'t str), Failure> {
    let (key, value) = text
        .split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .ok_or_else(|| Failure::new(format!("a {option} has no KEY="), "write it as ACCESS_TOKEN=..."))?;
    Ok((key.to_owned(), value))
}

/// The body: what a rule tells that fired.
fn rule_fired(domain: &str) -> Value {
    let now = Timestamp::now();
    json!({
        "trigger": {
            "type": "new_issues",
            "issues": {"csp_no_policy_v2": {"active": {"count": 26}, "departed": {"count": 3}}},
            "selected": "by_severity",
            "severity": "low",
        },
        "created_at": now.round(Unit::Millisecond).unwrap_or(now).to_string(),
        "execution_id": Uuid::new_v4().to_string(),
        "scorecard_id": Uuid::new_v4().to_string(),
        "domain": domain,
    })
}
