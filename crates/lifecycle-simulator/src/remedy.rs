//! Remedy: what to do about a delivery that did not get through.

use serde::Serialize;

use crate::app::App;
use crate::delivery::{Delivery, Role, State};
use crate::platform::Credential;

/// What to do, in a sentence or two, and which of the page's tools help.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Remedy {
    pub(crate) text: String,
    /// Whether the app may have another secret, which can be entered.
    pub(crate) secret: bool,
    /// Whether the URL may be wrong.
    pub(crate) url: bool,
}

/// What a cause comes of. Its answer is told where it helps.
struct Told<'a> {
    code: &'a str,
    status: Option<u16>,
    url: &'a str,
    delivery: &'a Delivery,
    app: &'a App,
}

/// A row of the table: which causes it is about, and what to do.
type Row = (fn(&Told<'_>) -> bool, fn(&Told<'_>) -> String, Offer);

/// What the page offers besides the sentence.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Offer {
    Nothing,
    Secret,
    Url,
}

/// The first row that fits is the remedy.
const TABLE: &[Row] = &[
    (|told| told.code == "interrupted", |_| "Send it again.".to_owned(), Offer::Nothing),
    (
        |told| told.code == "signature-mismatch",
        |told| {
            format!(
                "The app verifies with another {} than {}, or verifies other bytes than it was sent.",
                told.key(),
                told.own_key()
            )
        },
        Offer::Secret,
    ),
    (
        |told| told.code == "missing-signature",
        |told| {
            format!(
                "The app looked for the signature elsewhere, or something in front of it took the header off. It stands in {}.",
                told.place()
            )
        },
        Offer::Nothing,
    ),
    (
        |told| told.code == "refused" && told.status == Some(403),
        |told| match told.detail() {
            Some(detail) => format!("The app refused on purpose: “{detail}”"),
            None => "The app refused on purpose, without a reason.".to_owned(),
        },
        Offer::Nothing,
    ),
    (
        |told| told.status == Some(401) && told.detail().is_some(),
        |told| {
            format!(
                "The app says: “{}” Most often its {} or its app id differs.",
                told.detail().unwrap_or_default(),
                told.key()
            )
        },
        Offer::Secret,
    ),
    (
        |told| matches!(told.status, Some(401 | 403)),
        |told| format!("The app refused without saying why. Most often its {} differs.", told.key()),
        Offer::Secret,
    ),
    (
        |told| told.status == Some(404),
        |told| format!("Nothing answers at {}. Is this the callback's URL?", told.url),
        Offer::Url,
    ),
    (
        |told| told.status == Some(405),
        |told| {
            let allowed = told.header("allow").map(|allow| format!(": it takes {allow}"));
            format!(
                "{} does not take {}{}. Is this the callback's URL?",
                told.url,
                told.delivery.request.method,
                allowed.unwrap_or_default()
            )
        },
        Offer::Url,
    ),
    (
        |told| told.code == "redirect",
        |told| {
            let to = told.header("location").map(|to| format!(" It leads to {to}."));
            format!(
                "The platform follows no redirect.{} Is the route behind a login, or is a slash missing?",
                to.unwrap_or_default()
            )
        },
        Offer::Url,
    ),
    (
        |told| {
            told.status == Some(200) && told.header("content-type").is_some_and(|kind| kind.contains("html"))
        },
        |_| "The app answered with a web page. Is this the callback's URL?".to_owned(),
        Offer::Url,
    ),
    (
        |told| matches!(told.status, Some(200..300)),
        |told| format!("Answer {}; an empty body will do.", told.app.ack().status()),
        Offer::Nothing,
    ),
    (
        |told| told.status == Some(413),
        |_| "The app takes smaller bodies only. Raise its limit for this route.".to_owned(),
        Offer::Nothing,
    ),
    (
        |told| matches!(told.status, Some(500..)),
        |told| match told.detail().or_else(|| told.delivery.answer.as_ref()?.first_line()) {
            Some(line) => format!("The app failed: “{line}” Its log says more."),
            None => "The app failed. Its log says why.".to_owned(),
        },
        Offer::Nothing,
    ),
    (
        |told| matches!(told.status, Some(400..500)),
        |told| match told.detail() {
            Some(detail) => format!("The app says: “{detail}”"),
            None => "The app could not read the request. Its log says why.".to_owned(),
        },
        Offer::Nothing,
    ),
    (
        |told| told.code == "late",
        |_| "Acknowledge first and work afterwards, as a durable inbox does.".to_owned(),
        Offer::Nothing,
    ),
    (
        |told| told.code == "connection-refused",
        |_| "Start the app, or correct its URL; then send it again.".to_owned(),
        Offer::Url,
    ),
    (
        |told| told.code == "unreachable" || told.code == "address",
        |_| "Is the URL right?".to_owned(),
        Offer::Url,
    ),
    (
        |told| told.code == "connection-broken",
        |_| "The app closed the connection. Did it crash? Its log says why.".to_owned(),
        Offer::Nothing,
    ),
];

impl Remedy {
    /// What to do about a delivery that failed; `None` where nothing is to be done.
    pub(crate) fn of(delivery: &Delivery, app: &App) -> Option<Self> {
        let cause = delivery.cause.as_ref()?;
        if delivery.state != State::Failed || delivery.forgery.is_some() {
            return None;
        }
        let url = delivery.request.url.split('?').next().unwrap_or_default();
        let status = delivery.answer.as_ref().map(|answer| answer.status);
        let told = Told { code: &cause.code, status, url, delivery, app };
        let (_, text, offer) = TABLE.iter().find(|(fits, ..)| fits(&told))?;
        // What was held back was signed before, and goes out as it is.
        let is_signed_again = delivery.role != Role::Late;
        Some(Self {
            text: text(&told),
            secret: *offer == Offer::Secret && told.takes_a_secret() && is_signed_again,
            url: *offer == Offer::Url,
        })
    }
}

impl Told<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.delivery.answer.as_ref()?.header(name)
    }

    fn detail(&self) -> Option<String> {
        self.delivery.answer.as_ref()?.problem_detail()
    }

    fn takes_a_secret(&self) -> bool {
        matches!(self.app.platform().credential(), Credential::Secret | Credential::Private)
    }

    fn key(&self) -> &'static str {
        match self.app.platform().credential() {
            Credential::Secret => "signing secret",
            _ => "public key",
        }
    }

    fn own_key(&self) -> String {
        match (&self.app.signing, self.app.platform().credential()) {
            (Some(signing), _) => format!("the one it is registered with here (number {})", signing.current),
            (None, Credential::Published) => "the one that the simulator publishes".to_owned(),
            (None, _) => "that of the simulator's test key".to_owned(),
        }
    }

    fn place(&self) -> String {
        let headers = self.app.platform().core().proof_headers();
        if headers.is_empty() { "the request's token".to_owned() } else { headers.join(" and ") }
    }
}
