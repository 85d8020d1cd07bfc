//! The page at `install_url`: it asks the user for the declared secrets and has the browser post them to the platform.

mod error;
mod form;

use std::borrow::Cow;

pub use error::InstallPageError;
pub use form::InstallForm;

use crate::manifest::{DeclaredSecret, Manifest};
use crate::query::PARAMETERS;
use crate::{InstallationId, WebUrlError, web_url};
use lifecycle_core::Reply;

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
/// use lifecycle_securityscorecard::{DeclaredSecret, InstallPage, InstallQuery, Manifest};
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
    /// Where the platform may answer a form: that of its URL first.
    platform_origins: Vec<String>,
    /// Where it may send the browser on.
    redirect_origins: Vec<String>,
}

impl InstallPage {
    /// The page for the secrets that a manifest declares. A manifest with OAuth has the browser come back to the app after
    /// the form, so the page allows a redirect to [`Auth::redirect_uri`](crate::Auth::redirect_uri) by itself.
    ///
    /// # Errors
    /// [`InstallPageError::Secrets`] if a form cannot carry them under their keys, and [`InstallPageError::Url`] for the
    /// redirect, as [`Manifest::validate`] would say too.
    pub fn new(manifest: &Manifest) -> Result<Self, InstallPageError> {
        manifest.validate_secrets()?;
        let redirect = manifest.auth.as_ref().map(|auth| redirect_origin(&auth.redirect_uri)).transpose()?;
        Ok(Self {
            name: manifest.name.clone(),
            secrets: manifest.secrets.clone(),
            parameter: Cow::Borrowed(PARAMETERS[0]),
            platform_url: INSTALLATION_DATA_URL.into(),
            platform_origins: vec![
                web_url::origin(web_url::absolute(INSTALLATION_DATA_URL)?),
                PLATFORM_PAGES.into(),
            ],
            redirect_origins: redirect.into_iter().collect(),
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
    /// forms to this origin instead of the platform's; see [`redirects_to`](Self::redirects_to).
    ///
    /// # Errors
    /// [`InstallPageError::Url`] unless it is an absolute https URL, or an http one with a loopback host.
    pub fn platform_url(mut self, url: &str) -> Result<Self, InstallPageError> {
        self.platform_origins = vec![web_url::origin(web_url::absolute(url)?)];
        self.platform_url = url.into();
        Ok(self)
    }

    /// Allows the platform to answer the form with a redirect to the origin of `url`. Chrome and Safari hold such a
    /// redirect to the page's `form-action` too: where it leads elsewhere they stop, after the form was sent, and the
    /// button seems dead. Allowed without this are the platform's own pages (`https://platform.securityscorecard.io`) as
    /// long as its URL is not changed, and the manifest's own [`Auth::redirect_uri`](crate::Auth::redirect_uri). Name
    /// any other page of the app to which the platform sends the browser, such as one behind a second domain.
    ///
    /// # Errors
    /// As [`platform_url`](Self::platform_url).
    pub fn redirects_to(mut self, url: &str) -> Result<Self, InstallPageError> {
        self.redirect_origins.push(web_url::origin(web_url::absolute(url)?));
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

    /// The sources of the policy's `form-action`.
    fn form_targets(&self) -> String {
        let targets: Vec<&str> =
            self.platform_origins.iter().chain(&self.redirect_origins).map(String::as_str).collect();
        targets.join(" ")
    }

    fn declares(&self, key: &str) -> bool {
        self.secrets.iter().any(|secret| secret.key == key)
    }
}

/// The source that allows a redirect to an address of the manifest. One that is relative leads to where the page is.
fn redirect_origin(url: &str) -> Result<String, WebUrlError> {
    match web_url::absolute(url) {
        Ok(url) => Ok(web_url::origin(url)),
        Err(WebUrlError::Relative) => Ok("'self'".into()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
