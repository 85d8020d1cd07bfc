//! Privacy: what must stand in no answer, no log and no report.

use lifecycle_core::{Proof, TokenPlace};
use lifecycle_testing::Sender;

use crate::exchange::Exchanged;
use crate::route::RouteKind;
use crate::signing::{SecretName, sender, sign};
use crate::target::Target;
use crate::template::Values;

const HOOK_TOKEN: &str = "the hook token";

/// The secrets and the personal data that fixtures send, with a name for each.
pub(crate) fn secrets(target: &Target) -> Vec<(&'static str, String)> {
    let mut secrets = vec![
        ("an e-mail address", "avery.admin@example.com".into()),
        ("an e-mail address", "jordan.lee@example.com".into()),
        ("an app's secret", "s3cr3t-value".into()),
    ];
    for (platform, credentials) in &target.credentials {
        let is_token =
            sender(platform).is_some_and(|sender| matches!(sender.platform().proof(), Proof::UnguessableUrl));
        secrets.push((if is_token { HOOK_TOKEN } else { "a signing secret" }, credentials.current.clone()));
        secrets.extend(credentials.previous.clone().map(|secret| ("a signing secret", secret)));
    }
    secrets
}

/// The signatures that a receiver computes for this request: who reads one can forge.
pub(crate) fn expected_signatures(exchanged: &Exchanged, values: &Values<'_>) -> Vec<String> {
    let Some(platform) = sender(&values.route.platform).map(Sender::platform) else { return Vec::new() };
    let names = [SecretName::Current, SecretName::Previous];
    let keys = names.into_iter().filter_map(|name| name.keys(platform, values.credentials));
    let signed = keys.flat_map(|keys| {
        [&exchanged.body, &exchanged.signed]
            .into_iter()
            .filter_map(move |body| sign(platform, &keys, &exchanged.headers, body, values.now.into()))
    });
    // A platform writes more around it, such as a version, a time, or the padding of base64.
    let longest = |value: &str| value.split(['=', ',', ' ']).max_by_key(|part| part.len()).map(str::to_owned);
    signed.filter_map(|value| longest(&value)).collect()
}

/// The token that a request carries in a header or as its body: who reads one can send it again. One in a query is found as such.
pub(crate) fn token(exchanged: &Exchanged, platform: &str) -> Option<String> {
    let Proof::Token(scheme) = sender(platform)?.platform().proof() else { return None };
    let bytes = match scheme.place() {
        TokenPlace::Header { name, .. } => {
            &exchanged.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?.1
        }
        TokenPlace::Body => &exchanged.body,
        _ => return None,
    };
    let text = String::from_utf8_lossy(bytes);
    text.split_ascii_whitespace().max_by_key(|word| word.len()).map(str::to_owned)
}

/// The name of something private in an answer. A manifest has to tell the hook token, in its `hook_url`.
pub(crate) fn private_part(
    answer: &str,
    exchanged: &Exchanged,
    target: &Target,
    values: &Values<'_>,
) -> Option<&'static str> {
    let answer = answer.to_lowercase();
    private(exchanged, target, values)
        .into_iter()
        .filter(|(name, _)| values.route.kind != RouteKind::Manifest || *name != HOOK_TOKEN)
        .find(|(_, value)| answer.contains(&value.to_lowercase()))
        .map(|(name, _)| name)
}

/// The text with each private part replaced by its name, for reports.
pub(crate) fn redacted(text: &str, exchanged: &Exchanged, target: &Target, values: &Values<'_>) -> String {
    private(exchanged, target, values)
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(value.as_str(), &format!("[{name}]")))
}

fn private(exchanged: &Exchanged, target: &Target, values: &Values<'_>) -> Vec<(&'static str, String)> {
    let mut private = secrets(target);
    let signatures = expected_signatures(exchanged, values);
    private.extend(signatures.into_iter().map(|signature| ("an expected signature", signature)));
    private
}
