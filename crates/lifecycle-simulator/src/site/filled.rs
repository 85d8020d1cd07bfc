//! Filled: a form that could not be taken, which comes back as it was sent, with what is wrong with it.

use std::collections::BTreeMap;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::app::App;
use crate::problem::Problem;

/// The fields of a form, by their names.
pub(super) type Fields = BTreeMap<String, Zeroizing<String>>;

/// The fields that do not come back.
const SECRET: [&str; 2] = ["signing_secret", "token"];

/// What stands in the fields of a form, and what is wrong with them. It holds no secret.
#[derive(Debug, Default, Serialize)]
pub(super) struct Filled {
    /// Which form of its page it is.
    form: String,
    values: BTreeMap<String, String>,
    errors: BTreeMap<String, String>,
    /// What is wrong and is no field's fault, line by line.
    problem: Vec<String>,
}

impl Filled {
    /// The form that changes an app, as the app is registered.
    pub(super) fn of(app: &App) -> Self {
        let mut values = BTreeMap::from([("name".to_owned(), app.name.clone())]);
        if let Some(callbacks) = app.callbacks() {
            values.insert("version".to_owned(), callbacks.version.clone());
            values.extend(callbacks.urls.iter().map(|(name, url)| (format!("url:{name}"), url.clone())));
        }
        Self { values, ..Self::default() }
    }

    /// Whether no form of the page was sent.
    pub(super) fn is_none(&self) -> bool {
        self.form.is_empty()
    }

    /// A form as it was sent, with what is wrong with it.
    pub(super) fn again(form: &str, fields: &Fields, problem: &Problem) -> Self {
        let shown = fields.iter().filter(|(name, _)| !SECRET.contains(&name.as_str()));
        let errors: BTreeMap<_, _> =
            problem.fields.iter().map(|field| (field.field.clone(), field.text.clone())).collect();
        let lines = problem.detail.lines().map(str::to_owned);
        Self {
            form: form.to_owned(),
            values: shown.map(|(name, value)| (name.clone(), value.to_string())).collect(),
            problem: if errors.is_empty() { lines.collect() } else { Vec::new() },
            errors,
        }
    }
}
