//! `lifecycle explain`: why a signature does not match, and what to change in the receiver.

mod algorithm;
mod bodies;
mod cause;
mod form;
mod json_forms;
mod layouts;
mod search;
mod secrets;
mod signatures;

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use lifecycle_core::{Algorithm, Platform, Proof};
use lifecycle_testing::Sender;
use serde_json::{Value, json};

use crate::answer::{Answer, Exit};
use crate::failure::Failure;
use crate::platform;
use crate::request_headers::{DEFAULT, Request, RequestArgs};
use crate::secret::{Hidden, PreviousSecretArgs, SigningSecretArgs};
use crate::shown::{BAD, DIM, GOOD, HEADING};
use cause::{CAUSES, Cause};
use form::Form;
use search::{Evidence, Findings, is_signature, search};

const EXAMPLES: &str = "\
Examples:
  lifecycle explain --body body.json --signature ddc467d5... --secret-env SEISMIC_SIGNING_SECRET
  lifecycle explain --body body.json --headers curl-v.txt --secret-file secret.txt --previous-secret-file old.txt
  lifecycle explain --platform stripe --body event.json --signature 't=1790812800,v1=5257..' --secret-file whsec.txt
  lifecycle explain --causes

The platform is known by the name of its signature's header, or given. --signature may be the value that arrived, or the one that your receiver computed in its place: the latter tells what
your receiver does differently. No secret and no expected signature is ever shown.

Exit code 0 says that the signature matches or that the cause was found, 1 that it was not.";

/// Whether causes are known of this platform's signatures: where a secret makes them.
pub(crate) fn knows(platform: &Platform) -> bool {
    form(platform).is_some()
}

fn form(platform: &Platform) -> Option<Form> {
    match platform.proof() {
        Proof::Hmac(scheme) => Some(Form::of(scheme)),
        Proof::Token(scheme) if scheme.algorithm() == Algorithm::Hs256 => Some(Form::of_token()),
        _ => None,
    }
}

/// Find out why a signature does not match, and what to change
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// List every cause that is tried, and do nothing else
    #[arg(long, conflicts_with_all = ["body", "signature", "header", "headers"])]
    causes: bool,
    /// The platform [default: the one whose header the signature stands in, else seismic]
    #[arg(long, value_name = "PLATFORM", value_parser = platform::parser())]
    platform: Option<&'static Sender>,
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
            return Ok(list());
        }
        let (mut request, sender) = match self.platform {
            Some(sender) => (self.request.read(sender.platform())?, sender),
            None => self.request.read_any()?,
        };
        let platform = sender.platform();
        let form = form(platform).ok_or_else(|| {
            Failure::new(
                format!("no secret makes the signatures of {}", platform.name()),
                "`lifecycle verify` with the public key says what is wrong",
            )
        })?;
        if matches!(platform.proof(), Proof::Token(_)) {
            request = of_token(platform, &request)?;
        }
        if !request.headers.iter().any(|(name, _)| form.is_own(name) || is_signature(name)) {
            return Err(Failure::new(
                "there is no signature header",
                "give --signature VALUE; if the request came without one, a proxy took it off, or the platform did not send it",
            ));
        }
        // Not checked: what is wrong with it may be the cause.
        let secret = self.secret.read_unchecked(platform)?;
        let previous = self.previous.read_unchecked()?;
        let findings = search(&Evidence {
            form: &form,
            body: &request.body,
            headers: &request.headers,
            secret: secret.bytes(),
            previous: previous.as_ref().map(Hidden::bytes),
        });
        let mut answer = answer(&findings, &request, &form);
        answer.json["platform"] = platform.name().into();
        if self.platform.is_none() && platform.name() != DEFAULT {
            answer.text = format!(
                "{DIM}platform: {}, by the name of its header{DIM:#}\n{}",
                platform.name(),
                answer.text
            );
        }
        Ok(answer)
    }
}

