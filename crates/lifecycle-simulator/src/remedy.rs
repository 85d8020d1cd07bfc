//! Remedy: what to do about a delivery that did not get through.

use lifecycle_core::{Proof, TokenPlace};
use serde::Serialize;

use crate::app::App;
use crate::bidi::isolated;
use crate::delivery::{Delivery, Role, State};
use crate::platform::{Credential, Platform};

/// What to do, in a sentence or two, and which of the page's tools help.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Remedy {
    pub(crate) text: String,
    /// Whether the app may have another secret, which can be entered.
    pub(crate) secret: bool,
    /// Whether the URL may be wrong.
    pub(crate) url: bool,
}

/// What the page offers besides the sentence.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Offer {
    Nothing,
    Secret,
    Url,
}

type Advice = (String, Offer);

const TOO_SLOW: &str = "Acknowledge first and work afterwards, as a durable inbox does.";

impl Remedy {
    /// What to do about a delivery that failed; `None` where nothing is to be done.
    pub(crate) fn of(delivery: &Delivery, app: &App) -> Option<Self> {
        let cause = delivery.cause.as_ref()?;
        if delivery.state != State::Failed || delivery.forgery.is_some() {
            return None;
        }
        let url = delivery.request.url.split('?').next().unwrap_or_default();
        let told = Told { code: &cause.code, url, delivery, app, platform: app.platform() };
        let (text, offer) = told.by_code().or_else(|| told.by_status())?;
        let takes_a_secret = matches!(told.platform.credential(), Credential::Secret | Credential::Private);
        // What was held back, or is from before the simulator kept what it tells of, goes out as it was signed.
        let is_signed_again = delivery.role != Role::Late && delivery.occurrence.is_some();
        Some(Self {
            text,
            secret: offer == Offer::Secret && takes_a_secret && is_signed_again,
            url: offer == Offer::Url && app.callbacks().is_some(),
        })
    }
}

/// A cause, with what is known around it.
struct Told<'a> {
    code: &'a str,
    url: &'a str,
    delivery: &'a Delivery,
    app: &'a App,
    platform: Platform,
}

