//! `lifecycle sign`: the headers that Seismic would send with a body.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use lifecycle_core::seismic;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Exit};
use crate::body;
use crate::failure::Failure;
use crate::secret::{PreviousSecretArgs, SigningSecretArgs};

const EXAMPLES: &str = "\
Examples:
  lifecycle sign --body install.json --secret-env SEISMIC_SIGNING_SECRET
  curl -H \"$(lifecycle sign --body install.json)\" --data-binary @install.json http://127.0.0.1:3000/seismic
  printf '{\"type\":\"install\"}' | lifecycle sign --body - --value

Use --data-binary with curl: -d takes line breaks out, and the signature would no longer match.";

/// Write the signature headers that Seismic would send with a body
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SignArgs {
    /// The body's file; - for the standard input. It is signed byte for byte
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
    /// Write only the value, without the header's name
    #[arg(long)]
    value: bool,
    #[command(flatten)]
    secret: SigningSecretArgs,
    #[command(flatten)]
    previous: PreviousSecretArgs,
}

impl SignArgs {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let current = self.secret.read()?;
        let previous = self.previous.read()?;
        let body = body::read(&self.body)?;
        let signed = [(seismic::SIGNATURE, Some(current)), (seismic::SIGNATURE_OLD, previous)];
        let mut text = String::new();
        let mut headers = Map::new();
        for (name, secret) in signed {
            let Some(secret) = secret else { continue };
            let signature = seismic::SCHEME.sign(secret.secret(), &[], &body);
            let _ = if self.value {
                writeln!(text, "{signature}")
            } else {
                writeln!(text, "{name}: {signature}")
            };
            headers.insert(name.to_owned(), Value::from(signature));
        }
        Ok(Answer { text, json: json!({"headers": headers, "body_length": body.len()}), exit: Exit::Well })
    }
}
