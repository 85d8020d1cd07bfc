//! `lifecycle sign`: the headers that a platform would send with a body, to prove it.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use lifecycle_core::{Platform, Proof};
use lifecycle_testing::{SignedRequest, SigningKeys};
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Exit};
use crate::body;
use crate::failure::Failure;
use crate::platform::{PlatformArgs, signs};
use crate::secret::{PreviousSecretArgs, SigningSecretArgs};
use crate::signing::signed_headers;

const EXAMPLES: &str = "\
Examples:
  lifecycle sign --body install.json --secret-env SEISMIC_SIGNING_SECRET
  curl -H \"$(lifecycle sign --body install.json)\" \\
      --data-binary @install.json http://127.0.0.1:3000/seismic
  lifecycle sign --platform stripe --body event.json --secret-file whsec.txt
  printf '{\"type\":\"install\"}' | lifecycle sign --body - --value

Use --data-binary with curl: -d takes line breaks out, and the signature would no longer match. Where a platform is proven by
a token (JWT), the file has its claims, and the token is written, behind the name of the header where it stands in one.";

/// Write the headers with which a platform would prove a body
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SignArgs {
    /// The body's file; - for the standard input. It is signed byte for byte
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
    /// Write only the values, without the headers' names
    #[arg(long)]
    value: bool,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    secret: SigningSecretArgs,
    #[command(flatten)]
    previous: PreviousSecretArgs,
}

impl SignArgs {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let platform = self.platform.platform.platform();
        if !signs(platform) {
            return Err(Failure::new(
                format!("{} signs nothing", platform.name()),
                "the token in the URL is the proof",
            ));
        }
        let mut keys = self.secret.read(platform)?.signing().clone();
        if let Some(previous) = self.previous.read(platform)? {
            keys = keys.with_previous(previous.signing().clone());
        }
        let body = body::read(&self.body)?;
        if let Proof::Token(_) = platform.proof() {
            return token(platform, &keys, &body);
        }
        let length = body.len();
        let own = signed_headers(self.platform.platform);
        let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut text = String::new();
        let mut headers = Map::new();
        for (name, value) in SignedRequest::new(platform, &keys, &own, body, SystemTime::now()).headers {
            let _ = if self.value { writeln!(text, "{value}") } else { writeln!(text, "{name}: {value}") };
            headers.insert(name, Value::from(value));
        }
        Ok(Answer { text, json: json!({"headers": headers, "body_length": length}), exit: Exit::Well })
    }
}

/// The token with these claims.
fn token(platform: &Platform, keys: &SigningKeys, claims: &[u8]) -> Result<Answer, Failure> {
    let no_claims =
        |_| Failure::new("the claims are no JSON object", "give the file with the JSON of the token");
    let _: Map<String, Value> = serde_json::from_slice(claims).map_err(no_claims)?;
    let claims = std::str::from_utf8(claims)
        .map_err(|_| Failure::new("the claims are not UTF-8", "give the file with the JSON of the token"))?;
    let token = keys.sign_claims(platform, claims);
    let text = match platform.proof_headers().first() {
        Some(name) => format!("{name}: {token}\n"),
        None => format!("{token}\n"),
    };
    Ok(Answer { text, json: json!({"token": token}), exit: Exit::Well })
}