impl Told<'_> {
    /// By the stable code: the simulator's own, or one that these crates answer with.
    fn by_code(&self) -> Option<Advice> {
        let (text, offer) = match self.code {
            "interrupted" => ("Send it again.".to_owned(), Offer::Nothing),
            "connection-refused" => {
                ("Start the app, or correct its URL; then send it again.".to_owned(), Offer::Url)
            }
            "unreachable" | "address" => ("Is the URL right?".to_owned(), Offer::Url),
            "connection-broken" => {
                ("The app closed the connection. Did it crash? Its log says why.".to_owned(), Offer::Nothing)
            }
            "late" => (TOO_SLOW.to_owned(), Offer::Nothing),
            "redirect" => (self.redirect(), Offer::Url),
            "challenge" => (
                "The handshake wants its challenge back in the answer: the body above has it.".to_owned(),
                Offer::Nothing,
            ),
            "content-type" => {
                ("Give the answer a content type, such as application/json.".to_owned(), Offer::Nothing)
            }
            "signature-mismatch" => (self.other_key("verifies with", "verifies other bytes than it was sent"), Offer::Secret),
            "invalid-token" => (self.other_key("takes tokens by", &format!("about another app than {}", self.app.app_id)), Offer::Secret),
            "missing-signature" | "missing-token" => (self.missing(), Offer::Nothing),
            "stale" => (
                "To the app it is too old: its clock differs from this machine's, or something signed earlier came late. \
                 What is sent again is signed now."
                    .to_owned(),
                Offer::Nothing,
            ),
            "contradiction" => (
                "What is proven and what stands beside it differ. Does something in front of the app change the \
                 headers or the URL?"
                    .to_owned(),
                Offer::Nothing,
            ),
            "invalid-header" => (
                "A header came twice, or as no text. Does something in front of the app add to it?".to_owned(),
                Offer::Nothing,
            ),
            "unexpected-app" => (
                format!(
                    "The app expects another app id than {}. Its page here has the settings to start it with.",
                    self.app.app_id
                ),
                Offer::Nothing,
            ),
            "unexpected-event" => (
                format!("At {} the app takes another event. Give each event its own URL.", self.url),
                Offer::Url,
            ),
            "undecodable" => (
                format!(
                    "The app has proven it, and expects other members than {} sends. Its log names the member.",
                    self.platform.title()
                ),
                Offer::Nothing,
            ),
            "body-timeout" | "body-late" => (
                "The body did not reach the app in time. Does something between the two hold it up?".to_owned(),
                Offer::Nothing,
            ),
            "body-unreadable" => (
                "The body broke off. Does something between the two change its length?".to_owned(),
                Offer::Nothing,
            ),
            "deadline-exceeded" => (format!("The app's handler took too long. {TOO_SLOW}"), Offer::Nothing),
            "unavailable" => (
                "The app could not write it down. Is its store full, locked or out of reach? Then send it again."
                    .to_owned(),
                Offer::Nothing,
            ),
            "keys-unavailable" => (
                "The app could not fetch the public keys. Its page here has the settings that say where they are."
                    .to_owned(),
                Offer::Nothing,
            ),
            "not-enabled" => {
                ("An ordinary route of the app answered. Is this the callback's URL?".to_owned(), Offer::Url)
            }
            "verifier-missing" | "invalid-reply" => {
                ("The route is not set up right. The app's log says more.".to_owned(), Offer::Nothing)
            }
            "refused" if self.status() == Some(403) => {
                let text = match self.detail() {
                    Some(detail) => format!("The app refused on purpose: “{detail}”"),
                    None => "The app refused on purpose, without a reason.".to_owned(),
                };
                (text, Offer::Nothing)
            }
            _ => return None,
        };
        Some((text, offer))
    }

    /// By the status, as apps answer that are made of other things.
    fn by_status(&self) -> Option<Advice> {
        let advice = match self.status()? {
            400 | 401 | 403 if self.names_the_signature() => {
                let text = format!(
                    "The app says that the signature is wrong. Most often its {} differs.",
                    self.key()
                );
                (text, Offer::Secret)
            }
            401 | 403 => (self.refused(), Offer::Secret),
            404 if matches!(self.platform.core().proof(), Proof::UnguessableUrl) => {
                let text = format!(
                    "Nothing answers at {}, or its token is another one. Read the manifest again.",
                    self.url
                );
                (text, Offer::Nothing)
            }
            404 => (format!("Nothing answers at {}. Is this the callback's URL?", self.url), Offer::Url),
            405 => {
                let allowed = self.header("allow").map(|allow| format!(": it takes {allow}"));
                let text = format!(
                    "{} does not take {}{}. Is this the callback's URL?",
                    self.url,
                    self.delivery.request.method,
                    allowed.unwrap_or_default()
                );
                (text, Offer::Url)
            }
            200 if self.header("content-type").is_some_and(|kind| kind.contains("html")) => {
                ("The app answered with a web page. Is this the callback's URL?".to_owned(), Offer::Url)
            }
            200..300 => (self.other_success(), Offer::Nothing),
            413 => (
                "The app takes smaller bodies only. Raise its limit for this route.".to_owned(),
                Offer::Nothing,
            ),
            400..500 => {
                let text = match self.detail() {
                    Some(detail) => format!("The app says: “{detail}”"),
                    None => "The app could not read the request. Its log says why.".to_owned(),
                };
                (text, Offer::Nothing)
            }
            500.. => {
                let text = match self.detail().or_else(|| self.delivery.answer.as_ref()?.first_line()) {
                    Some(line) => format!("The app failed: “{line}” Its log says more."),
                    None => "The app failed. Its log says why.".to_owned(),
                };
                (text, Offer::Nothing)
            }
            _ => return None,
        };
        Some(advice)
    }

    fn redirect(&self) -> String {
        let to = self.header("location").map(|to| format!(" It leads to {to}."));
        let to = to.unwrap_or_default();
        format!("The platform follows no redirect.{to} Is the route behind a login, or is a slash missing?")
    }

    fn other_key(&self, verb: &str, or: &str) -> String {
        let own = match (&self.app.signing, self.platform.credential()) {
            (Some(signing), _) => format!("the one it is registered with here (number {})", signing.current),
            (None, Credential::Published) => "the one that the simulator publishes".to_owned(),
            (None, _) => "that of the simulator's test key".to_owned(),
        };
        format!("The app {verb} another {} than {own}, or {or}.", self.key())
    }

    fn missing(&self) -> String {
        let place = match self.platform.token_place() {
            Some(TokenPlace::Query(name)) => format!("{name} in the URL"),
            Some(TokenPlace::Body) => "the body".to_owned(),
            _ => self.platform.core().proof_headers().join(" and "),
        };
        let what = if self.platform.token_place().is_some() { "token" } else { "signature" };
        format!(
            "The app looked for the {what} elsewhere, or something in front of it took it off. It stands in {place}."
        )
    }

    fn refused(&self) -> String {
        let often = match (self.platform.credential(), self.detail().is_some()) {
            (Credential::None, _) => "Its log may say why.".to_owned(),
            (_, true) => format!("Most often its {} or its app id differs.", self.key()),
            (_, false) => format!("Most often its {} differs.", self.key()),
        };
        match self.detail() {
            Some(detail) => format!("The app says: “{detail}” {often}"),
            None => format!("The app refused without saying why. {often}"),
        }
    }

    fn other_success(&self) -> String {
        let status = self.app.ack().status();
        if self.platform.is_handshake(&self.delivery.request.event) {
            return format!("Answer {status}, with what the handshake asks for.");
        }
        format!("Answer {status}; an empty body will do.")
    }

    fn status(&self) -> Option<u16> {
        self.delivery.answer.as_ref().map(|answer| answer.status)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.delivery.answer.as_ref()?.header(name)
    }

    fn detail(&self) -> Option<String> {
        Some(isolated(&self.delivery.answer.as_ref()?.problem_detail()?).into_owned())
    }

    /// As many libraries say it, some of them with 400.
    fn names_the_signature(&self) -> bool {
        let says = |body: &str| body.to_ascii_lowercase().contains("signature");
        self.platform.credential() != Credential::None
            && self.delivery.answer.as_ref().is_some_and(|answer| says(&answer.body))
    }

    fn key(&self) -> &'static str {
        match self.platform.credential() {
            Credential::Secret => "signing secret",
            _ => "public key",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use lifecycle_core::{Platform as Core, bigcommerce, discord, forge, seismic, slack, stripe, wix};

    use super::*;
    use crate::app::{Callbacks, Details, Registration, Signing};
    use crate::delivery::{Answer, Cause, Effect, Header, Request};
    use crate::moment::Moment;
    use crate::occurrence::Occurrence;
    use crate::tenant::Tenant;

    /// What is said of an answer with this status, code and body.
    fn remedy(platform: Platform, event: &str, status: u16, code: &str, body: &str) -> Option<Remedy> {
        let callbacks = Callbacks { urls: BTreeMap::new(), version: "1.0.0".into() };
        let signing =
            (platform.credential() == Credential::Secret).then_some(Signing { current: 1, previous: None });
        let app = App {
            id: 1,
            name: "Test app".into(),
            app_id: "app-1".into(),
            registration: Registration { platform, details: Details::Callbacks(callbacks) },
            signing,
            created_at: Moment(0),
        };
        let headers = vec![Header::new("content-type", "text/plain")];
        let delivery = Delivery {
            id: 1,
            app: 1,
            tenant: 1,
            request: Request {
                event: event.into(),
                method: "POST".into(),
                url: "http://127.0.0.1:3000/hooks?token=x".into(),
                headers: vec![],
                body: String::new(),
            },
            occurrence: Some(Occurrence::new(&app, &Tenant::new(platform, "Acme"), "t".into(), event)),
            forgery: None,
            batch: 1,
            repeats: None,
            role: Role::Action,
            created_at: Moment(0),
            state: State::Failed,
            effect: Effect::Blocked,
            answer: Some(Answer { status, headers, body: body.into(), truncated: false }),
            cause: Some(Cause::new(code, code)),
            elapsed: None,
        };
        Remedy::of(&delivery, &app)
    }

    fn said(platform: &Core, status: u16, code: &str) -> String {
        remedy(Platform::of(platform), "install", status, code, "").expect("a remedy").text
    }

    /// The codes that these crates answer with, each with its status, from the table for people.
    fn documented() -> Vec<(u16, String)> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/answers.md");
        let text = std::fs::read_to_string(path).unwrap();
        let rows = text.lines().filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, _, statuses, codes, _] = cells[..] else { return None };
            let status = statuses.get(..3)?.parse().ok()?;
            let codes = codes.split('`').skip(1).step_by(2).filter(|code| *code != "detail"); // a member
            Some(codes.map(|code| (status, code.to_owned())).collect::<Vec<_>>())
        });
        rows.flatten().collect()
    }

    #[test]
    fn each_documented_code_has_a_remedy_that_is_not_a_guess() {
        let codes = documented();
        assert!(codes.len() > 20, "{codes:?}");
        for platform in Platform::all() {
            for (status, code) in &codes {
                let text = remedy(platform, "install", *status, code, "").map(|remedy| remedy.text);
                let text = text.unwrap_or_else(|| panic!("{platform:?} {code}"));
                let guesses = ["without saying why", "could not read the request"];
                assert!(!guesses.iter().any(|guess| text.contains(guess)), "{platform:?} {code}: {text}");
            }
        }
    }

    #[test]
    fn a_remedy_names_what_the_platform_has() {
        let other = "The app verifies with another";
        for (platform, code, expected) in [
            (&seismic::PLATFORM, "signature-mismatch", format!("{other} signing secret than the one it is registered with here (number 1)")),
            (&discord::PLATFORM, "signature-mismatch", format!("{other} public key than that of the simulator's test key")),
            (&forge::PLATFORM, "invalid-token", "The app takes tokens by another public key than the one that the simulator publishes, or about another app than app-1.".to_owned()),
            (&slack::PLATFORM, "missing-signature", "It stands in x-slack-signature.".to_owned()),
            (&bigcommerce::PLATFORM, "missing-token", "It stands in signed_payload_jwt in the URL.".to_owned()),
            (&wix::PLATFORM, "missing-token", "It stands in the body.".to_owned()),
        ] {
            let text = said(platform, 401, code);
            assert!(text.contains(&expected), "{}: {text}", platform.name());
        }
    }

    #[test]
    fn a_signature_that_another_library_refuses_leads_to_the_secret() {
        for (platform, status, body) in [
            (
                &stripe::PLATFORM,
                400,
                "Webhook Error: No signatures found matching the expected signature for payload.",
            ),
            (&seismic::PLATFORM, 400, r#"{"error":"signature does not match event payload and secret"}"#),
            (&slack::PLATFORM, 401, ""),
            (&seismic::PLATFORM, 403, "Forbidden"),
        ] {
            let remedy = remedy(Platform::of(platform), "install", status, "error-status", body).unwrap();
            assert!(remedy.secret, "{} {status} {body}: {}", platform.name(), remedy.text);
        }
        let other =
            remedy(Platform::of(&seismic::PLATFORM), "install", 400, "error-status", "no JSON").unwrap();
        assert!(!other.secret, "{}", other.text);
    }

    #[test]
    fn an_empty_body_is_no_answer_to_a_handshake() {
        let slack = Platform::of(&slack::PLATFORM);
        let handshake = slack.sender().handshake().unwrap();
        let wrong = remedy(slack, handshake.event(), 204, "wrong-status", "").unwrap();
        assert_eq!(wrong.text, "Answer 200, with what the handshake asks for.");
        let empty = remedy(slack, handshake.event(), 200, "challenge", "").unwrap();
        assert!(empty.text.contains("wants its challenge back"), "{}", empty.text);
        assert_eq!(said(&seismic::PLATFORM, 200, "wrong-status"), "Answer 202; an empty body will do.");
    }
}
