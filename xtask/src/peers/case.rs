//! Cases: what a platform sends, what may become of it on the way, and what a receiver has to make of that.

use std::time::{Duration, SystemTime};

use lifecycle_core::{AttemptTime, LifecycleEvent, Part, Platform, Proof, Scheme};
use lifecycle_testing::{Sample, Sender, SignedRequest, SigningKeys};

/// When all of it is sent: in whole seconds since the epoch, as most platforms tell it.
pub(crate) const SENT: u64 = 1_790_812_800;

/// One event as a platform sends it, before it is signed.
pub(crate) struct Message {
    pub(crate) sample: Sample,
    /// How it is written; what its genuine case is called.
    pub(crate) form: &'static str,
    pub(crate) body: String,
    /// Those of its token, where that is the proof.
    pub(crate) claims: Option<String>,
    /// What a verifier has to read; nothing of a handshake.
    pub(crate) told: Option<Told>,
}

/// What an event tells: kind, app, tenant, actor and request id.
pub(crate) type Told = [Option<String>; 5];

/// A request that a receiver gets.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) request: SignedRequest,
    /// What the receiver verifies with.
    pub(crate) key: Key,
    /// When it is received.
    pub(crate) now: SystemTime,
    /// The code of our rejection, if it has to be refused.
    pub(crate) refused: Option<&'static str>,
}

/// One of the two keys of an exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Key {
    /// Everything is signed with this one.
    Current,
    /// A key that signs only as the one before, while a secret is replaced.
    Other,
}

/// A way to write the same event, by its name. Where a token is the proof, its claims are written so, and else the body.
type Form = (&'static str, fn(&str) -> String);

const FORMS: [Form; 4] = [
    ("as documented", str::to_owned),
    ("beyond ASCII", |body| with_member(body, "\"note\":\"Prüfung ☃ \u{1d11e} \u{2028}\"")),
    ("escapes", |body| {
        with_member(body, r#""note":"Pr\u00fcfung \u2603 \ud834\udd1e \/ \" \\ \n","n":[1.0,1e2]"#)
    }),
    ("white space", |body| format!("{} \r\n", body.replacen('{', "{\r\n\t", 1))),
];
const LONG_BODY: Form = ("64 KiB", |body| with_note(body, 64 * 1024));
const LONG_CLAIMS: Form = ("4 KiB", |claims| with_note(claims, 4 * 1024));

impl Message {
    fn new(told: Option<Told>, sample: &Sample, (form, write): Form) -> Self {
        let (body, claims) = match sample.claims() {
            Some(claims) => (sample.body(), Some(write(&claims))),
            None => (write(&sample.body()), None),
        };
        Self { sample: sample.clone(), form, body, claims, told }
    }

    /// As this key signs it. Where a token is the proof, its cases have it.
    pub(crate) fn sign(&self, platform: &Platform, keys: &SigningKeys) -> SignedRequest {
        let headers = self.sample.headers();
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        SignedRequest::new(platform, keys, &headers, self.body.as_bytes(), sent())
    }

    /// Whether the whole list of cases is made of it, and not of another form.
    pub(crate) fn is_first(&self) -> bool {
        self.form == FORMS[0].0
    }
}

pub(crate) fn sent() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(SENT)
}

/// How a platform's signature is written; `None` where it signs nothing.
pub(crate) fn scheme(platform: &Platform) -> Option<&Scheme> {
    match platform.proof() {
        Proof::Hmac(scheme) => Some(scheme),
        Proof::PublicKey(public) => public.scheme(),
        _ => None,
    }
}

/// The header that carries a platform's signature; `None` where it signs nothing, or a token.
pub(crate) fn carrier(platform: &Platform) -> Option<&'static str> {
    match platform.proof() {
        Proof::Hmac(scheme) => scheme.headers().first().copied(),
        Proof::PublicKey(public) => public.headers().first().copied(),
        _ => None,
    }
}

/// Every event of a platform in every form, and what it sends to try out a URL.
pub(crate) fn messages(sender: &'static Sender) -> Vec<Message> {
    let events = sender.events().filter_map(|(_, event)| sender.sample(event));
    let events =
        events.map(|sample| sample.at(sent())).map(|sample| (told(sample.delivery().event()), sample));
    let handshake = sender.handshake().map(|sample| (None, sample.at(sent())));
    let samples = events.map(|(told, sample)| (Some(told), sample)).chain(handshake);
    let long = if matches!(sender.platform().proof(), Proof::Token(_)) { LONG_CLAIMS } else { LONG_BODY };
    let forms = FORMS.into_iter().chain([long]);
    samples
        .flat_map(|(told, sample)| forms.clone().map(move |form| Message::new(told.clone(), &sample, form)))
        .collect()
}

pub(crate) fn told(event: &LifecycleEvent) -> Told {
    [
        Some(event.kind().name().to_owned()),
        Some(event.app().to_owned()),
        Some(event.tenant().to_owned()),
        event.actor().map(str::to_owned),
        event.request_id().map(str::to_owned),
    ]
}

