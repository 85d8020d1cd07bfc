//! `lifecycle explain`: why a signature does not match, and what to change in the receiver.

mod algorithm;
mod bodies;
mod cause;
mod json_forms;
mod search;
mod secrets;
mod signatures;

use std::fmt::Write;

use clap::Args;
use lifecycle_core::{Platform, seismic};
use serde_json::{Value, json};

use crate::answer::{Answer, Exit};
use crate::failure::Failure;
use crate::request_headers::{Request, RequestArgs};
use crate::secret::{Hidden, PreviousSecretArgs, SigningSecretArgs};
use crate::shown::{BAD, DIM, GOOD, HEADING};
use cause::{CAUSES, Cause};
use search::{Evidence, Findings, is_signature, search};

const EXAMPLES: &str = "\
Examples:
  lifecycle explain --body body.json --signature ddc467d5... --secret-env SEISMIC_SIGNING_SECRET
  lifecycle explain --body body.json --headers curl-v.txt --secret-file secret.txt --previous-secret-file old.txt
  lifecycle explain --causes

--signature may be the value that arrived, or the one that your receiver computed in its place: the latter tells what
your receiver does differently. No secret and no expected signature is ever shown.

Exit code 0 says that the signature matches or that the cause was found, 1 that it was not.";

/// The platform whose signatures are explained.
const PLATFORM: &Platform = &seismic::PLATFORM;

/// Whether the causes are those of this platform's signatures.
pub(crate) fn knows(platform: &Platform) -> bool {
    platform.name() == PLATFORM.name()
}

/// Find out why a signature does not match, and what to change
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// List every cause that is tried, and do nothing else
    #[arg(long, conflicts_with_all = ["body", "signature", "header", "headers"])]
    causes: bool,
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
        let request = self.request.read(PLATFORM)?;
        if !request.headers.iter().any(|(name, _)| is_signature(name)) {
            return Err(Failure::new(
                "there is no signature header",
                "give --signature VALUE; if the request came without one, a proxy took it off, or Seismic did not send it",
            ));
        }
        // Not checked: what is wrong with it may be the cause.
        let secret = self.secret.read_unchecked(PLATFORM)?;
        let previous = self.previous.read_unchecked()?;
        let findings = search(&Evidence {
            body: &request.body,
            headers: &request.headers,
            secret: secret.bytes(),
            previous: previous.as_ref().map(Hidden::bytes),
        });
        Ok(answer(&findings, &request))
    }
}

fn answer(findings: &Findings, request: &Request) -> Answer {
    let hints = if findings.causes.is_none() { hints(findings, request) } else { Vec::new() };
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
fn hints(findings: &Findings, request: &Request) -> Vec<String> {
    let mut hints = vec![
        "is it the secret of this app? Each app has its own, and one that was regenerated is shown only once"
            .to_owned(),
        format!("is it the whole body of this very request? It has {} bytes", request.body.len()),
    ];
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
        hints.push("the signature is too short: Seismic's has 64 hex digits".into());
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
