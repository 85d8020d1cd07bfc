//! Sample: one genuine event of a platform, with what a test or a tool wants it to tell.

use std::fmt;
use std::time::{Duration, SystemTime};

use lifecycle_core::{Delivery, EventKind, ExpectedApp, Inbound, Platform};
use serde_json::Value;
use uuid::Uuid;

use crate::delivery::{receive, verified};
use crate::draft::Draft;
use crate::judgement::{Answer, Judgement};
use crate::keys::SigningKeys;
use crate::request::SignedRequest;
use crate::sender::{Expected, Facts, Sender, Template};

/// A genuine event of this kind, as the vendor's documentation shows it, that happens now and has a new id.
///
/// # Panics
/// When the platform sends no such event, or is not one of the [`registry`](crate::registry)'s.
pub fn sample(platform: &Platform, kind: &EventKind) -> Sample {
    let name = platform.name();
    let sender = Sender::of(platform).unwrap_or_else(|| panic!("the registry has no platform {name}"));
    sender.sample(kind.name()).unwrap_or_else(|| {
        let kinds: Vec<&str> = sender.events().map(|(kind, _)| kind).collect();
        panic!("{name} sends no {kind}, but {}", kinds.join(", "))
    })
}

/// One genuine event of a platform: the members and their order are those of the vendor's own sample, and so is what is not
/// set. A fact that the platform does not tell is left out. `Debug` shows the platform and the event only.
///
/// ```
/// use lifecycle_core::{EventKind, github};
/// use lifecycle_testing::sample;
///
/// let delivery = sample(&github::PLATFORM, &EventKind::Uninstall).tenant("42").delivery();
/// assert_eq!(delivery.event().kind(), &EventKind::Uninstall);
/// assert_eq!(delivery.event().tenant(), "42");
/// ```
#[derive(Clone)]
pub struct Sample {
    sender: &'static Sender,
    template: &'static Template,
    expected: Option<Expected>,
    facts: Facts,
    sent: Option<SystemTime>,
    edits: Vec<(String, Option<Value>)>,
    keys: Option<SigningKeys>,
}

impl Sample {
    pub(crate) fn new(
        sender: &'static Sender,
        template: &'static Template,
        expected: Option<Expected>,
    ) -> Self {
        let facts = Facts {
            app: None,
            tenant: None,
            installation: None,
            actor: None,
            request_id: None,
            version: None,
            prior_version: None,
            app_name: None,
            tenant_name: None,
            actor_email: None,
            at: SystemTime::now(),
            sent: SystemTime::UNIX_EPOCH,
            fresh: Uuid::new_v4(),
        };
        Self { sender, template, expected, facts, sent: None, edits: Vec::new(), keys: None }
    }

    /// Which app it is about.
    #[must_use]
    pub fn app(mut self, id: impl Into<String>) -> Self {
        self.facts.app = Some(id.into());
        self
    }

    /// For whom it is, in the form in which [`LifecycleEvent::tenant`](lifecycle_core::LifecycleEvent::tenant) gives it back.
    #[must_use]
    pub fn tenant(mut self, id: impl Into<String>) -> Self {
        self.facts.tenant = Some(id.into());
        self
    }

    /// The id of the installation.
    #[must_use]
    pub fn installation(mut self, id: impl Into<String>) -> Self {
        self.facts.installation = Some(id.into());
        self
    }

    /// Who did it.
    #[must_use]
    pub fn actor(mut self, id: impl Into<String>) -> Self {
        self.facts.actor = Some(id.into());
        self
    }

