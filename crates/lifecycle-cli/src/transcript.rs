//! Transcript: a request that was saved in one of the usual forms: its target, its headers and, where it is there, its body.

mod curl_command;
mod json;
mod lines;
mod log_line;

use std::time::{Duration, SystemTime};

use crate::failure::Failure;

/// A saved request.
#[derive(Clone, Default, Eq, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Transcript {
    /// The method, if the form has it.
    pub(crate) method: Option<String>,
    /// The path and the query, or the whole URL, if the form has it.
    pub(crate) target: Option<String>,
    /// In order, the names as written.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, if the form has one.
    pub(crate) body: Option<Vec<u8>>,
    /// Whether the form has it as JSON that was read already, so that its bytes are lost.
    pub(crate) is_body_parsed: bool,
    /// When it was sent or received, if the form says so.
    pub(crate) at: Option<SystemTime>,
    /// Whether it was picked out of text in no known form, by the names of headers.
    pub(crate) is_picked: bool,
}

/// What tells the request that is meant from others.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// The names of headers that are looked for in text.
    pub(crate) names: &'a [&'a str],
    /// Whether a request carries a proof.
    pub(crate) is_signed: &'a dyn Fn(&Transcript) -> bool,
    /// Which of several it is, counted from 1.
    pub(crate) pick: Option<usize>,
}

impl Transcript {
    /// Recognises and reads: a curl command, the output of `curl -v`, a HAR file or a part of one, an API gateway's event, a JSON object of
    /// headers, lines of JSON that a logger such as pino wrote, plain header lines, after which a body may follow, or a line of another log.
    /// Of several requests in one file, the one is meant that is picked, or else the one that is signed.
    pub(crate) fn read(text: &str, wanted: Wanted<'_>) -> Result<Self, Failure> {
        let text = text.trim_start_matches('\u{feff}');
        let start = text.trim_start();
        let found = if start.starts_with(['{', '[']) {
            match json::read(text) {
                Ok(found) => found,
                Err(failure) => Some(log_line::read(text, wanted.names))
                    .filter(|picked| !picked.is_empty())
                    .map(|picked| vec![picked])
                    .ok_or(failure)?,
            }
        } else if curl_command::is_one(start) {
            vec![curl_command::read(start)?]
        } else if lines::are_of_curl(text) {
            vec![lines::of_curl(text)]
        } else {
            vec![lines::read(text)]
        };
        let found: Vec<Self> = found.into_iter().filter(|found| !found.is_empty()).collect();
        // What is in no form that is known may still name the headers.
        let is_known = |found: &Self| {
            let has = |name: &str| found.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
            (wanted.is_signed)(found) || wanted.names.iter().any(|name| has(name))
        };
        if !found.iter().any(is_known) {
            let in_lines = json::in_lines(text);
            if in_lines.iter().any(is_known) {
                return one(&in_lines, wanted);
            }
            let picked = log_line::read(text, wanted.names);
            if is_known(&picked) {
                return Ok(picked);
            }
        }
        one(&found, wanted)
    }

    fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.target.is_none() && self.body.is_none()
    }

    /// Whether it is the same request, whenever it was logged.
    fn is_same(&self, other: &Self) -> bool {
        (&self.target, &self.headers, &self.body) == (&other.target, &other.headers, &other.body)
    }

    /// On one line, to choose by.
    fn told(&self) -> String {
        let path = self.target.as_deref().map(|target| target.split('?').next().unwrap_or_default());
        let time = self.at.and_then(|at| jiff::Timestamp::try_from(at).ok()).map(|at| format!("{at:.0}"));
        let words = [self.method.as_deref(), path, time.as_deref()];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// The one that is meant.
fn one(found: &[Transcript], wanted: Wanted<'_>) -> Result<Transcript, Failure> {
    if let Some(pick) = wanted.pick {
        let place = pick.checked_sub(1).and_then(|place| found.get(place));
        return place.cloned().ok_or_else(|| {
            Failure::new(
                format!("--pick {pick}, and the file holds {} requests", found.len()),
                "give another",
            )
        });
    }
    let signed: Vec<(usize, &Transcript)> =
        found.iter().enumerate().filter(|(_, found)| (wanted.is_signed)(found)).collect();
    match (signed.as_slice(), found) {
        ([(_, one)], _) => Ok(Transcript::clone(one)),
        ([], [one]) => Ok(one.clone()),
        ([], []) => Err(Failure::new(
            "there are no headers in the saved request",
            "give header lines, a curl command, the output of curl -v, or an exported HAR",
        )),
        (signed, all) => {
            let told = signed.iter().take(8).map(|(place, one)| format!("{}: {}", place + 1, one.told()));
            let told = told.collect::<Vec<_>>().join("; ");
            // An unsigned request's path may be all that proves it.
            let told = if told.is_empty() { format!("1 to {}", all.len()) } else { told };
            Err(Failure::new(
                format!("the file holds {} requests, {} of them signed", all.len(), signed.len()),
                format!("choose one by --pick N ({told})"),
            ))
        }
    }
}

/// A time as loggers write it: RFC 3339, or a number of seconds or milliseconds since the Unix epoch.
pub(crate) fn time(text: &str) -> Option<SystemTime> {
    if let Ok(number) = text.parse::<f64>() {
        let seconds = if number >= 1e11 { number / 1e3 } else { number };
        let since = Duration::try_from_secs_f64(seconds).ok().filter(|_| (1e9..1e10).contains(&seconds))?;
        return SystemTime::UNIX_EPOCH.checked_add(since);
    }
    text.parse::<jiff::Timestamp>().ok().map(Into::into)
}

#[cfg(test)]
mod tests;
