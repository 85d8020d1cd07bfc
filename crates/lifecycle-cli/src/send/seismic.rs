//! `lifecycle send seismic`: a signed callback.

use clap::Args;
use lifecycle_core::{EventKind, seismic};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::delivery::Sender;
use super::options::{Expected, SendOptions};
use super::report::{Private, Sent};
use crate::answer::Answer;
use crate::body;
use crate::callback::{Callback, assignment};
use crate::client::Outgoing;
use crate::failure::Failure;
use crate::secret::{PreviousSecretArgs, Shared, SigningSecretArgs};
use crate::shown;
use crate::verdict::Intent;

const EXAMPLES: &str = "\
Examples:
  lifecycle send seismic install --url http://127.0.0.1:3000/seismic --secret-env SEISMIC_SIGNING_SECRET
  lifecycle send seismic upgrade --url http://127.0.0.1:3000/seismic --app-version 1.1.0 --prior-version 1.0.0
  lifecycle send seismic enable --url http://127.0.0.1:3000/seismic --set tenant=acme --set seats=5
  lifecycle send seismic install --url http://127.0.0.1:3000/seismic --body saved.json --tamper
  lifecycle send seismic install --url http://127.0.0.1:3000/seismic --repeat 1000 --concurrency 16 --fresh

Exit code 1 says that an administrator would have been blocked, or that a forged callback was accepted; 2 that it could
not be found out. What a receiver has to refuse (--tamper, --unsigned) is well when it is refused.";

/// Send a signed Seismic callback
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SeismicArgs {
    /// install, enable, upgrade, disable or uninstall; any other is sent, too, since a receiver has to take kinds that
    /// are not known yet
    kind: String,
    #[command(flatten)]
    options: SendOptions,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    secret: SigningSecretArgs,
    #[command(flatten)]
    previous: PreviousSecretArgs,
    /// Change the body after signing; a receiver has to refuse it
    #[arg(long, help_heading = "Signature")]
    tamper: bool,
    /// Send no signature; a receiver has to refuse it
    #[arg(long, help_heading = "Signature")]
    unsigned: bool,
    /// Give each repetition a request id of its own; otherwise they are duplicates of one callback
    #[arg(long, conflicts_with = "body", help_heading = "Wire")]
    fresh: bool,
}

/// The members of the callback.
#[derive(Args, Debug)]
#[group(id = "fields", conflicts_with = "body")]
struct Fields {
    /// The tenant's id
    #[arg(long, value_name = "ID", help_heading = "Body")]
    tenant: Option<String>,
    /// The app's id
    #[arg(long, value_name = "ID", help_heading = "Body")]
    app: Option<String>,
    /// The app's version; on an upgrade the new one
    #[arg(long, value_name = "A.B.C", help_heading = "Body")]
    app_version: Option<String>,
    /// The version before an upgrade
    #[arg(long, value_name = "A.B.C", help_heading = "Body")]
    prior_version: Option<String>,
    /// The id of the request [default: a new one]
    #[arg(long, value_name = "ID", help_heading = "Body")]
    request_id: Option<String>,
    /// The administrator's address
    #[arg(long, value_name = "ADDRESS", help_heading = "Body")]
    user_email: Option<String>,
    /// Set any member to a JSON value, or to plain text
    #[arg(long, value_name = "KEY=JSON", help_heading = "Body")]
    set: Vec<String>,
    /// Leave a member out
    #[arg(long, value_name = "KEY", help_heading = "Body")]
    unset: Vec<String>,
}

impl Fields {
    fn callback(&self, kind: &str) -> Result<Callback, Failure> {
        let mut callback = Callback::new(kind);
        for (name, value) in [
            ("tenantId", &self.tenant),
            ("appId", &self.app),
            ("version", &self.app_version),
            ("priorVersion", &self.prior_version),
            ("requestId", &self.request_id),
            ("userEmail", &self.user_email),
        ] {
            if let Some(value) = value {
                callback.set(name, value.as_str().into());
            }
        }
        for text in &self.set {
            let (name, value) = assignment(text)?;
            callback.set(&name, value);
        }
        self.unset.iter().for_each(|name| callback.unset(name));
        Ok(callback)
    }
}

impl SeismicArgs {
    pub(super) fn run(&self) -> Result<Answer, Failure> {
        let url = self.options.url()?;
        let extra = self.options.headers(seismic::SCHEME.headers())?;
        let secrets = if self.unsigned {
            Vec::new()
        } else {
            [Some(self.secret.read()?), self.previous.read()?].into_iter().flatten().collect()
        };
        let bodies = self.bodies()?;
        let mut signatures = Vec::new();
        let requests: Vec<Outgoing> = bodies
            .iter()
            .map(|body| {
                let mut headers = extra.clone();
                signatures.extend(sign(body, &secrets, &mut headers));
                let body = if self.tamper { tampered(body) } else { body.clone() };
                Outgoing { url: url.clone(), headers, body: body.into(), framing: self.options.framing() }
            })
            .collect();
        let repeated =
            (0..self.options.repeat as usize).map(|place| requests[place % requests.len()].clone());
        let intent = if self.tamper || self.unsigned { Intent::Forged } else { Intent::Genuine };
        let delivered = Sender::new(self.options.timeout())?.deliver(
            repeated,
            self.options.concurrency as usize,
            &seismic::ACK,
            intent,
            "",
        )?;
        let sent = Sent {
            platform: "seismic",
            kind: &self.kind,
            url: shown::url(&url, false),
            ack: &seismic::ACK,
            expected: self.options.expect.unwrap_or(Expected::of(intent)),
            private: Private { secrets: secrets.iter().map(Shared::hidden).collect(), signatures },
            notes: self.notes(),
        };
        Ok(sent.answer(&delivered))
    }

    /// The body, or one for each repetition.
    fn bodies(&self) -> Result<Vec<Vec<u8>>, Failure> {
        if let Some(file) = &self.options.body {
            return Ok(vec![body::read(file)?]);
        }
        let count = if self.fresh { self.options.repeat } else { 1 };
        (0..count).map(|_| Ok(self.fields.callback(&self.kind)?.json().into_bytes())).collect()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !EventKind::from_name(&self.kind).is_known() {
            notes.push(
                "this kind is not one of the documented five: a receiver has to take it all the same".into(),
            );
        }
        if self.tamper {
            notes.push("the body was changed after signing: a receiver has to refuse it".into());
        }
        if self.unsigned {
            notes.push("there is no signature: a receiver has to refuse it".into());
        }
        notes
    }
}

/// Adds the signature headers, as Seismic does: the second one while a secret is being replaced.
pub(crate) fn sign(body: &[u8], secrets: &[Shared], headers: &mut HeaderMap) -> Vec<String> {
    let names = [seismic::SIGNATURE, seismic::SIGNATURE_OLD];
    let signed = names.into_iter().zip(secrets).map(|(name, secret)| {
        let signature = seismic::SCHEME.sign(secret.secret(), &[], body);
        let mut value = HeaderValue::from_str(&signature).expect("hex digits are allowed in a header");
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
        signature
    });
    signed.collect()
}

/// The body with the lowest bit of its middle byte flipped; of an empty one, something in place of nothing.
pub(crate) fn tampered(body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    let middle = body.len() / 2;
    match body.get_mut(middle) {
        Some(byte) => *byte ^= 1,
        None => body.push(b' '),
    }
    body
}