    /// The id of the event; a new one otherwise.
    #[must_use]
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.facts.request_id = Some(id.into());
        self
    }

    /// The app's version after the event.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.facts.version = Some(version.into());
        self
    }

    /// The app's version before an upgrade.
    #[must_use]
    pub fn prior_version(mut self, version: impl Into<String>) -> Self {
        self.facts.prior_version = Some(version.into());
        self
    }

    /// The name of the app, where the platform tells it.
    #[must_use]
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.facts.app_name = Some(name.into());
        self
    }

    /// The name of whom it is for, where the platform tells it.
    #[must_use]
    pub fn tenant_name(mut self, name: impl Into<String>) -> Self {
        self.facts.tenant_name = Some(name.into());
        self
    }

    /// The e-mail address of who did it, where the platform tells it.
    #[must_use]
    pub fn actor_email(mut self, address: impl Into<String>) -> Self {
        self.facts.actor_email = Some(address.into());
        self
    }

    /// When it happened, and when it is sent; now otherwise. Platforms tell it as exactly as their samples do.
    #[must_use]
    pub fn at(mut self, time: SystemTime) -> Self {
        self.facts.at = time;
        self
    }

    /// When this attempt is sent, for a later one of the same event. It stands where the platform signs such a time.
    #[must_use]
    pub fn sent(mut self, time: SystemTime) -> Self {
        self.sent = Some(time);
        self
    }

    /// Gives a member of the body this value, after all else; a new one comes last. `path` names it, such as
    /// `installation.account.id`, or, among the claims of a token, `claims.dat.account_id`.
    #[must_use]
    pub fn set(mut self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.edits.push((path.into(), Some(value.into())));
        self
    }

    /// Leaves a member of the body or of the claims out.
    #[must_use]
    pub fn without(mut self, path: impl Into<String>) -> Self {
        self.edits.push((path.into(), None));
        self
    }

    /// The keys that [`judge`](Self::judge) checks the answer to a handshake with, where the platform wants to see a MAC.
    /// Without them no answer to such a one will do.
    #[must_use]
    pub fn judged_by(mut self, keys: &SigningKeys) -> Self {
        self.keys = Some(keys.clone());
        self
    }

    /// The kind of event; a handshake has that of its name on the platform.
    pub fn kind(&self) -> EventKind {
        EventKind::from_name(self.template.kind)
    }

    /// The name of the event on the platform.
    pub fn event(&self) -> &'static str {
        self.template.event
    }

    /// What follows the platform's own path, such as `/uninstall`; empty for most.
    pub fn path(&self) -> &'static str {
        self.template.path
    }

    /// The body: JSON on one line; empty where it has none, or where its body is a token.
    pub fn body(&self) -> String {
        self.draft().body_text()
    }

    /// The claims of its token, JSON on one line, where that is the proof.
    pub fn claims(&self) -> Option<String> {
        self.draft().claims_text()
    }

    /// The headers that it has besides those of the proof, names in lower case.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        self.draft().headers
    }

    /// The request that the platform sends.
    ///
    /// # Panics
    /// When they are keys of another sort than the platform's proof takes.
    pub fn sign(&self, keys: &SigningKeys) -> SignedRequest {
        let body = self.body();
        self.sign_body(keys, body)
    }

    /// The same with this body in place of its own. Where a token is the proof, it is that of the sample.
    ///
    /// # Panics
    /// When they are keys of another sort than the platform's proof takes.
    pub fn sign_body(&self, keys: &SigningKeys, body: impl Into<Vec<u8>>) -> SignedRequest {
        let draft = self.draft();
        let headers: Vec<(&str, &str)> =
            draft.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let platform = self.sender.platform();
        match draft.claims_text() {
            None => SignedRequest::new(platform, keys, &headers, body, self.sent_at()),
            Some(claims) => {
                let token = keys.sign_claims(platform, &claims);
                SignedRequest::with_token(platform, &token, &headers, self.path(), body)
            }
        }
    }

    /// The delivery that comes of it, received when it is sent: signed and verified with keys for tests.
    ///
    /// # Panics
    /// When it is rejected, with the reason, or a handshake.
    pub fn delivery(&self) -> Delivery {
        let keys = SigningKeys::for_tests(self.sender.platform());
        receive(self.sender.platform(), &self.sign(&keys), &keys, self.expected_app(), self.sent_at())
    }

    /// The same with this body in place of its own, as [`sign_body`](Self::sign_body) takes one, whatever time it tells of. `None` where no delivery
    /// comes of it: it is a handshake, or a body that a receiver rejects.
    pub fn delivery_of(&self, body: impl Into<Vec<u8>>) -> Option<Delivery> {
        let keys = SigningKeys::for_tests(self.sender.platform());
        let request = self.sign_body(&keys, body);
        match verified(self.sender.platform(), &request, &keys, self.expected_app(), self.sent_at()) {
            Ok(Inbound::Delivery(delivery)) => Some(delivery),
            Ok(Inbound::Handshake(_)) | Err(_) => None,
        }
    }

    /// What becomes of it if it is answered so, or not at all, after this time.
    pub fn judge(&self, answer: Option<Answer<'_>>, elapsed: Duration) -> Judgement {
        let judged = self.sender.judge(answer, elapsed);
        match self.expected {
            None => judged,
            Some(expected) => judged.of_handshake(expected, &self.draft(), self.keys.as_ref(), answer),
        }
    }

    /// Some keys prove the tokens of all apps, so one has to be told.
    fn expected_app(&self) -> ExpectedApp {
        self.draft().read("claims.aud").map_or(ExpectedApp::Any, ExpectedApp::from)
    }

    fn sent_at(&self) -> SystemTime {
        self.sent.unwrap_or(self.facts.at)
    }

    fn draft(&self) -> Draft {
        let mut draft = Draft::new(self.template);
        let facts = Facts { sent: self.sent_at(), ..self.facts.clone() };
        (self.sender.fill)(&facts, &mut draft);
        for (path, value) in &self.edits {
            match value {
                Some(value) => draft.set(path, value),
                None => draft.remove(path),
            }
        }
        for path in self.sender.texts {
            draft.make_text(path);
        }
        draft
    }
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample")
            .field("platform", &self.sender.platform().name())
            .field("event", &self.template.event)
            .finish_non_exhaustive()
    }
}
