//! `lifecycle verify`: whether a receiver would take a saved request, and if not, why.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use lifecycle_core::{
    Audience, Delivery, ExpectedApp, Head, Inbound, KeySet, Keys, Platform, Proof, PublicKey,
    RejectedRequest, Rejection, TokenPlace, Trust, Verifier,
};
use lifecycle_testing::{KeysFrom, Sender};
use serde_json::{Value, json};

use crate::answer::{Answer, Exit};
use crate::explain::has_public_key;
use crate::failure::Failure;
use crate::platform::{parser, signs};
use crate::request_headers::{Request, RequestArgs};
use crate::secret::{PreviousSecretArgs, SigningSecretArgs};
use crate::shown::{BAD, GOOD, one_line};

const EXAMPLES: &str = "\
Examples:
  lifecycle verify --body body.json --signature ddc467d5.. \\
      --secret-env SEISMIC_SIGNING_SECRET
  lifecycle verify --body body.json --headers curl-v.txt --secret-file secret.txt
  lifecycle verify --request request.har --secret-env GITHUB_SIGNING_SECRET
  lifecycle verify --request lambda-event.json --secret-file jwks.json
  lifecycle verify --delivery 30 --secret-file secret.txt

The age of the request is not looked at: it was saved. A token (JWT) has to be
valid at the time that --at names, else at that which the saved request tells,
else now. Where the platform signs with a private key, the secret is its public
key, as the platform shows it: a PEM, a JWK set, or the 64 hex digits of Ed25519.

Exit code 1 says that it would be refused; then `lifecycle explain` with the same
options looks for the cause.";

/// Check a saved request against a secret or a public key, without a network
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// The platform [default: the one that the request shows itself to be of, else seismic]
    #[arg(long, value_name = "PLATFORM", value_parser = parser())]
    platform: Option<&'static Sender>,
    #[command(flatten)]
    request: RequestArgs,
    #[command(flatten)]
    secret: SigningSecretArgs,
    #[command(flatten)]
    previous: PreviousSecretArgs,
}

impl VerifyArgs {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        self.platform.map_or(Ok(()), refuse_unsigned)?;
        let (request, recognised) = self.request.read(self.platform)?;
        let sender = recognised.sender;
        refuse_unsigned(sender)?;
        let keys = self.keys(sender.platform())?;
        let at = request.at.unwrap_or_else(SystemTime::now);
        let app = named_app(sender, &request);
        Ok(match judge(sender, &request, keys, app, at, None) {
            Ok(Inbound::Delivery(delivery)) => accepted(&delivery),
            Ok(Inbound::Handshake(reply)) => handshake(reply.status()),
            Err(rejected) => refused(&rejected.rejection),
        })
    }

    fn keys(&self, platform: &'static Platform) -> Result<Keys, Failure> {
        if has_public_key(platform) {
            let given = self.secret.read_public(platform)?;
            let given = given.ok_or_else(|| {
                Failure::new(
                    "no public key",
                    format!("give --secret-file FILE with what {} shows", platform.name()),
                )
            })?;
            return public_keys(platform, &String::from_utf8_lossy(given.bytes()));
        }
        let mut keys = self.secret.read(platform)?.signing().clone();
        if let Some(previous) = self.previous.read(platform)? {
            keys = keys.with_previous(previous.signing().clone());
        }
        Ok(keys.verifying())
    }
}

/// The public keys that a text is, as the platform shows them: a PEM or a JWK set, or the digits of an Ed25519 key.
pub(crate) fn public_keys(platform: &Platform, text: &str) -> Result<Keys, Failure> {
    let key = if platform.proof().uses_rsa() {
        PublicKey::rsa_pem("current", text)
    } else {
        PublicKey::ed25519("current", text.trim())
    };
    let error = match key {
        Ok(key) => return Ok(key.into()),
        Err(error) => error,
    };
    match KeySet::from_jwks(text.as_bytes()) {
        Ok(set) if platform.proof().uses_rsa() => Ok(set.into()),
        _ => Err(Failure::new(
            format!("the public key cannot be used: {error}"),
            "give it as the platform shows it; `lifecycle explain` says what it is",
        )),
    }
}

/// Lets a verifier of the library decide, so that this command and an app never disagree; but at whatever age, unless one is
/// given.
pub(crate) fn judge(
    sender: &'static Sender,
    request: &Request,
    keys: Keys,
    app: ExpectedApp,
    at: SystemTime,
    max_age: Option<Duration>,
) -> Result<Inbound, RejectedRequest> {
    let platform = sender.platform();
    let keys = match tenant(sender, request) {
        Some(tenant) => keys.with_owner(&tenant),
        None => keys,
    };
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut verifier = Verifier::new(platform, keys, app)
        .expect("the keys are of the platform's sort")
        .with_max_body(usize::MAX);
    if platform.max_age().is_some() {
        verifier = verifier.with_max_age(max_age.unwrap_or(Duration::MAX)).expect("it has a maximum age");
    }
    let target = target(platform, request);
    let mut verification = verifier.begin(Head::new(platform.method().as_str(), &target, headers))?;
    let body = match (platform.proof(), &request.signature) {
        (Proof::Token(scheme), Some(token)) if scheme.place() == TokenPlace::Body && !request.has_body => {
            token.clone().into_bytes()
        }
        _ => request.body.clone(),
    };
    verification.push(body.into())?;
    verification.finish(at)
}

/// The target as it was saved; else one with the token in its query, where that is its place.
fn target(platform: &Platform, request: &Request) -> String {
    if let (Proof::Token(scheme), Some(token)) = (platform.proof(), &request.signature)
        && let TokenPlace::Query(name) = scheme.place()
    {
        return format!("/saved?{name}={token}"); // the callback's name stands in the path, which was not given
    }
    let Some(target) = &request.target else { return "/saved".to_owned() };
    let path = target
        .split_once("://")
        .map_or(target.as_str(), |(_, rest)| rest.find(['/', '?']).map_or("/", |place| &rest[place..]));
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

fn refuse_unsigned(sender: &'static Sender) -> Result<(), Failure> {
    let platform = sender.platform();
    if signs(platform) {
        return Ok(());
    }
    Err(Failure::new(format!("{} signs nothing", platform.name()), "compare the token in the URL with yours"))
}

/// The tenant whose key the secret is, where keys have an owner: that which a header or a claim names.
fn tenant(sender: &Sender, request: &Request) -> Option<String> {
    if let Some((claim, _)) = sender.key_owner() {
        let told = claims(request).find_map(|claims| claims[claim].as_str().map(str::to_owned));
        return Some(told.unwrap_or_else(|| "unknown".to_owned()));
    }
    let KeysFrom::Tenant { header } = sender.keys_from() else { return None };
    Some(request.header(header).unwrap_or("unknown").to_owned())
}

/// The app that a token is meant for, where the keys prove those of all apps: the answer names it.
pub(crate) fn named_app(sender: &Sender, request: &Request) -> ExpectedApp {
    let Proof::Token(scheme) = sender.platform().proof() else { return ExpectedApp::Any };
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

fn refused(rejection: &Rejection) -> Answer {
    let mut text =
        format!("{BAD}not valid{BAD:#}: {} {}: {rejection}\n", rejection.status(), rejection.code());
    text.push_str(match rejection {
        Rejection::InvalidToken | Rejection::SignatureMismatch | Rejection::Stale => {
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