/// A request whose body is what a token signs, and whose signature is the token's.
fn of_token(platform: &Platform, request: &Request) -> Result<Request, Failure> {
    let none = || Failure::new("there is no token (JWT)", "give it as --signature, or the header with -H");
    let own = platform.proof_headers();
    let is_own = |name: &str| own.iter().any(|own| own.eq_ignore_ascii_case(name));
    let header = request.headers.iter().find(|(name, _)| is_own(name)).map(|(_, value)| value.as_str());
    let value = header.or(request.signature.as_deref()).ok_or_else(none)?;
    let token = value.rsplit(' ').next().unwrap_or_default();
    let (signed, signature) = token.rsplit_once('.').ok_or_else(none)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| none())?;
    let headers = vec![("signature".to_owned(), const_hex::encode(signature))];
    Ok(Request { signature: None, headers, body: signed.as_bytes().to_vec() })
}

fn answer(findings: &Findings, request: &Request, form: &Form) -> Answer {
    let hints = if findings.causes.is_none() { hints(findings, request, form) } else { Vec::new() };
    let mut text = String::new();
    // A String takes every write.
    let _ = match findings.causes.as_deref() {
        None => writeln!(
            text,
            "{BAD}no cause found{BAD:#} among {} combinations of {} causes",
            findings.tried,
            CAUSES.len()
        ),
        Some([]) => writeln!(
            text,
            "{GOOD}the signature matches{GOOD:#} this body and this secret as they are\n\
             If your receiver refuses it, what it verifies is not what you gave here: compare its body's length ({} bytes),\n\
             or give --signature the value that it computes",
            request.body.len()
        ),
        Some(causes) => {
            let together = if causes.len() == 1 { "found" } else { "found, together" };
            writeln!(text, "{GOOD}{together}{GOOD:#}")
                .and_then(|()| causes.iter().try_for_each(|cause| tell(&mut text, cause)))
        }
    };
    for hint in &hints {
        let _ = writeln!(text, "  {hint}");
    }
    let json = json!({
        "found": findings.causes.is_some(),
        "matches": findings.causes.as_ref().is_some_and(Vec::is_empty),
        "causes": findings.causes.iter().flatten().map(|cause| cause_json(cause)).collect::<Vec<_>>(),
        "tried": findings.tried,
        "complete": findings.complete,
        "hints": hints,
    });
    Answer { text, json, exit: Exit::well_if(findings.causes.is_some()) }
}

fn tell(text: &mut String, cause: &Cause) -> std::fmt::Result {
    writeln!(text, "  {HEADING}{}{HEADING:#}: {}\n    change: {}", cause.id, cause.what, cause.remedy)
}

fn cause_json(cause: &Cause) -> Value {
    json!({"id": cause.id, "what": cause.what, "change": cause.remedy})
}

/// What can be said where no cause fits.
fn hints(findings: &Findings, request: &Request, form: &Form) -> Vec<String> {
    let mut hints = vec![
        "is it the secret of this app? Each app has its own, and one that was regenerated is shown only once"
            .to_owned(),
        format!("is it the whole body of this very request? It has {} bytes", request.body.len()),
    ];
    let missing = form.missing(&request.headers);
    if !missing.is_empty() {
        hints.push(format!("{} is signed, and the request lacks it: give it with -H", missing.join(" and ")));
    }
    if !findings.complete {
        hints.push(
            "the body is large, so not all combinations were tried: try a request with a smaller one".into(),
        );
    }
    if String::from_utf8_lossy(&request.body).contains('\u{fffd}') {
        hints.push("the body holds bytes that are no UTF-8, or U+FFFD in their place: they were lost when it was read as text".into());
    }
    let plausible = |value: &str| value.trim().len() >= 40;
    if !request.headers.iter().any(|(name, value)| is_signature(name) && plausible(value)) {
        hints.push("the signature is too short: 32 bytes are 64 hex digits, or 44 letters of base64".into());
    }
    hints
}

fn list() -> Answer {
    let mut text = String::new();
    for cause in CAUSES {
        let _ = tell(&mut text, cause);
    }
    let _ = writeln!(text, "{DIM}{} causes, tried one by one and up to three together{DIM:#}", CAUSES.len());
    let json = json!({"causes": CAUSES.iter().map(cause_json).collect::<Vec<_>>()});
    Answer { text, json, exit: Exit::Well }
}

#[cfg(test)]
mod tests;
