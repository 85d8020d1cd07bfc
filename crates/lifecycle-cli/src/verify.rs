//! `lifecycle verify`: whether a receiver would take a saved request, and if not, why.

use std::time::SystemTime;

use clap::Args;
use lifecycle_core::{
    Delivery, ExpectedApp, Head, Rejection, Secrets, SigningSecret, Trust, Verifier, seismic,
};
use serde_json::json;

use crate::answer::{Answer, Exit};
use crate::failure::Failure;
use crate::request_headers::{Request, RequestArgs};
use crate::secret::{PreviousSecretArgs, SigningSecretArgs};
use crate::shown::{BAD, GOOD, one_line};

const EXAMPLES: &str = "\
Examples:
  lifecycle verify --body body.json --signature ddc467d5... --secret-env SEISMIC_SIGNING_SECRET
  lifecycle verify --body body.json --headers curl-v.txt --secret-file secret.txt
  lifecycle verify --headers request.har

Exit code 1 says that it would be refused; then `lifecycle explain` with the same options looks for the cause.";

/// Check a saved Seismic callback against a secret, without a network
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    request: RequestArgs,
    #[command(flatten)]
    secret: SigningSecretArgs,
    #[command(flatten)]
    previous: PreviousSecretArgs,
}

impl VerifyArgs {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let request = self.request.read()?;
        let mut secrets = Secrets::from(self.secret.read()?.secret().clone());
        if let Some(previous) = self.previous.read()? {
            secrets = secrets.or(SigningSecret::new("previous", previous.secret()));
        }
        Ok(match verify(&request, secrets) {
            Ok(delivery) => accepted(&delivery),
            Err(rejection) => refused(&rejection),
        })
    }
}

/// Lets a receiver of the library decide, so that this command and an app never disagree.
fn verify(request: &Request, secrets: Secrets) -> Result<Delivery, Rejection> {
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let verifier = Verifier::new(&seismic::PLATFORM, secrets, ExpectedApp::Any)
        .expect("Seismic is verified with secrets")
        .with_max_body(usize::MAX);
    let mut verification = verifier.begin(Head::new("POST", "/", headers))?;
    verification.push(request.body.clone().into())?;
    let inbound = verification.finish(SystemTime::now())?;
    Ok(inbound.delivery().expect("Seismic has no handshake"))
}

fn accepted(delivery: &Delivery) -> Answer {
    let event = delivery.event();
    let (secret, header) = match delivery.trust() {
        Trust::Signed { secret, header } => (secret.as_str(), header.as_ref()),
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

fn refused(rejection: &Rejection) -> Answer {
    let mut text =
        format!("{BAD}not valid{BAD:#}: {} {}: {rejection}\n", rejection.status(), rejection.code());
    text.push_str(match rejection {
        Rejection::SignatureMismatch => "`lifecycle explain` with the same options looks for the cause\n",
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
