//! Hints: what can be said where no cause fits.

use super::diagnosis::{Case, Diagnosis, Material};
use super::search::is_signature;

/// What stands in a body where something took values out.
const REDACTED: [&str; 7] =
    ["[REDACTED]", "[redacted]", "[FILTERED]", "[Filtered]", "<redacted>", "***", "\u{2026}"];

/// What to look at next, the likeliest first.
pub(super) fn hints(case: &Case<'_>, diagnosis: &Diagnosis) -> Vec<String> {
    let (request, form) = (case.request, &diagnosis.form);
    let body = String::from_utf8_lossy(&request.body);
    let mut hints = Vec::new();
    let mut say = |hint: &str| hints.push(hint.to_owned());

    diagnosis.notes.iter().for_each(|note| say(note));
    for finding in &diagnosis.besides {
        let detail = finding.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
        say(&format!("besides, {} ({}){detail}", finding.cause.what, finding.cause.id));
    }
    say(match case.material {
        Material::Secret { .. } => {
            "is it the secret of this app? Each app has its own, and one that was regenerated is shown only once"
        }
        _ => "is it the public key of this app? Each app has its own, and so has each environment",
    });
    if !form.is_body_certain() {
        say(&format!("is it the whole body of this very request? It has {} bytes", request.body.len()));
    }
    if let Some(told) = request.header("content-length").and_then(|told| told.parse::<usize>().ok())
        && told < request.body.len()
    {
        say(&format!("content-length says {told} bytes: something was added to the body"));
    }
    if let Some(mark) = REDACTED.iter().find(|mark| body.contains(**mark)) {
        say(&format!(
            "the body holds `{mark}`: something took values out, so its bytes are lost; log it before"
        ));
    }
    if body.trim_start().starts_with(['{', '[']) && body.contains("\n ") {
        say(
            "the body is indented: was it copied from a viewer? Platforms send it on one line; take the raw bytes",
        );
    }
    if form.signs_body_alone() && !form.is_body_certain() {
        say(&format!(
            "does your receiver put a time or the URL in front of the body? {} signs the body alone",
            case.sender.title()
        ));
    }
    if let Material::Secret { current, .. } = case.material
        && (current.contains(&b'#') || current.contains(&b'$') || current.len() < 16)
    {
        say(
            "a secret with `#` or `$` may be cut or changed in an env file: put it in quotes, or in a file of its own",
        );
    }
    let missing = form.missing(&request.headers);
    if !missing.is_empty() {
        say(&format!("{} is signed, and the request lacks it: give it with -H", missing.join(" and ")));
    }
    if !diagnosis.findings.complete {
        say("not all combinations were tried, as the body is large: try a request with a smaller one");
    }
    if body.contains('\u{fffd}') {
        say(
            "the body holds bytes that are no UTF-8, or U+FFFD in their place: they were lost when it was read as text",
        );
    }
    let signatures = || request.headers.iter().filter(|(name, _)| form.is_own(name) || is_signature(name));
    let is_md5 = |value: &str| {
        let digits = value.rsplit('=').next().unwrap_or_default().trim();
        digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if signatures().any(|(_, value)| is_md5(value)) {
        say("the signature has 32 hex digits, as MD5 has: an HMAC with SHA-256 has 64");
    } else if !form.is_body_certain() && !signatures().any(|(_, value)| value.trim().len() >= 40) {
        say("the signature is too short: 32 bytes are 64 hex digits, or 44 letters of base64");
    }
    if request.is_picked {
        say(
            "headers and body were picked out of text by their names: are they whole? Give them with -H and --body",
        );
    }
    hints
}