/// The message as it was signed, and what may become of that. The whole list for one form, since no form changes the rest.
pub(crate) fn cases(platform: &Platform, message: &Message, signed: &SignedRequest) -> Vec<Case> {
    let case =
        |name, refused| Case { name, request: signed.clone(), key: Key::Current, now: sent(), refused };
    let mut cases = vec![
        case(message.form, None),
        Case { request: body_changed(signed), ..case("body changed", MISMATCH) },
    ];
    let Some(carrier) = carrier(platform).filter(|_| message.is_first()) else { return cases };
    let edited = |name, header: &str, edit: &dyn Fn(&str) -> String, refused| {
        let mut request = signed.clone();
        request
            .headers
            .iter_mut()
            .filter(|(own, _)| own == header)
            .for_each(|(_, value)| *value = edit(value));
        Case { request, ..case(name, refused) }
    };
    cases.push(edited("signature changed", carrier, &|value| changed(value, 10), MISMATCH));
    cases.push(Case { key: Key::Other, ..case("another secret", MISMATCH) });
    let mut unsigned = case("unsigned", Some("missing-signature"));
    unsigned.request.headers.retain(|(name, _)| name != carrier);
    cases.push(unsigned);
    if signed.headers.iter().any(|(name, value)| name == carrier && upper_case(value) != *value) {
        cases.push(edited("upper-case hex", carrier, &upper_case, None));
    }
    for part in scheme(platform).map_or(&[][..], Scheme::signed) {
        match *part {
            Part::Header(name) => {
                let is_time = platform.attempt_time() == AttemptTime::Header(name);
                let case = if is_time { "time changed" } else { "id changed" };
                cases.push(edited(case, name, &|value| changed(value, 0), MISMATCH));
            }
            Part::Field(name) => {
                let [own, other] = [SENT, SENT + 1].map(|time| format!("{name}={time}"));
                cases.push(edited("time changed", carrier, &|value| value.replace(&own, &other), MISMATCH));
                let twice = Some("invalid-header");
                let last = |value: &str| format!("{other},{value}");
                cases.push(edited("time twice, last genuine", carrier, &last, twice));
                let first = |value: &str| format!("{value},{other}");
                cases.push(edited("time twice, first genuine", carrier, &first, twice));
            }
            Part::Body | Part::Text(_) | _ => {}
        }
    }
    if let Some(age) = platform.max_age() {
        let second = Duration::from_secs(1);
        cases.push(Case { now: sent() + age - second, ..case("almost too old", None) });
        cases.push(Case { now: sent() + age + second, ..case("too old", Some("stale")) });
        cases.push(Case { now: sent() - age + second, ..case("almost too far ahead", None) });
        cases.push(Case { now: sent() - age - second, ..case("too far ahead", Some("stale")) });
    }
    cases
}

pub(crate) const MISMATCH: Option<&str> = Some("signature-mismatch");

fn body_changed(signed: &SignedRequest) -> SignedRequest {
    let mut request = signed.clone();
    let last = request.body.iter().rposition(u8::is_ascii_alphanumeric);
    if let Some(byte) = last.and_then(|last| request.body.get_mut(last)) {
        *byte = if *byte == b'0' { b'1' } else { b'0' };
    }
    request
}

/// The same text with another letter or digit, the last one that so many bytes follow.
pub(crate) fn changed(text: &str, behind: usize) -> String {
    let end = text.len().saturating_sub(behind);
    let Some(last) = text[..end].rfind(|letter: char| letter.is_ascii_alphanumeric()) else {
        return text.to_owned();
    };
    let other = if text[last..].starts_with('0') { "1" } else { "0" };
    format!("{}{other}{}", &text[..last], &text[last + 1..])
}

/// The hex digits at the end of a signature in upper case; the same text where there are none.
fn upper_case(value: &str) -> String {
    let digits = value.rsplit(|letter: char| !letter.is_ascii_hexdigit()).next().unwrap_or_default();
    if digits.len() < 64 {
        return value.to_owned();
    }
    format!("{}{}", &value[..value.len() - digits.len()], digits.to_uppercase())
}

/// The same object with this member behind the others.
pub(crate) fn with_member(body: &str, member: &str) -> String {
    format!("{},{member}}}", body.strip_suffix('}').unwrap_or(body))
}

/// The same object with so many bytes more.
pub(crate) fn with_note(body: &str, bytes: usize) -> String {
    with_member(body, &format!("\"note\":\"{}\"", random_text(bytes)))
}

/// Text of about so many bytes that needs no escapes, the same each time.
fn random_text(bytes: usize) -> String {
    let mut random = fastrand::Rng::with_seed(13);
    let mut text = String::new();
    while text.len() < bytes {
        text.push(random.char('#'..'[')); // neither a quotation mark nor a backslash
        text.push(random.char('\u{80}'..'\u{2fff}'));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_changed_differs_in_one_letter() {
        assert_eq!(changed("v0=ab12", 0), "v0=ab10");
        assert_eq!(changed("msg_0}", 0), "msg_1}");
        assert_eq!(changed("abcdef=", 3), "abc0ef=");
        assert_eq!(changed("{}", 0), "{}");
    }

    #[test]
    fn only_the_hex_of_a_signature_changes_its_case() {
        let digits = "ab".repeat(32);
        assert_eq!(upper_case(&format!("t=1,v1={digits}")), format!("t=1,v1={}", digits.to_uppercase()));
        assert_eq!(
            upper_case("K1p0EmZ9qSb2uCI6OtzEWdLS4gtBfE5kHwTYiRgC/nQ="),
            "K1p0EmZ9qSb2uCI6OtzEWdLS4gtBfE5kHwTYiRgC/nQ="
        );
    }

    #[test]
    fn every_form_is_the_same_event_in_other_bytes() {
        let body = r#"{"type":"install"}"#;
        let mut seen = vec![];
        for (name, write) in FORMS.into_iter().chain([LONG_BODY, LONG_CLAIMS]) {
            let written = write(body);
            let read: serde_json::Value = serde_json::from_str(&written).unwrap();
            assert_eq!(read["type"], "install", "{name}");
            assert!(!seen.contains(&written), "{name}");
            seen.push(written);
        }
    }
}
