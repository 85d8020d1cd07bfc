//! Driver: a program that calls the libraries of one language, a request on each line and an answer on the next.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::SystemTime;

use lifecycle_testing::SignedRequest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::library::Library;
use crate::Failure;

/// The process. It is killed when this is dropped.
pub(crate) struct Driver {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    versions: BTreeMap<String, String>,
}

/// What a library makes of a request.
#[derive(Debug, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) accepted: bool,
    /// In the library's words.
    #[serde(default)]
    pub(crate) why: String,
    /// The body of its answer, where it gives one.
    pub(crate) answer: Option<String>,
}

#[derive(Serialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Request<'r> {
    Versions,
    Sign(&'r Call<'r>),
    Verify(&'r Call<'r>),
}

/// What a library is called with.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Call<'r> {
    pub(crate) library: &'static str,
    pub(crate) platform: &'static str,
    pub(crate) key: &'r str,
    /// The id by which signatures name the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<&'r str>,
    pub(crate) target: &'r str,
    pub(crate) headers: BTreeMap<&'r str, &'r str>,
    pub(crate) body: &'r str,
    /// Those of the token to sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) claims: Option<&'r str>,
    /// By whom a token has to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<&'r str>,
    /// For whom a token has to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audience: Option<&'r str>,
    /// The library's clock, in seconds since the epoch.
    pub(crate) now: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer<T> {
    Error { error: String },
    Given(T),
}

#[derive(Deserialize)]
struct Versions {
    versions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Signed {
    signed: BTreeMap<String, String>,
}

impl Driver {
    /// Starts the program and asks which versions it has loaded.
    pub(crate) fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("it has no pipes".into());
        };
        let mut driver =
            Self { child, requests, answers: BufReader::new(answers), versions: BTreeMap::new() };
        driver.versions = driver.ask::<Versions>(&Request::Versions)?.versions;
        Ok(driver)
    }

    /// The version of a library that the program has loaded.
    pub(crate) fn version(&self, library: &Library) -> Result<String, Failure> {
        let version = self.versions.get(library.name);
        Ok(version.ok_or_else(|| format!("the driver does not know {}", library.name))?.clone())
    }

    /// The headers of the proof that the library writes for this body, whatever signature the request has.
    pub(crate) fn sign(&mut self, call: &Call<'_>) -> Result<BTreeMap<String, String>, Failure> {
        Ok(self.ask::<Signed>(&Request::Sign(call))?.signed)
    }

    /// The token that the library makes of these claims.
    pub(crate) fn sign_claims(&mut self, call: &Call<'_>) -> Result<String, Failure> {
        let token = self.sign(call)?.remove("token");
        Ok(token.ok_or_else(|| format!("{} signed nothing", call.library))?)
    }

    /// What the library makes of a request.
    pub(crate) fn verify(&mut self, call: &Call<'_>) -> Result<Verdict, Failure> {
        self.ask(&Request::Verify(call))
    }

    fn ask<T: DeserializeOwned>(&mut self, request: &Request<'_>) -> Result<T, Failure> {
        let mut line = serde_json::to_string(request)?;
        line.push('\n');
        self.requests.write_all(line.as_bytes())?;
        line.clear();
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            return Err(format!("its driver ended: {}", self.child.wait()?).into());
        }
        match serde_json::from_str(&line)? {
            Answer::Error { error } => Err(error.into()),
            Answer::Given(answer) => Ok(answer),
        }
    }
}

impl<'r> Call<'r> {
    /// At this time of the library's clock. The rest is empty.
    pub(crate) fn new(library: &Library, now: SystemTime) -> Result<Self, Failure> {
        Ok(Self {
            library: library.name,
            platform: library.platform,
            key: "",
            key_id: None,
            target: "",
            headers: BTreeMap::new(),
            body: "",
            claims: None,
            issuer: None,
            audience: None,
            now: now.duration_since(SystemTime::UNIX_EPOCH)?.as_secs(),
        })
    }

    /// With this request, whose body is text, as all bodies here are.
    pub(crate) fn with(self, request: &'r SignedRequest) -> Result<Self, Failure> {
        let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Ok(Self { target: &request.target, headers, body: std::str::from_utf8(&request.body)?, ..self })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}
