//! `lifecycle explain`: why a signature or a token is not proven, and what to change in the receiver.

mod algorithm;
mod bodies;
mod cause;
mod claims;
mod diagnosis;
mod form;
mod hints;
mod jose;
mod json_forms;
mod key_file;
mod layouts;
mod public_key;
mod report;
mod search;
mod secrets;
mod signatures;
mod texts;
mod token;

use clap::Args;
use lifecycle_core::{Keys, Platform, Proof};
use lifecycle_testing::{Sender, SigningKeys};

use crate::answer::Answer;
use crate::failure::Failure;
use crate::platform;
use crate::request_headers::RequestArgs;
use crate::secret::{Hidden, PreviousSecretArgs, SigningSecretArgs};
use crate::shown::DIM;
use crate::verify::public_keys;
use diagnosis::{Case, Material};

const EXAMPLES: &str = "\
Examples:
  lifecycle explain --body body.json --signature ddc467d5.. \\
      --secret-env SEISMIC_SIGNING_SECRET
  lifecycle explain --request request.har --secret-file secret.txt
  lifecycle explain --request copied-as-curl.txt --secret-file discord.hex
  lifecycle explain --request lambda-event.json --secret-file jwks.json \\
      --app ari:cloud:ecosystem::app/406d303d-0393-4ec4-ad7c-1435be94583a
  lifecycle explain --delivery 30 --secret-file secret.txt
  lifecycle explain --causes

The platform is known by the names of the headers, by the parameter or by what
the token says, or given. --signature may be the value that arrived, or the one
that your receiver computed in its place: the latter tells what your receiver
does differently. Where the platform signs with a private key, the secret is the
public key: a PEM, a JWK set, or the 64 hex digits of Ed25519, as the platform
shows it. No secret, no token and no expected signature is ever shown.

Exit code 0 says that the signature matches or that the cause was found, 1 that
it was not.";

/// Find out why a signature or a token is refused, and what to change
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// List every cause that is tried, and do nothing else
    #[arg(long, conflicts_with_all = ["body", "signature", "header", "headers", "delivery"])]
    causes: bool,
    /// The platform [default: the one that the request shows itself to be of, else seismic]
    #[arg(long, value_name = "PLATFORM", value_parser = platform::parser())]
    platform: Option<&'static Sender>,
    /// The app that the receiver is, which a token has to be for
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    #[command(flatten)]
    request: RequestArgs,
    #[command(flatten)]
    secret: SigningSecretArgs,
    #[command(flatten)]
    previous: PreviousSecretArgs,
}

impl ExplainArgs {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        if self.causes {
            return Ok(report::list());
        }
        let (request, recognised) = self.request.read(self.platform)?;
        let sender = recognised.sender;
        let platform = sender.platform();
        // Not checked: what is wrong with it may be the cause.
        let given = self.given(platform)?;
        let previous = self.previous.read_unchecked()?;
        let material = match &given {
            None => Material::None,
            Some(key) if has_public_key(platform) => Material::Public(key.bytes()),
            Some(secret) => {
                Material::Secret { current: secret.bytes(), previous: previous.as_ref().map(Hidden::bytes) }
            }
        };
        let verifying = verifying(platform, material);
        let case = Case { sender, request: &request, material, verifying, app: self.app.as_deref() };
        let diagnosis = case.diagnose()?;
        let mut notes = Vec::new();
        let has_secret = matches!(material, Material::Secret { .. });
        if has_secret && diagnosis.findings.causes.as_ref().is_some_and(Vec::is_empty) {
            notes.extend(self.secret.line_break_note());
        }
        let mut answer = report::answer(&case, &diagnosis, &notes);
        answer.json["platform"] = platform.name().into();
        let title = sender.title();
        let known = match (self.platform, &recognised.by) {
            (Some(_), _) => return Ok(answer),
            (None, Some(by)) => format!("{title}, known by {by}"),
            (None, None) => format!("{title}, as nothing tells another; --platform NAME does"),
        };
        report::line(&mut answer.text, "platform:", DIM, &known, 2);
        Ok(answer)
    }

    /// The secret, or the public key, which a token says something without.
    fn given(&self, platform: &'static Platform) -> Result<Option<Hidden>, Failure> {
        match platform.proof() {
            _ if has_public_key(platform) => self.secret.read_public(platform),
            Proof::Token(_) => self.secret.read_if_given(platform),
            Proof::UnguessableUrl => Ok(None), // which the diagnosis says
            _ => self.secret.read_unchecked(platform).map(Some),
        }
    }
}

/// Whether a platform is verified with a public key.
pub(crate) fn has_public_key(platform: &Platform) -> bool {
    matches!(platform.proof(), Proof::PublicKey(_)) || platform.proof().uses_rsa()
}

/// What the library verifies with, if it takes what was given.
fn verifying(platform: &'static Platform, material: Material<'_>) -> Option<Keys> {
    match material {
        Material::None => None,
        Material::Public(bytes) => public_keys(platform, std::str::from_utf8(bytes).ok()?).ok(),
        Material::Secret { current, .. } => {
            let keys = SigningKeys::parse(platform, std::str::from_utf8(current).ok()?).ok()?;
            Some(keys.verifying())
        }
    }
}

#[cfg(test)]
mod tests;
