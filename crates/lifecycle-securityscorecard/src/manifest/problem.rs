//! A problem: one thing that is wrong with a manifest, and where.

use std::fmt;

use crate::WebUrlError;

/// One thing that is wrong with a manifest. It displays as `path: what is wrong`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ManifestProblem {
    /// Where: member names and positions, such as `secrets[0].key`.
    pub path: String,
    /// What.
    pub kind: ManifestProblemKind,
}

/// What is wrong with a member of a manifest.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestProblemKind {
    /// It is not a colour such as `#0A7B83` or `#FFF`.
    #[error("must be a colour such as #0A7B83")]
    Color,
    /// Another of its kind has the same name.
    #[error("must be unique")]
    Duplicate,
    /// It is missing or empty.
    #[error("must not be empty")]
    Empty,
    /// A secret's key cannot be both the name of a form field and that of a variable.
    #[error("must be 1 to 64 ASCII letters, digits and '_', and not begin with a digit")]
    Key,
    /// A secret's key is the name under which the installation id travels, or one that browsers treat specially.
    #[error("is taken by the installation form; choose another key")]
    ReservedKey,
    /// An action has both `settings` and `settings_url`.
    #[error("must not stand beside settings_url")]
    SettingsTwice,
    /// A severity that apps may not use.
    #[error("must be 'info' or 'positive'")]
    Severity,
    /// A signal's id does not begin with the app's namespace.
    #[error("must be the namespace, a dot and a name in snake case")]
    SignalId,
    /// It is not in snake case.
    #[error("must be in snake case, beginning with a letter")]
    SnakeCase,
    /// It is longer than the platform accepts.
    #[error("must be at most {max} characters")]
    TooLong {
        /// The most characters.
        max: usize,
    },
    /// It is not an address that can be used.
    #[error("{0}")]
    Url(WebUrlError),
}

/// Everything that is wrong with a manifest; never empty. It displays one problem a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ManifestProblems(pub(super) Vec<ManifestProblem>);

impl ManifestProblems {
    /// The problems: texts first, then addresses, secrets, actions and signals.
    pub fn iter(&self) -> std::slice::Iter<'_, ManifestProblem> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a ManifestProblems {
    type Item = &'a ManifestProblem;
    type IntoIter = std::slice::Iter<'a, ManifestProblem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for ManifestProblems {
    type Item = ManifestProblem;
    type IntoIter = std::vec::IntoIter<ManifestProblem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for ManifestProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.kind)
    }
}

impl fmt::Display for ManifestProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.iter().enumerate() {
            let separator = if position == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ManifestProblem {}
impl std::error::Error for ManifestProblems {}

/// Gathers problems while a manifest is walked.
#[derive(Default)]
pub(super) struct Problems(Vec<ManifestProblem>);

impl Problems {
    pub(super) fn add(&mut self, path: impl Into<String>, kind: ManifestProblemKind) {
        self.0.push(ManifestProblem { path: path.into(), kind });
    }

    pub(super) fn require(&mut self, holds: bool, path: impl Into<String>, kind: ManifestProblemKind) {
        if !holds {
            self.add(path, kind);
        }
    }

    pub(super) fn finish(self) -> Result<(), ManifestProblems> {
        if self.0.is_empty() { Ok(()) } else { Err(ManifestProblems(self.0)) }
    }
}

impl From<WebUrlError> for ManifestProblemKind {
    fn from(error: WebUrlError) -> Self {
        Self::Url(error)
    }
}
