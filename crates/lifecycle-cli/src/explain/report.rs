//! Report: what was found, in 80 columns and as JSON.

use std::fmt::Write;

use anstyle::Style;
use serde_json::{Value, json};

use super::cause::{Cause, Finding, all};
use super::diagnosis::{Case, Diagnosis, Material};
use super::hints::hints;
use crate::answer::{Answer, Exit};
use crate::shown::{BAD, DIM, GOOD, HEADING, wrapped};

/// What is said about a case; `notes` stand at the end.
pub(super) fn answer(case: &Case<'_>, diagnosis: &Diagnosis, notes: &[String]) -> Answer {
    let findings = &diagnosis.findings;
    let causes = findings.causes.as_deref();
    let hints = if causes.is_none() { hints(case, diagnosis) } else { Vec::new() };
    let mut text = String::new();
    match causes {
        None => {
            let count = all().count();
            let said = format!("among {} combinations of {count} causes", findings.tried);
            line(&mut text, "no cause found", BAD, &said, 0);
        }
        Some([]) => {
            let what = match case.material {
                Material::Public(_) => "this request and this key as they are",
                _ => "this body and this secret as they are",
            };
            line(&mut text, "the signature matches", GOOD, what, 0);
            let advice = format!(
                "If your receiver refuses it, what it verifies is not what you gave here: compare its body's length ({} bytes), or give --signature the value that it computes",
                case.request.body.len()
            );
            line(&mut text, "", DIM, &advice, 0);
        }
        Some(causes) => {
            for (place, finding) in causes.iter().enumerate() {
                tell(&mut text, if place == 0 { "found:" } else { "and:" }, finding);
            }
        }
    }
    for said in hints.iter().chain(notes) {
        line(&mut text, "-", DIM, said, 2);
    }
    let json = json!({
        "found": causes.is_some(),
        "matches": causes.is_some_and(<[Finding]>::is_empty),
        "causes": causes.into_iter().flatten().map(finding_json).collect::<Vec<_>>(),
        "tried": findings.tried,
        "complete": findings.complete,
        "hints": hints,
        "notes": notes,
    });
    Answer { text, json, exit: Exit::well_if(causes.is_some()) }
}

/// All causes.
pub(super) fn list() -> Answer {
    let mut text = String::new();
    for cause in all() {
        line(&mut text, &format!("{}:", cause.id), HEADING, cause.what, 2);
        line(&mut text, "  change:", DIM, cause.remedy, 4);
    }
    let end = format!("{} causes, those that are tried up to three together", all().count());
    line(&mut text, "", DIM, &end, 0);
    let json = json!({"causes": all().map(cause_json).collect::<Vec<_>>()});
    Answer { text, json, exit: Exit::Well }
}

/// A line of text with a label in front, in as many lines of the terminal as it takes, all but the first indented so far.
pub(super) fn line(text: &mut String, label: &str, style: Style, said: &str, indent: usize) {
    let gap = if label.is_empty() { "" } else { " " };
    let lines = wrapped(&format!("{label}{gap}{said}"), indent);
    let rest = &lines[label.len()..];
    let _ = writeln!(text, "{style}{label}{style:#}{rest}"); // a String takes every write
}

fn tell(text: &mut String, label: &str, finding: &Finding) {
    let cause = finding.cause;
    line(text, label, GOOD, &format!("{} ({})", cause.what, cause.id), 2);
    if let Some(detail) = &finding.detail {
        line(text, "  here:", DIM, detail, 4);
    }
    line(text, "  change:", DIM, cause.remedy, 4);
}

fn finding_json(finding: &Finding) -> Value {
    let mut json = cause_json(finding.cause);
    if let Some(detail) = &finding.detail {
        json["detail"] = detail.as_str().into();
    }
    json
}

fn cause_json(cause: &Cause) -> Value {
    json!({"id": cause.id, "what": cause.what, "change": cause.remedy})
}
