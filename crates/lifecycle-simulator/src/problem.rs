//! Problem: why a request to the simulator is refused, the same for the page and the API.

use lifecycle_core::Reply;
use serde::Serialize;

use crate::store::EngineError;

/// Why a request is refused. It holds no secret.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    /// What is wrong with which field of a form.
    #[serde(skip)]
    pub(crate) fields: Vec<FieldProblem>,
}

/// What is wrong with one field of a form.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct FieldProblem {
    pub(crate) field: String,
    pub(crate) text: String,
}

impl FieldProblem {
    pub(crate) fn new(field: &str, text: impl Into<String>) -> Self {
        Self { field: field.to_owned(), text: text.into() }
    }
}

impl Problem {
    /// The code where a manifest could not be fetched.
    pub(crate) const UNREACHABLE: &str = "manifest-unreachable";

    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self { status: 409, code, title: "Not possible now", detail: detail.into(), fields: Vec::new() }
    }

    pub(crate) fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self { status: 403, code, title: "Refused", detail: detail.into(), fields: Vec::new() }
    }

    pub(crate) fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self { status: 422, code, title: "Cannot be used", detail: detail.into(), fields: Vec::new() }
    }

    /// One line for each.
    pub(crate) fn of_fields(fields: Vec<FieldProblem>) -> Self {
        let lines: Vec<&str> = fields.iter().map(|field| field.text.as_str()).collect();
        let detail = lines.join("\n");
        Self { fields, ..Self::invalid("registration", detail) }
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: "malformed",
            title: "Cannot be read",
            detail: detail.into(),
            fields: Vec::new(),
        }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        let detail = format!("there is no such {what}");
        Self { status: 404, code: "not-found", title: "Not found", detail, fields: Vec::new() }
    }

    /// As RFC 9457 problem details.
    pub(crate) fn reply(&self) -> Reply {
        Reply::problem(self.status, self.code, self.title, Some(&self.detail))
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        tracing::error!(%error, "the simulator's database failed");
        Self {
            status: 500,
            code: "database",
            title: "The database failed",
            detail: error.to_string(),
            fields: Vec::new(),
        }
    }
}
