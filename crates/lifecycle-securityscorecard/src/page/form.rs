//! One visit to the installation page, with what the app adds to it, as HTML.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{InstallPage, InstallPageError};
use crate::{DeclaredSecret, InstallationId, web_url};
use lifecycle_core::Reply;

const STYLE: &str = include_str!("page.css");

/// The one style that the page may apply, by its SHA-256.
static STYLE_SOURCE: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(STYLE))));

/// The installation form of one visit; [`InstallPage::form`] makes it.
///
/// A value that the app fills in is a hidden field. It is not asked for, but it passes through the browser, so its
/// user can read it: give away nothing that this user may not know.
///
/// ```
/// use lifecycle_securityscorecard::{DeclaredSecret, InstallPage, InstallationId, Manifest};
///
/// let manifest = Manifest {
///     secrets: vec![
///         DeclaredSecret::required("APP_TOKEN", "Filled in by the app"),
///         DeclaredSecret::optional("CHANNEL", "Where to post, unless in #general"),
///     ],
///     ..Manifest::new("Acme Notifier", "acme_notifier")
/// };
/// let page = InstallPage::new(&manifest)?;
/// let installation = InstallationId::new("ins_7Yk2")?;
///
/// let reply = page
///     .form(&installation)
///     .prefill("APP_TOKEN", "5f3c")?
///     .step("Invite our bot first", "https://chat.example/invite")?
///     .render();
/// assert!(std::str::from_utf8(reply.body())?.contains(r#"<input type="hidden" name="APP_TOKEN" value="5f3c">"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct InstallForm<'p> {
    page: &'p InstallPage,
    installation: &'p InstallationId,
    prefilled: BTreeMap<String, Value>,
    steps: Vec<Step>,
}

/// A value filled in by the app.
struct Value(Zeroizing<String>);

/// A link to a step of the app's own; it may hold a state, so it is not shown either.
struct Step {
    label: String,
    url: Zeroizing<String>,
}

impl<'p> InstallForm<'p> {
    pub(super) fn new(page: &'p InstallPage, installation: &'p InstallationId) -> Self {
        Self { page, installation, prefilled: BTreeMap::new(), steps: Vec::new() }
    }

    /// Fills in a declared secret, which is then not asked for: a token of the app's own, or what an earlier step gave.
    ///
    /// # Errors
    /// [`InstallPageError::Undeclared`] and [`InstallPageError::PrefilledCharacters`].
    pub fn prefill(mut self, key: &str, value: impl Into<String>) -> Result<Self, InstallPageError> {
        let value = Zeroizing::new(value.into());
        if !self.page.declares(key) {
            return Err(InstallPageError::Undeclared(key.into()));
        }
        if value.chars().any(char::is_control) {
            return Err(InstallPageError::PrefilledCharacters(key.into()));
        }
        self.prefilled.insert(key.into(), Value(value));
        Ok(self)
    }

    /// Adds a link, above the fields, to a step of the app's own. The link leaves the page, so what it leads to should
    /// come back with a state of [`InstallStates`](crate::InstallStates).
    ///
    /// # Errors
    /// [`InstallPageError::Url`]. The address may be relative.
    pub fn step(mut self, label: impl Into<String>, url: &str) -> Result<Self, InstallPageError> {
        web_url::reference(url)?;
        self.steps.push(Step { label: label.into(), url: Zeroizing::new(url.into()) });
        Ok(self)
    }

    /// The whole answer: 200, HTML and the headers that protect it.
    pub fn render(&self) -> Reply {
        let policy = format!(
            "default-src 'none'; style-src {}; form-action {}; frame-ancestors 'none'; base-uri 'none'",
            *STYLE_SOURCE,
            self.page.form_targets(),
        );
        Reply::new(200, "text/html; charset=utf-8", Html(self).to_string())
            .header("cache-control", "no-store")
            .header("content-security-policy", policy)
            .header("referrer-policy", "no-referrer")
            .header("x-content-type-options", "nosniff")
    }

    fn asked(&self) -> impl Iterator<Item = &DeclaredSecret> {
        self.page.secrets.iter().filter(|secret| !self.prefilled.contains_key(&secret.key))
    }
}

/// The HTML. Whatever is not a literal here goes through [`Escaped`]. A type of its own, so that nobody prints a form by
/// mistake.
struct Html<'f>(&'f InstallForm<'f>);

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InstallPage { name, parameter, platform_url, platform_origins, .. } = self.0.page;
        write!(
            f,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Install {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Install {name}</h1>\n",
            name = Escaped(name),
        )?;
        for Step { label, url } in &self.0.steps {
            let (label, url) = (Escaped(label), Escaped(url));
            writeln!(f, "<p><a href=\"{url}\">{label}</a></p>")?;
        }
        if self.0.asked().next().is_some() {
            let to = Escaped(&platform_origins[0]);
            writeln!(f, "<p class=\"quiet\">Your browser sends what you enter straight to {to}.</p>")?;
        }
        writeln!(f, "<form method=\"post\" action=\"{}\" autocomplete=\"off\">", Escaped(platform_url))?;
        hidden(f, parameter, self.0.installation.expose())?;
        for (key, Value(value)) in &self.0.prefilled {
            hidden(f, key, value)?;
        }
        for (n, secret) in self.0.asked().enumerate() {
            field(f, n + 1, secret)?;
        }
        f.write_str(
            "<button type=\"submit\">Finish the installation</button>\n</form>\n</main>\n</body>\n</html>\n",
        )
    }
}

fn hidden(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "<input type=\"hidden\" name=\"{}\" value=\"{}\">", Escaped(name), Escaped(value))
}

/// `new-password` is what keeps browsers from filling in a password that they saved for the app's site; they take no
/// notice of `off` on such a field.
fn field(f: &mut fmt::Formatter<'_>, number: usize, secret: &DeclaredSecret) -> fmt::Result {
    let key = Escaped(&secret.key);
    let about = Escaped(secret.description.as_deref().unwrap_or_default());
    let (required, note) = if secret.value_required { (" required", "") } else { ("", " (optional)") };
    writeln!(
        f,
        "<div class=\"field\">\n<label for=\"secret-{number}\"><b>{key}</b> {about}{note}</label>\n\
         <input id=\"secret-{number}\" name=\"{key}\" type=\"password\" autocomplete=\"new-password\" \
         autocapitalize=\"none\" spellcheck=\"false\"{required}>\n</div>"
    )
}

/// Text made safe for an element and for a quoted attribute alike.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&html_escape::encode_quoted_attribute(self.0))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}
