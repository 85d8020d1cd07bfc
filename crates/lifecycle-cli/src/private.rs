//! Private: what no output may repeat.

use reqwest::Url;

use crate::secret::Hidden;

/// What stands in the place of a secret.
const SECRET: &str = "[secret]";

/// What no output may repeat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Private {
    /// What signs; no request has it.
    pub(crate) keys: Vec<Hidden>,
    /// Secrets that stand in the request itself: the token that ends a URL, those of a user.
    pub(crate) sent: Vec<Hidden>,
    /// What was signed. A request shows it, since whoever sends it has made it; an answer does not.
    pub(crate) signatures: Vec<String>,
}

impl Private {
    /// The last part of a URL's path, which is a token.
    pub(crate) fn token(url: &Url) -> Option<Hidden> {
        let last = url.path().trim_end_matches('/').rsplit('/').next()?;
        (!last.is_empty()).then(|| Hidden::from(last))
    }

    /// A part of the URL or the head of a request, without the secrets in it.
    pub(crate) fn request(&self, text: &str) -> String {
        self.sent.iter().fold(text.to_owned(), |text, secret| secret.redact(&text, SECRET))
    }

    /// A part of an answer, without anything that forges.
    pub(crate) fn answer(&self, text: &str) -> String {
        let text = self.signatures.iter().fold(text.to_owned(), |text, own| text.replace(own, "[signature]"));
        self.keys.iter().chain(&self.sent).fold(text, |text, secret| secret.redact(&text, SECRET))
    }

    /// Whether a text had such a secret.
    pub(crate) fn is_redacted(text: &str) -> bool {
        text.contains(SECRET)
    }
}
