//! Completion: the installation data that a user's browser, or the app's server, hands in.

use std::fmt;

use lifecycle_core::Status;
use lifecycle_securityscorecard::{InstallQuery, InstallationId, InstallationIdError};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Marketplace;
use super::scorecard::token_hash;
use crate::installation::Installation;
use crate::problem::Problem;

/// The most bytes of all secrets of an installation: they have to fit into one header.
const MAX_SECRETS: usize = 8 * 1024;

/// The id of an installation and the values handed in for it.
pub(crate) struct Submission {
    installation: InstallationId,
    values: Vec<(String, Zeroizing<String>)>,
}

/// The body that the platform's own toolkit sends.
#[derive(Deserialize)]
struct Json {
    installation: String,
    #[serde(default)]
    secrets: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    key: String,
    value: Zeroizing<String>,
}

impl Submission {
    /// A form: the installation's id and one field for each secret.
    pub(crate) fn from_form(body: &[u8]) -> Result<Self, Problem> {
        let body = std::str::from_utf8(body).map_err(|_| Problem::malformed("the form is not UTF-8"))?;
        // Only the fields that can name the installation: the secrets may be longer than any query.
        let naming = |field: &&str| field.starts_with("installation") || field.starts_with("id=");
        let query: Vec<&str> = body.split('&').filter(naming).collect();
        let installation = InstallQuery::default().read(&query.join("&")).map_err(named)?;
        let values = form_urlencoded::parse(body.as_bytes());
        let values = values.map(|(key, value)| (key.into_owned(), Zeroizing::new(value.into_owned())));
        Ok(Self { installation, values: values.collect() })
    }

    /// `{"installation": "..", "secrets": [{"key": "..", "value": ".."}]}`.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, Problem> {
        // The parser's own words could repeat a part of the body, which holds secrets.
        let malformed = |error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            Problem::malformed(format!(
                "the body is not {{\"installation\", \"secrets\": [{{\"key\", \"value\"}}]}}: line {line}, column {column}"
            ))
        };
        let json: Json = serde_json::from_slice(body).map_err(malformed)?;
        let installation = InstallationId::new(json.installation).map_err(named)?;
        Ok(Self {
            installation,
            values: json.secrets.into_iter().map(|pair| (pair.key, pair.value)).collect(),
        })
    }
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submission").finish_non_exhaustive()
    }
}

impl Marketplace {
    /// Stores the declared secrets of an installation, instead of those it had. A field that the manifest does not
    /// declare is not kept, and an empty one counts as not given.
    pub(crate) async fn complete(&self, submission: Submission) -> Result<Installation, Problem> {
        let hash = token_hash(submission.installation.expose());
        let found = self.run(move |store| store.installation_by_token(hash)).await?;
        let Some(installation) = found.filter(|installation| installation.status == Status::Installed) else {
            let detail = "no installation has this id; it ends with each new install: start again from the marketplace";
            return Err(Problem { detail: detail.to_owned(), ..Problem::not_found("installation") });
        };
        let app = self.app(installation.app).await?;
        let registered = app.scorecard().ok_or_else(|| Problem::not_found("app with a manifest"))?;
        let declared = |key: &str| registered.manifest.secrets.iter().any(|secret| secret.key == key);
        let mut secrets: Vec<(String, Zeroizing<String>)> = Vec::new();
        for (key, value) in submission.values {
            if !declared(&key) || value.is_empty() {
                continue;
            }
            if secrets.iter().any(|(own, _)| *own == key) {
                return Err(Problem::invalid("secret-twice", format!("the secret {key} is given twice")));
            }
            secrets.push((key, value));
        }
        if secrets.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() > MAX_SECRETS {
            return Err(Problem::invalid("secrets-too-long", "the secrets are longer than 8 KiB together"));
        }
        let id = installation.id;
        self.run(move |store| store.complete_installation(id, &secrets)).await?;
        self.installation(id).await
    }
}

fn named(error: InstallationIdError) -> Problem {
    Problem { code: error.code(), ..Problem::malformed(error.to_string()) }
}
