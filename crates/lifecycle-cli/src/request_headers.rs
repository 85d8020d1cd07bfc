//! Request headers: the headers that a request came with, as `verify` and `explain` are given them.

use std::path::{Path, PathBuf};

use clap::Args;
use lifecycle_core::{Platform, Proof, TokenPlace};
use lifecycle_testing::{Sender, registry};

use crate::body;
use crate::failure::Failure;
use crate::platform::named;
use crate::transcript::Transcript;

/// The platform that is meant where nothing names another.
pub(crate) const DEFAULT: &str = "seismic";

/// The request that is looked at.
#[derive(Args, Debug)]
pub(crate) struct RequestArgs {
    /// The body's file, exactly as it was received; - for the standard input. What --headers names may hold the body,
    /// too
    #[arg(long, value_name = "FILE")]
    pub(crate) body: Option<PathBuf>,
    /// The value of the signature's header, such as x-seismic-signature
    #[arg(long, value_name = "VALUE")]
    pub(crate) signature: Option<String>,
    /// A header of the request, as in curl: 'NAME: VALUE'
    #[arg(short = 'H', long = "header", value_name = "NAME:VALUE")]
    pub(crate) header: Vec<String>,
    /// The file that the headers are saved in: header lines, the output of curl -v, a HAR file or an excerpt of one, a JSON
    /// object, an API gateway's event, or lines of a JSON log such as pino's
    #[arg(long, value_name = "FILE")]
    pub(crate) headers: Option<PathBuf>,
}

/// The request, read.
pub(crate) struct Request {
    /// The value that was given as that of the signature.
    pub(crate) signature: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The value of the header: before a token stands the platform's word, where it needs one.
fn as_header(platform: &Platform, signature: &str) -> String {
    let Proof::Token(scheme) = platform.proof() else { return signature.to_owned() };
    match scheme.place() {
        TokenPlace::Header { words: [word, ..], .. } if !signature.contains(' ') => {
            format!("{word} {signature}").trim_start().to_owned()
        }
        _ => signature.to_owned(),
    }
}

impl RequestArgs {
    /// Reads what the options name, of a request of this platform.
    pub(crate) fn read(&self, platform: &Platform) -> Result<Request, Failure> {
        self.read_with(platform, platform.proof_headers())
    }

    /// The same of a request of any platform, and which it is: the one whose signature's header it has, if no other platform
    /// has that.
    pub(crate) fn read_any(&self) -> Result<(Request, &'static Sender), Failure> {
        let all: Vec<&str> =
            registry().iter().flat_map(|sender| sender.platform().proof_headers()).copied().collect();
        let default = named(DEFAULT).expect("the registry has it");
        let request = self.read_with(default.platform(), &all)?;
        let is_named = |sender: &&&'static Sender| {
            sender.platform().proof_headers().iter().any(|own| {
                all.iter().filter(|name| *name == own).count() == 1
                    && request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(own))
            })
        };
        let sender = registry().iter().find(is_named).copied().unwrap_or(default);
        Ok((request, sender))
    }

    fn read_with(&self, platform: &Platform, signed: &[&str]) -> Result<Request, Failure> {
        let mut headers = Vec::new();
        if let (Some(signature), Some(name)) = (&self.signature, platform.proof_headers().first()) {
            headers.push(((*name).to_owned(), as_header(platform, signature)));
        }
        for header in &self.header {
            let (name, value) = header.split_once(':').ok_or_else(|| {
                Failure::new("a --header has no colon", "write it as -H 'x-seismic-signature: VALUE'")
            })?;
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        let (mut saved_body, mut is_body_parsed) = (None, false);
        if let Some(file) = &self.headers {
            if file == Path::new("-") && self.body.as_deref() == Some(Path::new("-")) {
                return Err(Failure::new(
                    "body and headers cannot both be the standard input",
                    "save one to a file",
                ));
            }
            let transcript = Transcript::read(&body::read_text(file)?, signed)?;
            headers.extend(transcript.headers);
            (saved_body, is_body_parsed) = (transcript.body, transcript.is_body_parsed);
        }
        let body = match (&self.body, saved_body) {
            (Some(file), _) => body::read(file)?,
            (None, Some(saved)) => saved,
            (None, None) if is_body_parsed => {
                return Err(Failure::new(
                    "the saved request holds its body as parsed JSON, and not the bytes that were signed",
                    "give them with --body FILE; a log has to be written before any body parser runs",
                ));
            }
            (None, None) if platform.max_body() == 0 => Vec::new(),
            (None, None) => {
                return Err(Failure::new("no body", "give --body FILE, or - for the standard input"));
            }
        };
        Ok(Request { signature: self.signature.clone(), headers, body })
    }
}
