//! Request headers: the request that `verify` and `explain` look at, as they are given it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use lifecycle_core::{Platform, Proof, TokenPlace};
use lifecycle_testing::Sender;

use crate::body;
use crate::failure::Failure;
use crate::platform::named;
use crate::recognition::{Recognised, header_names, is_signed, recognise};
use crate::simulated;
use crate::transcript::{Transcript, Wanted, time};

/// The platform that is meant where nothing names another.
pub(crate) const DEFAULT: &str = "seismic";

/// The request that is looked at.
#[derive(Args, Debug)]
pub(crate) struct RequestArgs {
    /// The body's file, exactly as it was received; - for the standard input. What --headers names may hold the body,
    /// too
    #[arg(long, value_name = "FILE")]
    pub(crate) body: Option<PathBuf>,
    /// The value of the signature's header, such as x-seismic-signature, or the token
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(crate) signature: Option<String>,
    /// A header of the request, as in curl: 'NAME: VALUE'
    #[arg(short = 'H', long = "header", value_name = "NAME:VALUE")]
    pub(crate) header: Vec<String>,
    /// The file that the request is saved in: raw HTTP, header lines, a curl command, the output of curl -v, a HAR file or an
    /// excerpt of one, a JSON object, an API gateway's event, lines of a JSON log such as pino's, or of another log
    #[arg(long, value_name = "FILE", visible_alias = "request")]
    pub(crate) headers: Option<PathBuf>,
    /// Which of several requests in that file, counted from 1
    #[arg(long, value_name = "N", requires = "headers")]
    pub(crate) pick: Option<usize>,
    /// The URL that was asked for, where a token stands in its query
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// When the receiver looked at it, such as 2026-12-01T08:30:00Z or seconds since 1970 [default: as the saved request
    /// says, else now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) at: Option<SystemTime>,
    /// The delivery of a running simulator with this number
    #[arg(long, value_name = "ID", conflicts_with_all = ["headers", "body"])]
    pub(crate) delivery: Option<u64>,
    /// Where that simulator is
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4000")]
    pub(crate) simulator: String,
}

/// The request, read.
#[derive(Clone)]
pub(crate) struct Request {
    /// The value that was given as that of the signature.
    pub(crate) signature: Option<String>,
    /// The path and the query, or the whole URL, if it is known.
    pub(crate) target: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether a body was given.
    pub(crate) has_body: bool,
    /// When it was received, if that is known.
    pub(crate) at: Option<SystemTime>,
    /// Whether it was picked out of text by the names of headers.
    pub(crate) is_picked: bool,
}

impl Request {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The query's parameters as they stand there.
    pub(crate) fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        let target = self.target.as_deref().unwrap_or_default();
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }
}

impl RequestArgs {
    /// Reads what the options name, of this platform, or else of the one that it shows itself to be of.
    pub(crate) fn read(&self, given: Option<&'static Sender>) -> Result<(Request, Recognised), Failure> {
        let (mut request, is_body_parsed) = self.saved()?;
        let recognised = match given {
            Some(sender) => Recognised { sender, by: None },
            None => recognise(&request)
                .unwrap_or(Recognised { sender: named(DEFAULT).expect("the registry has it"), by: None }),
        };
        let platform = recognised.sender.platform();
        if let (Some(signature), Some(name)) = (&self.signature, platform.proof_headers().first()) {
            request.headers.insert(0, ((*name).to_owned(), as_header(platform, signature)));
        }
        if is_body_parsed && needs_body(platform, &request) {
            return Err(Failure::new(
                "the saved request holds its body as parsed JSON, and not the bytes that were signed",
                "give them with --body FILE; a log has to be written before any body parser runs",
            ));
        }
        if !request.has_body && needs_body(platform, &request) {
            return Err(Failure::new("no body", "give --body FILE, or - for the standard input"));
        }
        Ok((request, recognised))
    }

    /// The request as far as it is told, and whether its body is there as parsed JSON alone.
    fn saved(&self) -> Result<(Request, bool), Failure> {
        let mut headers = Vec::new();
        for header in &self.header {
            let (name, value) = header.split_once(':').ok_or_else(|| {
                Failure::new("a --header has no colon", "write it as -H 'x-seismic-signature: VALUE'")
            })?;
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        let transcript = self.transcript()?;
        headers.extend(transcript.headers);
        let body = match &self.body {
            Some(file) => Some(body::read(file)?),
            None => transcript.body,
        };
        let request = Request {
            signature: self.signature.clone(),
            target: self.url.clone().or(transcript.target),
            headers,
            has_body: body.is_some(),
            body: body.unwrap_or_default(),
            at: self.at.or(transcript.at),
            is_picked: transcript.is_picked,
        };
        let is_body_parsed = transcript.is_body_parsed && !request.has_body;
        Ok((request, is_body_parsed))
    }

    fn transcript(&self) -> Result<Transcript, Failure> {
        let text = match (&self.headers, self.delivery) {
            (Some(file), _) => {
                if file == Path::new("-") && self.body.as_deref() == Some(Path::new("-")) {
                    return Err(Failure::new(
                        "body and headers cannot both be the standard input",
                        "save one to a file",
                    ));
                }
                body::read_text(file)?
            }
            (None, Some(id)) => simulated::delivery(&self.simulator, id)?,
            (None, None) => return Ok(Transcript::default()),
        };
        let names = header_names();
        Transcript::read(&text, Wanted { names: &names, is_signed: &is_signed, pick: self.pick })
    }
}

/// Whether the proof cannot be looked at without the body.
fn needs_body(platform: &Platform, request: &Request) -> bool {
    match platform.proof() {
        Proof::Token(scheme) => scheme.place() == TokenPlace::Body && request.signature.is_none(),
        _ => true,
    }
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

fn parse_time(text: &str) -> Result<SystemTime, String> {
    time(text).ok_or_else(|| "write it as 2026-12-01T08:30:00Z, or as seconds since 1970".to_owned())
}
