//! Privacy: what must stand in no answer, no log and no report.

use crate::exchange::Exchanged;
use crate::route::RouteKind;
use crate::signing::{SecretName, sign};
use crate::target::{Credentials, Target};

const HOOK_TOKEN: &str = "the hook token";

/// The secrets and the personal data that fixtures send, with a name for each.
pub(crate) fn secrets(credentials: &Credentials) -> Vec<(&'static str, String)> {
    let mut secrets = vec![
        ("a signing secret", credentials.current.clone()),
        ("an e-mail address", "avery.admin@example.com".into()),
        ("an e-mail address", "jordan.lee@example.com".into()),
        ("an app's secret", "s3cr3t-value".into()),
    ];
    secrets.extend(credentials.previous.clone().map(|secret| ("a signing secret", secret)));
    secrets.extend(credentials.token.clone().map(|token| (HOOK_TOKEN, token)));
    secrets
}

/// The signatures that a receiver computes for this body: who reads one can forge.
pub(crate) fn expected_signatures(credentials: &Credentials, exchanged: &Exchanged) -> Vec<String> {
    let bodies = [&exchanged.body, &exchanged.signed].into_iter();
    let pairs = bodies.flat_map(|body| [(SecretName::Current, body), (SecretName::Previous, body)]);
    pairs.filter_map(|(name, body)| sign(name, credentials, body)).collect()
}

/// The name of something private in an answer. A manifest has to tell the hook token, in its `hook_url`.
pub(crate) fn private_part(
    answer: &str,
    exchanged: &Exchanged,
    target: &Target,
    kind: RouteKind,
) -> Option<&'static str> {
    let answer = answer.to_lowercase();
    private(exchanged, target)
        .into_iter()
        .filter(|(name, _)| kind != RouteKind::Manifest || *name != HOOK_TOKEN)
        .find(|(_, value)| answer.contains(&value.to_lowercase()))
        .map(|(name, _)| name)
}

/// The text with each private part replaced by its name, for reports.
pub(crate) fn redacted(text: &str, exchanged: &Exchanged, target: &Target) -> String {
    private(exchanged, target)
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(value.as_str(), &format!("[{name}]")))
}

fn private(exchanged: &Exchanged, target: &Target) -> Vec<(&'static str, String)> {
    let mut private = secrets(&target.credentials);
    let signatures = expected_signatures(&target.credentials, exchanged);
    private.extend(signatures.into_iter().map(|signature| ("an expected signature", signature)));
    private
}
