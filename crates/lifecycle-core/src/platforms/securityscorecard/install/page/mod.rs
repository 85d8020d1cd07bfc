//! The page at `install_url`: it asks the user for the declared secrets and has the browser post them to the platform.

mod error;
mod form;

use std::borrow::Cow;

pub use error::InstallPageError;
pub use form::InstallForm;

use super::manifest::{DeclaredSecret, Manifest};
use super::query::PARAMETERS;
use super::{InstallationId, web_url};
use crate::Reply;

/// Where a browser posts the installation id and the secrets, to complete an installation.
pub const INSTALLATION_DATA_URL: &str = "https://platform-api.securityscorecard.io/apps/installation-data";

/// Where the platform's own pages are, to which it may send the browser on.
const PLATFORM_PAGES: &str = "https://platform.securityscorecard.io";

/// The installation page of an app: made once from its manifest, rendered for each visit.
///
/// It has one labelled field for each declared secret and a form that goes to the platform, so what the user enters
/// never reaches the app's server. It needs no script. Everything on it is escaped, and its headers forbid scripts,
/// frames, other form targets, caching and referrers.
///
/// It never submits itself. Anybody can send a link with an installation id of their own to somebody else, so the
/// person at the browser has to see which app this is and press the button.
///
/// ```
/// use lifecycle_core::Reply;
/// use lifecycle_core::securityscorecard::{DeclaredSecret, InstallPage, InstallQuery, Manifest};
///
/// let manifest = Manifest {
///     secrets: vec![DeclaredSecret::required("ACCESS_TOKEN", "A token of your chat workspace")],
///     ..Manifest::new("Acme Notifier", "acme_notifier")
/// };
/// let page = InstallPage::new(&manifest)?; // once, at the start
///
/// // GET install_url: give the part after the `?`, however the framework names it.
/// let install = |query: &str| -> Reply {
///     match InstallQuery::default().read(query) {
///         Ok(installation) => page.render(&installation),
///         Err(error) => error.reply(),
///     }
/// };
/// let reply = install("installation=ins_7Yk2");
/// assert_eq!(reply.status(), 200);
/// let html = std::str::from_utf8(reply.body())?;
/// assert!(html.contains(r#"<input type="hidden" name="installation" value="ins_7Yk2">"#));
/// assert_eq!(install("").status(), 400);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct InstallPage {
    name: String,
    secrets: Vec<DeclaredSecret>,
    parameter: Cow<'static, str>,
    platform_url: String,
    origins: Vec<String>,
}

impl InstallPage {
    /// The page for the secrets that a manifest declares.
    ///
    /// # Errors
    /// [`InstallPageError::Secrets`] if a form cannot carry them under their keys, as
    /// [`Manifest::validate`] would say too.
    pub fn new(manifest: &Manifest) -> Result<Self, InstallPageError> {
        manifest.validate_secrets()?;
        Ok(Self {
            name: manifest.name.clone(),
            secrets: manifest.secrets.clone(),
            parameter: Cow::Borrowed(PARAMETERS[0]),
            platform_url: INSTALLATION_DATA_URL.into(),
            origins: vec![web_url::origin(web_url::absolute(INSTALLATION_DATA_URL)?), PLATFORM_PAGES.into()],
        })
    }

    /// The name of the form field that carries the installation id; `installation` unless set. The platform's page
    /// does not show it, so look at what your app's first installation is sent with.
    ///
    /// # Errors
    /// [`InstallPageError::Parameter`] if it is empty or the key of a secret.
    pub fn parameter(mut self, name: impl Into<Cow<'static, str>>) -> Result<Self, InstallPageError> {
        self.parameter = name.into();
        if self.parameter.is_empty() || self.declares(&self.parameter) {
            return Err(InstallPageError::Parameter);
        }
        Ok(self)
    }

    /// Where the form goes; [`INSTALLATION_DATA_URL`] unless set, for instance to a simulator. The page then allows
    /// forms to this origin only; see [`redirects_to`](Self::redirects_to).
    ///
    /// # Errors
    /// [`InstallPageError::Url`] unless it is an absolute https URL, or an http one with a loopback host.
    pub fn platform_url(mut self, url: &str) -> Result<Self, InstallPageError> {
        self.origins = vec![web_url::origin(web_url::absolute(url)?)];
        self.platform_url = url.into();
        Ok(self)
    }

    /// Allows the platform to answer the form with a redirect to the origin of `url`. Chrome and Safari hold such a
    /// redirect to the page's `form-action` too, and stop where it leads elsewhere. The platform's own pages
    /// (`https://platform.securityscorecard.io`) are allowed as long as its URL is not changed.
    ///
    /// # Errors
    /// As [`platform_url`](Self::platform_url).
    pub fn redirects_to(mut self, url: &str) -> Result<Self, InstallPageError> {
        self.origins.push(web_url::origin(web_url::absolute(url)?));
        Ok(self)
    }

    /// The page for one visit, with every secret asked for.
    pub fn render(&self, installation: &InstallationId) -> Reply {
        self.form(installation).render()
    }

    /// The form of one visit, to which the app can add steps and values of its own.
    pub fn form<'p>(&'p self, installation: &'p InstallationId) -> InstallForm<'p> {
        InstallForm::new(self, installation)
    }

    fn declares(&self, key: &str) -> bool {
        self.secrets.iter().any(|secret| secret.key == key)
    }
}

#[cfg(test)]
mod tests;
