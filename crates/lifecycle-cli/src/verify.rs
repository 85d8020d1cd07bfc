//! `lifecycle verify`: whether a receiver would take a saved request, and if not, why.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use lifecycle_core::{
    Audience, Delivery, ExpectedApp, Head, Inbound, Keys, Platform, Proof, PublicKey, RejectedRequest,
    Rejection, TokenPlace, Trust, Verifier,
};
use lifecycle_testing::{KeysFrom, Sender};
use serde_json::{Value, json};

use crate::answer::{Answer, Exit};
use crate::explain;
use crate::failure::Failure;
use crate::platform::{PlatformArgs, signs};
use crate::request_headers::{Request, RequestArgs};
use crate::secret::{PreviousSecretArgs, SigningSecretArgs};
use crate::shown::{BAD, GOOD, one_line};

const EXAMPLES: &str = "\
Examples:
  lifecycle verify --body body.json --signature ddc467d5... --secret-env SEISMIC_SIGNING_SECRET
  lifecycle verify --body body.json --headers curl-v.txt --secret-file secret.txt
  lifecycle verify --headers request.har
  lifecycle verify --platform github --headers request.har --secret-env GITHUB_SIGNING_SECRET

The age of the request is not looked at: it was saved. A token (JWT) has to be valid still; give one that stood in the query as
--signature. Where the platform signs with a private key, the secret is its public key, as the developer portal shows it.

Exit code 1 says that it would be refused; then `lifecycle explain` with the same options
looks for the cause, where a secret makes the signature.";

/// Check a saved request against a secret, without a network
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    request: RequestArgs,
    #[command(flatten)]
    secret: SigningSecretArgs,
    #[command(flatten)]
    previous: PreviousSecretArgs,
}

impl VerifyArgs {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let platform = self.platform.platform.platform();
        if !signs(platform) {
            return Err(Failure::new(
                format!("{} signs nothing", platform.name()),
                "compare the token in the URL with yours",
            ));
        }
        let request = self.request.read(platform)?;
        let keys = self.keys(platform)?;
        let keys = match tenant(self.platform.platform, &request) {
            Some(tenant) => keys.with_owner(&tenant),
            None => keys,
        };
        Ok(match verify(platform, &request, keys) {
            Ok(Inbound::Delivery(delivery)) => accepted(&delivery),
            Ok(Inbound::Handshake(reply)) => handshake(reply.status()),
            Err(rejected) => refused(platform, &rejected.rejection),
        })
    }

    fn keys(&self, platform: &Platform) -> Result<Keys, Failure> {
        let unusable = |error| {
            Failure::new(
                format!("the public key cannot be used: {error}"),
                "give it as the platform shows it",
            )
        };
        if matches!(platform.proof(), Proof::PublicKey(_)) || platform.proof().uses_rsa() {
            let given = self.secret.read_unchecked(platform)?;
            let text = String::from_utf8_lossy(given.bytes());
            let key = if platform.proof().uses_rsa() {
                PublicKey::rsa_pem("current", &text)
            } else {
                PublicKey::ed25519("current", text.trim())
            };
            return Ok(key.map_err(unusable)?.into());
        }
        let mut keys = self.secret.read(platform)?.signing().clone();
        if let Some(previous) = self.previous.read(platform)? {
            keys = keys.with_previous(previous.signing().clone());
        }
        Ok(keys.verifying())
    }
}

/// Lets a verifier of the library decide, so that this command and an app never disagree; but at whatever age.
fn verify(platform: &'static Platform, request: &Request, keys: Keys) -> Result<Inbound, RejectedRequest> {
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut verifier = Verifier::new(platform, keys, named_app(platform, request))
        .expect("the keys are of the platform's sort")
        .with_max_body(usize::MAX);
    if platform.max_age().is_some() {
        verifier = verifier.with_max_age(Duration::MAX).expect("it has a maximum age");
    }
    // The callback's name stands in the path, which was not given.
    let target = match (platform.proof(), &request.signature) {
        (Proof::Token(scheme), Some(token)) => match scheme.place() {
            TokenPlace::Query(name) => format!("/saved?{name}={token}"),
            _ => "/saved".to_owned(),
        },
        _ => "/saved".to_owned(),
    };
    let mut verification = verifier.begin(Head::new(platform.method().as_str(), &target, headers))?;
    verification.push(request.body.clone().into())?;
    verification.finish(SystemTime::now())
}

/// The tenant whose key the secret is, where keys have an owner: that which a header or a claim names.
fn tenant(sender: &Sender, request: &Request) -> Option<String> {
    if let Some((claim, _)) = sender.key_owner() {
        let told = claims(request).find_map(|claims| claims[claim].as_str().map(str::to_owned));
        return Some(told.unwrap_or_else(|| "unknown".to_owned()));
    }
    let KeysFrom::Tenant { header } = sender.keys_from() else { return None };
    let named = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(header));
    Some(named.map_or_else(|| "unknown".to_owned(), |(_, tenant)| tenant.clone()))
}

/// The app that a token is meant for, where the keys prove those of all apps: the answer names it.
fn named_app(platform: &Platform, request: &Request) -> ExpectedApp {
    let Proof::Token(scheme) = platform.proof() else { return ExpectedApp::Any };
    if scheme.audience() != Audience::OneApp {
        return ExpectedApp::Any;
    }
    claims(request)
        .find_map(|claims| claims["aud"].as_str().map(ExpectedApp::from))
        .unwrap_or_else(|| "unknown".into())
}

/// What the tokens in a request's headers say, proven or not.
fn claims(request: &Request) -> impl Iterator<Item = Value> {
    let tokens = request.headers.iter().filter_map(|(_, value)| value.split('.').nth(1));
    let claims = tokens.filter_map(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    claims.filter_map(|json| serde_json::from_slice(&json).ok())
}

fn accepted(delivery: &Delivery) -> Answer {
    let event = delivery.event();
    let (secret, header) = match delivery.trust() {
        Trust::Signed { secret, header } => (secret.as_str(), header.as_ref()),
        Trust::Bearer { key } => (key.as_str(), "token"),
        Trust::PublicKey { key, header } => (key.as_str(), header.as_ref()),
        _ => ("none", "none"),
    };
    let about = one_line(&format!("{} of app {} for tenant {}", event.kind(), event.app(), event.tenant()));
    let text = format!("{GOOD}valid{GOOD:#}: {about}, signed with the {secret} secret in {header}\n");
    let json = json!({
        "valid": true,
        "secret": secret,
        "header": header,
        "kind": event.kind().name(),
        "app": event.app(),
        "tenant": event.tenant(),
        "request_id": event.request_id(),
    });
    Answer { text, json, exit: Exit::Well }
}

fn handshake(status: u16) -> Answer {
    let text = format!("{GOOD}valid{GOOD:#}: a handshake, which the library answers itself with {status}\n");
    let json = json!({"valid": true, "handshake": true, "status": status});
    Answer { text, json, exit: Exit::Well }
}

fn refused(platform: &Platform, rejection: &Rejection) -> Answer {
    let mut text =
        format!("{BAD}not valid{BAD:#}: {} {}: {rejection}\n", rejection.status(), rejection.code());
    text.push_str(match rejection {
        Rejection::SignatureMismatch if explain::knows(platform) => {
            "`lifecycle explain` with the same options looks for the cause\n"
        }
        Rejection::Undecodable(_) => "the signature itself matches\n", // or the body would not have been read
        _ => "",
    });
    let json = json!({
        "valid": false,
        "status": rejection.status(),
        "code": rejection.code(),
        "why": rejection.to_string(),
    });
    Answer { text, json, exit: Exit::Wrong }
}
