//! The addresses of a manifest: where each stands, and how relative ones become absolute.

use super::Manifest;
use super::problem::{ManifestProblem, ManifestProblems, Problems};
use crate::web_url;

impl Manifest {
    /// The manifest with each address made absolute, as RFC 3986 section 5 says, against the address that it is
    /// published at. The platform documents this for the display assets, `install_url` and the actions' addresses; here
    /// it is done for all, so that nothing depends on who resolves them.
    ///
    /// # Errors
    /// `manifest_url` itself is not an absolute address, or an address in the manifest cannot be used; all of them are
    /// listed.
    pub fn resolve(&self, manifest_url: &str) -> Result<Self, ManifestProblems> {
        let base = web_url::absolute(manifest_url).map_err(|error| {
            ManifestProblems(vec![ManifestProblem { path: "manifest_url".into(), kind: error.into() }])
        })?;
        let mut problems = Problems::default();
        let mut resolved = self.clone();
        for (path, url) in resolved.urls_mut() {
            match web_url::reference(url) {
                Ok(reference) => *url = reference.resolve_against(base.to_absolute()).to_string(),
                Err(error) => problems.add(path, error.into()),
            }
        }
        problems.finish()?;
        Ok(resolved)
    }

    /// Every address with its path, in the order of the documentation.
    pub(super) fn urls_mut(&mut self) -> Vec<(String, &mut String)> {
        let mut urls = Vec::new();
        let Self {
            url,
            display_settings: display,
            developer,
            hook_url,
            install_url,
            auth,
            actions,
            signals,
            ..
        } = self;
        push(&mut urls, "url", url);
        push(&mut urls, "display_settings.logo_url", &mut display.logo_url);
        for (n, image) in display.hero_images.iter_mut().enumerate() {
            urls.push((format!("display_settings.hero_images[{n}].url"), &mut image.url));
        }
        push(&mut urls, "display_settings.homepage_url", &mut display.homepage_url);
        push(&mut urls, "display_settings.help_url", &mut display.help_url);
        push(&mut urls, "developer.website_url", &mut developer.website_url);
        push(&mut urls, "developer.privacy_url", &mut developer.privacy_url);
        push(&mut urls, "developer.terms_of_use_url", &mut developer.terms_of_use_url);
        push(&mut urls, "hook_url", hook_url);
        push(&mut urls, "install_url", install_url);
        if let Some(auth) = auth {
            urls.push(("auth.redirect_uri".into(), &mut auth.redirect_uri));
        }
        for (n, action) in actions.iter_mut().enumerate() {
            urls.push((format!("actions[{n}].url"), &mut action.url));
            push(&mut urls, &format!("actions[{n}].settings_url"), &mut action.settings_url);
        }
        for (n, signal) in signals.iter_mut().enumerate() {
            for (m, reference) in signal.references.iter_mut().enumerate() {
                urls.push((format!("signals[{n}].references[{m}].link"), &mut reference.link));
            }
        }
        urls
    }
}

fn push<'a>(urls: &mut Vec<(String, &'a mut String)>, path: &str, url: &'a mut Option<String>) {
    if let Some(url) = url {
        urls.push((path.into(), url));
    }
}
