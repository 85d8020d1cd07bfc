//! What the platform refuses in a manifest, and what could not work: all of it, listed at once.

use std::collections::HashSet;

use super::problem::{ManifestProblemKind as Kind, ManifestProblems, Problems};
use super::{DeclaredSecret, Manifest, Severity};
use crate::{query, web_url};

/// The most characters of a secret's key. The platform names no limit; this one keeps keys fit for variables.
const MAX_KEY: usize = 64;

impl Manifest {
    /// Checks everything that can be checked without the network.
    ///
    /// Addresses may be relative; absolute ones must use https, or http with a loopback host, so that an app can be
    /// tried with a simulator on the same machine. What is not documented as needed may be missing.
    ///
    /// # Errors
    /// All problems, each with its path and kind.
    ///
    /// ```
    /// use lifecycle_securityscorecard::{Manifest, ManifestProblemKind};
    ///
    /// let manifest = Manifest { hook_url: Some("http://example.com/hook".into()), ..Manifest::new("Acme", "Acme!") };
    /// let problems = manifest.validate().unwrap_err();
    /// assert_eq!(problems.iter().next().unwrap().kind, ManifestProblemKind::SnakeCase);
    /// assert_eq!(
    ///     problems.to_string(),
    ///     "namespace: must be in snake case, beginning with a letter\n\
    ///      hook_url: must use https (http only for a loopback host such as localhost)",
    /// );
    /// ```
    pub fn validate(&self) -> Result<(), ManifestProblems> {
        let mut problems = Problems::default();
        self.check_texts(&mut problems);
        for (path, url) in self.clone().urls_mut() {
            match web_url::reference(url) {
                Ok(_) => problems.require(!url.is_empty(), path, Kind::Empty),
                Err(error) => problems.add(path, error.into()),
            }
        }
        check_secrets(&self.secrets, &mut problems);
        self.check_actions(&mut problems);
        self.check_signals(&mut problems);
        problems.finish()
    }

    /// What an installation form relies on, so that none is rendered that would not say what the manifest says.
    pub(crate) fn validate_secrets(&self) -> Result<(), ManifestProblems> {
        let mut problems = Problems::default();
        check_secrets(&self.secrets, &mut problems);
        problems.finish()
    }

    fn check_texts(&self, problems: &mut Problems) {
        problems.require(!self.name.trim().is_empty(), "name", Kind::Empty);
        let fits = self.name.chars().count() <= Self::MAX_NAME;
        problems.require(fits, "name", Kind::TooLong { max: Self::MAX_NAME });
        problems.require(is_snake_case(&self.namespace), "namespace", Kind::SnakeCase);
        let short = self.description.short.as_deref().unwrap_or_default();
        let fits = short.chars().count() <= Self::MAX_SHORT_DESCRIPTION;
        problems.require(fits, "description.short", Kind::TooLong { max: Self::MAX_SHORT_DESCRIPTION });
        let display = &self.display_settings;
        for (name, color) in
            [("primary_color", &display.primary_color), ("secondary_color", &display.secondary_color)]
        {
            let valid = color.as_deref().is_none_or(is_color);
            problems.require(valid, format!("display_settings.{name}"), Kind::Color);
        }
    }

    fn check_actions(&self, problems: &mut Problems) {
        let mut seen = HashSet::new();
        for (n, action) in self.actions.iter().enumerate() {
            let path = |member| format!("actions[{n}].{member}");
            problems.require(is_snake_case(&action.id), path("id"), Kind::SnakeCase);
            problems.require(seen.insert(&action.id), path("id"), Kind::Duplicate);
            problems.require(!action.name.trim().is_empty(), path("name"), Kind::Empty);
            let both = action.settings.is_some() && action.settings_url.is_some();
            problems.require(!both, path("settings"), Kind::SettingsTwice);
        }
    }

    fn check_signals(&self, problems: &mut Problems) {
        let mut seen = HashSet::new();
        for (n, signal) in self.signals.iter().enumerate() {
            let path = |member| format!("signals[{n}].{member}");
            let signal_name = signal.id.strip_prefix(&self.namespace).and_then(|rest| rest.strip_prefix('.'));
            problems.require(signal_name.is_some_and(is_snake_case), path("id"), Kind::SignalId);
            problems.require(seen.insert(&signal.id), path("id"), Kind::Duplicate);
            problems.require(!signal.name.trim().is_empty(), path("name"), Kind::Empty);
            let known = !matches!(signal.severity, Severity::Other(_));
            problems.require(known, path("severity"), Kind::Severity);
        }
    }
}

fn check_secrets(secrets: &[DeclaredSecret], problems: &mut Problems) {
    let mut seen = HashSet::new();
    for (n, DeclaredSecret { key, .. }) in secrets.iter().enumerate() {
        let path = || format!("secrets[{n}].key");
        match key.as_str() {
            "" => problems.add(path(), Kind::Empty),
            key => problems.require(is_key(key), path(), Kind::Key),
        }
        problems.require(seen.insert(key), path(), Kind::Duplicate);
        problems.require(!is_reserved(key), path(), Kind::ReservedKey);
    }
}

fn is_snake_case(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.split('_').all(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

fn is_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or_default();
    matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_key(key: &str) -> bool {
    key.len() <= MAX_KEY
        && !key.starts_with(|c: char| c.is_ascii_digit())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `_charset_` is filled in by browsers, whatever its value, and `isindex` was once special to them.
fn is_reserved(key: &str) -> bool {
    query::PARAMETERS.contains(&key)
        || ["_charset_", "isindex"].iter().any(|special| key.eq_ignore_ascii_case(special))
}
