//! `lifecycle send securityscorecard`: the installation hook, and actions.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lifecycle_core::{Ack, securityscorecard};
use lifecycle_securityscorecard::{ACTION_HEADER, APP_ID_HEADER, SECRETS_HEADER};
use serde_json::{Map, Value};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::delivery::Sender;
use super::options::{Expected, SendOptions};
use super::report::{Private, Sent};
use crate::answer::Answer;
use crate::body;
use crate::client::{self, Outgoing};
use crate::failure::Failure;
use crate::hook;
use crate::secret::{self, Hidden, SecretText};
use crate::shown;
use crate::verdict::Intent;

const HOOK_EXAMPLES: &str = "\
Examples:
  lifecycle send securityscorecard app.installed --url http://127.0.0.1:3000/securityscorecard/hook/TOKEN
  lifecycle send securityscorecard app.installed --url https://app.example/hook/TOKEN --user jordan.lee@example.com

Nothing signs this hook: the URL's last part is its token, so it is not shown.";

const ACTION_EXAMPLES: &str = "\
Examples:
  lifecycle send securityscorecard action notify_channel --secret-header-env ACCESS_TOKEN=CHAT_TOKEN \\
      --url http://127.0.0.1:3000/securityscorecard/actions/notify_channel
  lifecycle send securityscorecard action notify_channel --secret-header ACCESS_TOKEN=s3cr3t --body rule.json \\
      --url http://127.0.0.1:3000/securityscorecard/actions/notify_channel";

/// What an action is taken as done by. The platform documents no status; its own sample answers 200.
const ACTION_ACK: Ack = Ack::new(200);

#[derive(Debug, Subcommand)]
pub(crate) enum Kind {
    #[command(name = "app.installed")]
    AppInstalled(Box<HookArgs>),
    Action(Box<ActionArgs>),
}

/// Send the hook that tells of an installation
#[derive(Args, Debug)]
#[command(after_help = HOOK_EXAMPLES)]
pub(crate) struct HookArgs {
    #[command(flatten)]
    options: SendOptions,
    /// The app's id [default: a new one]
    #[arg(long, value_name = "ID", help_heading = "Body", conflicts_with = "body")]
    app: Option<String>,
    /// The user who installs
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "jordan.lee@example.com",
        help_heading = "Body",
        conflicts_with = "body"
    )]
    user: String,
    /// The domain of the user's organisation
    #[arg(
        long,
        value_name = "DOMAIN",
        default_value = "example.com",
        help_heading = "Body",
        conflicts_with = "body"
    )]
    domain: String,
}

/// Send an action, with the secrets of the user whose rule fired
#[derive(Args, Debug)]
#[command(after_help = ACTION_EXAMPLES)]
pub(crate) struct ActionArgs {
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

impl Kind {
    pub(super) fn run(&self) -> Result<Answer, Failure> {
        match self {
            Self::AppInstalled(args) => args.run(),
            Self::Action(args) => args.run(),
        }
    }
}

impl HookArgs {
    fn run(&self) -> Result<Answer, Failure> {
        let app = self.app.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
        let body = hook::app_installed(&app, &self.user, &self.domain);
        send(&self.options, "app.installed", &body, &securityscorecard::ACK, &[], &[])
    }
}

impl ActionArgs {
    fn run(&self) -> Result<Answer, Failure> {
        let secrets = self.secrets()?;
        let mut headers = vec![
            (APP_ID_HEADER, Zeroizing::new(self.app.clone())),
            (ACTION_HEADER, Zeroizing::new(self.action.clone())),
        ];
        if !secrets.is_empty() {
            let members: Map<String, Value> =
                secrets.iter().map(|(key, secret)| (key.clone(), secret.as_str().into())).collect();
            let value = Zeroizing::new(Value::from(members).to_string());
            headers.push((SECRETS_HEADER, value));
        }
        let private: Vec<Hidden> = secrets.into_iter().map(|(_, secret)| secret.into_hidden()).collect();
        let kind = format!("action {}", self.action);
        send(&self.options, &kind, &hook::rule_fired(&self.domain), &ACTION_ACK, &headers, &private)
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

fn send(
    options: &SendOptions,
    kind: &str,
    made_up: &Value,
    ack: &Ack,
    added: &[(&str, Zeroizing<String>)],
    private: &[Hidden],
) -> Result<Answer, Failure> {
    let url = options.url()?;
    let made: Vec<&str> = added.iter().map(|(name, _)| *name).collect();
    let mut headers = options.headers(&made)?;
    for (name, value) in added {
        let (name, value) = client::header(name, value.as_bytes())?;
        headers.insert(name, value);
    }
    let body = match &options.body {
        Some(file) => body::read(file)?,
        None => made_up.to_string().into_bytes(),
    };
    let outgoing = Outgoing { url: url.clone(), headers, body: body.into(), framing: options.framing() };
    let repeated = (0..options.repeat as usize).map(|_| outgoing.clone());
    let delivered = Sender::new(options.timeout())?.deliver(
        repeated,
        options.concurrency as usize,
        ack,
        Intent::Genuine,
        "",
    )?;
    let sent = Sent {
        platform: "securityscorecard",
        kind,
        url: shown::url(&url, kind == securityscorecard::APP_INSTALLED),
        ack,
        expected: options.expect.unwrap_or(Expected::of(Intent::Genuine)),
        private: Private { secrets: private.iter().collect(), signatures: Vec::new() },
        notes: Vec::new(),
    };
    Ok(sent.answer(&delivered))
}
