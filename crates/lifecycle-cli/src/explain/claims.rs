//! Claims: whether a token is valid at a time, from whom it has to be and for whom.

use std::time::{Duration, SystemTime};

use lifecycle_core::{Audience, TokenScheme};
use serde_json::Value;

use super::cause::{Cause, Finding};

const EXPIRED: Cause = Cause::read(
    "token-expired",
    "the token had expired when it was looked at (`exp`)",
    "set the receiver's clock by NTP if it is ahead; do not verify tokens later, or send them again: platforms give each request a new one",
);
const EARLY: Cause = Cause::read(
    "token-early",
    "the token was not valid yet when it was looked at (`nbf`), or issued later (`iat`)",
    "set the receiver's clock by NTP: it is behind; else the sender's is ahead",
);
const TIME: Cause = Cause::read(
    "token-time",
    "a time of the token is missing, a text, or in milliseconds",
    "write `exp`, `nbf` and `iat` as numbers of seconds since 1970; without `exp` a token would be good for ever",
);
const ISSUER: Cause = Cause::read(
    "issuer",
    "the token is from another issuer than the platform (`iss`)",
    "take the platform's token for this use; compare `iss` with the whole text that the platform documents",
);
const AUDIENCE: Cause = Cause::read(
    "audience",
    "the token is for another app than the receiver's (`aud`)",
    "configure the receiver with the app's id exactly as the platform writes it into `aud`; a token for another app must be refused",
);
/// Where the library finds that claims contradict each other or the keys.
pub(super) const CONTRADICTION: Cause = Cause::read(
    "contradiction",
    "what the token proves contradicts what is told beside it, or it is no token for this use",
    "compare the member that is named with what the receiver is configured for",
);

/// The causes that are about the claims.
pub(super) const CAUSES: &[Cause] = &[EXPIRED, EARLY, TIME, ISSUER, AUDIENCE, CONTRADICTION];

/// From here on a number is one of milliseconds.
const MILLISECONDS: f64 = 1e11;

/// What the claims are compared with.
pub(super) struct Expectation<'a> {
    pub(super) scheme: &'a TokenScheme,
    /// The app, if it is told.
    pub(super) app: Option<&'a str>,
    /// Claims as the platform writes them.
    pub(super) sample: &'a Value,
    /// When it is looked at.
    pub(super) at: SystemTime,
    /// Whether that is the time at which the receiver did.
    pub(super) is_told: bool,
}

/// All that is wrong with the claims.
pub(super) fn check(claims: &Value, expected: &Expectation<'_>) -> Vec<Finding> {
    let issuer = issuer(claims, expected.scheme);
    let audience = audience(claims, expected);
    time(claims, expected).into_iter().chain(issuer).chain(audience).collect()
}

fn time(claims: &Value, expected: &Expectation<'_>) -> Option<Finding> {
    for name in ["exp", "nbf", "iat"] {
        let detail = match &claims[name] {
            Value::Null if name == "exp" => "has no",
            Value::Number(number) if number.as_f64().is_some_and(|own| own >= MILLISECONDS) => {
                "has milliseconds as"
            }
            Value::Null | Value::Number(_) => continue,
            _ => "has something else than a number as",
        };
        return Some(Finding::with(&TIME, format!("it {detail} `{name}`")));
    }
    let of = |name: &str| claims[name].as_f64();
    let now = seconds(expected.at);
    let leeway = expected.scheme.leeway().as_secs_f64();
    let side = if expected.is_told { "the receiver's clock" } else { "now" };
    if let Some(end) = of("exp").filter(|end| now >= end + leeway) {
        let mut detail = format!("it expired {} before {side}", span(now - end));
        if let Some(begin) = of("iat").or(of("nbf")) {
            detail.extend([", and was valid for ", &span(end - begin)]);
        }
        if !expected.is_told {
            detail.push_str("; if it was saved, say when it came by --at TIME");
        }
        return Some(Finding::with(&EXPIRED, detail));
    }
    let early = ["nbf", "iat"]
        .into_iter()
        .find_map(|name| Some((name, of(name)?)).filter(|(_, begin)| *begin > now + leeway));
    early.map(|(name, begin)| {
        Finding::with(&EARLY, format!("its `{name}` is {} after {side}", span(begin - now)))
    })
}

fn issuer(claims: &Value, scheme: &TokenScheme) -> Option<Finding> {
    let expected = scheme.issuer()?;
    let detail = match claims["iss"].as_str() {
        Some(own) if own == expected => return None,
        Some(_) => "its `iss` is another text than",
        None => "it has no `iss`, which has to be",
    };
    Some(Finding::with(&ISSUER, format!("{detail} `{expected}`")))
}

fn audience(claims: &Value, expected: &Expectation<'_>) -> Option<Finding> {
    let audience = expected.scheme.audience();
    let told: Vec<&str> = match &claims["aud"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let detail = match (audience, expected.app, told.as_slice()) {
        (Audience::Any, ..) | (Audience::AppIfNamed, _, []) => return None,
        (_, _, []) => "it has none".to_owned(),
        (_, Some(app), told) if told.contains(&app) => return None,
        (_, Some(app), _) => match (kind(app), kind(told[0])) {
            (own, other) if own == other => format!("both are {own}, and they differ"),
            (own, other) => format!("it is {other}, and the app that is expected is {own}"),
        },
        (_, None, [one]) => match expected.sample["aud"].as_str().map(kind) {
            Some(sample) if sample != OTHER_KIND && sample != kind(one) => {
                format!("it is {}, and the platform writes {sample}", kind(one))
            }
            _ => return None,
        },
        (_, None, _) => "it names several, so say which is yours by --app ID".to_owned(),
    };
    Some(Finding::with(&AUDIENCE, detail))
}

/// What sort of text an app's id is.
const OTHER_KIND: &str = "other text";

fn kind(text: &str) -> &'static str {
    let is_guid = text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    match text {
        _ if is_guid => "a GUID",
        _ if text.starts_with("ari:") => "an ARI",
        _ if text.contains("://") => "a URL",
        _ if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => "a number",
        _ => OTHER_KIND,
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// A span in words of two units at most.
pub(super) fn span(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX).as_secs();
    let (days, hours, minutes) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{whole} s"),
        (0, 0, _) => format!("{minutes} min {} s", whole % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
