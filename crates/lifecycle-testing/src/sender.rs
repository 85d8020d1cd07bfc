//! Sender: the writing half of a platform, whose reading half is in core.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use lifecycle_core::Platform;
use uuid::Uuid;

use crate::draft::Draft;
use crate::judgement::{Answer, Judgement};
use crate::platforms::REGISTRY;
use crate::sample::Sample;

/// The writing half of a platform: what it sends, and which answers it takes. It is data and one function, so an app can define
/// that of a platform of its own in a `static`. `Debug` shows the platform's name.
///
/// ```
/// use lifecycle_core::slack;
/// use lifecycle_testing::Sender;
///
/// let slack = Sender::of(&slack::PLATFORM).expect("it is one of the registry's");
/// assert!(slack.sample("uninstall").is_some() && slack.sample("tokens_revoked").is_some());
/// assert!(slack.sample("install").is_none(), "Slack tells of none");
/// assert!(slack.handshake().is_some());
/// ```
pub struct Sender {
    pub(crate) platform: &'static Platform,
    title: Option<&'static str>,
    pub(crate) events: &'static [Template],
    pub(crate) fill: Fill,
    handshake: Option<(Template, Expected)>,
    named_at: Option<&'static str>,
    pub(crate) texts: &'static [&'static str],
    keys_from: KeysFrom,
    key_owner: Option<(&'static str, &'static str)>,
    success: RangeInclusive<u16>,
}

/// Writes what is told about an event to where it stands on a platform.
pub type Fill = fn(&Facts, &mut Draft);

/// A sample of the vendor's: an event as its documentation shows it. `Debug` shows the event's name.
#[derive(Clone, Copy)]
pub struct Template {
    pub(crate) kind: &'static str,
    pub(crate) event: &'static str,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) body: &'static str,
    pub(crate) claims: Option<&'static str>,
    pub(crate) path: &'static str,
}

impl Template {
    /// A sample of this kind ([`EventKind::name`](lifecycle_core::EventKind::name)), of the event with this name on the
    /// platform, with this JSON object as its body; an empty text where it has none, or where its body is a token.
    pub const fn new(kind: &'static str, event: &'static str, body: &'static str) -> Self {
        Self { kind, event, headers: &[], body, claims: None, path: "" }
    }

    /// The claims of the token that proves it, a JSON object.
    #[must_use]
    pub const fn with_claims(mut self, claims: &'static str) -> Self {
        self.claims = Some(claims);
        self
    }

    /// What follows the platform's own path, such as `/uninstall`, where the path tells one event from another.
    #[must_use]
    pub const fn with_path(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// The headers that the platform sends with it besides `content-type` and those of the proof, names in lower case.
    #[must_use]
    pub const fn with_headers(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = headers;
        self
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.event).finish()
    }
}

/// What an event is to tell. `Debug` shows when it happened. What is `None` stays as it is in the vendor's sample.
#[derive(Clone)]
#[non_exhaustive]
pub struct Facts {
    /// Which app.
    pub app: Option<String>,
    /// For whom, in the form in which the platform's decoder reads it.
    pub tenant: Option<String>,
    /// The id of the installation.
    pub installation: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// The id of the event, where the platform has such ids; `None` for a new one, which [`fresh`](Self::fresh) is for.
    pub request_id: Option<String>,
    /// The version after the event.
    pub version: Option<String>,
    /// The version before an upgrade.
    pub prior_version: Option<String>,
    /// The name of the app, where the platform tells it.
    pub app_name: Option<String>,
    /// The name of whom it is for, where the platform tells it.
    pub tenant_name: Option<String>,
    /// The e-mail address of who did it, where the platform tells it.
    pub actor_email: Option<String>,
    /// When it happened.
    pub at: SystemTime,
    /// When this attempt is sent, for platforms whose body tells it.
    pub sent: SystemTime,
    /// Differs from sample to sample, and stays the same for one of them.
    pub fresh: Uuid,
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").field("at", &self.at).finish_non_exhaustive()
    }
}

/// The answer to a handshake that a platform wants to see.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Expected {
    /// Its usual acknowledgement.
    Acknowledgement,
    /// The text of this member: as it is, as the same member of a JSON object, or of a form.
    Echo(&'static str),
    /// The text of a member, and its MAC under the platform's secret in hex, as two members of a JSON object.
    Mac {
        /// The path of the text in what is sent.
        text: &'static str,
        /// The member that repeats it.
        plain: &'static str,
        /// The member with its MAC.
        mac: &'static str,
    },
}

/// Where an app gets the keys from that verify a platform's signatures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeysFrom {
    /// Its own settings.
    App,
    /// Each tenant, which publishes keys of its own.
    Tenant {
        /// The header that names the tenant, by the URL of its API.
        header: &'static str,
    },
    /// A URL at which the platform publishes them.
    Url,
}

impl Sender {
    /// The writing half of a platform that sends these events. It takes any answer from 200 to 299.
    pub const fn new(platform: &'static Platform, events: &'static [Template], fill: Fill) -> Self {
        Self {
            platform,
            title: None,
            events,
            fill,
            handshake: None,
            named_at: None,
            texts: &[],
            keys_from: KeysFrom::App,
            key_owner: None,
            success: 200..=299,
        }
    }

    /// Its name as people write it, such as `GitHub`; that of the platform by default.
    #[must_use]
    pub const fn with_title(mut self, title: &'static str) -> Self {
        self.title = Some(title);
        self
    }

    /// What it sends to try out a URL, and what it wants to see.
    #[must_use]
    pub const fn with_handshake(mut self, body: Template, expected: Expected) -> Self {
        self.handshake = Some((body, expected));
        self
    }

    /// The member of the body that names the event, where an event that the platform does not send yet can be written so.
    #[must_use]
    pub const fn with_name_at(mut self, path: &'static str) -> Self {
        self.named_at = Some(path);
        self
    }

    /// The members that it sends as texts with JSON in them, inner ones first.
    #[must_use]
    pub const fn with_texts(mut self, paths: &'static [&'static str]) -> Self {
        self.texts = paths;
        self
    }

    /// Where an app gets the keys from that verify its signatures; [`KeysFrom::App`] by default.
    #[must_use]
    pub const fn with_keys_from(mut self, from: KeysFrom) -> Self {
        self.keys_from = from;
        self
    }

    /// The claim that names the owner of the keys, and who that is in its samples, where keys that verify its tokens have to have
    /// an owner.
    #[must_use]
    pub const fn with_key_owner(mut self, claim: &'static str, owner: &'static str) -> Self {
        self.key_owner = Some((claim, owner));
        self
    }

    /// The statuses that it takes.
    #[must_use]
    pub const fn with_success(mut self, statuses: RangeInclusive<u16>) -> Self {
        self.success = statuses;
        self
    }

    /// The writing half of a platform, if it is one of the [`registry`]'s.
    pub fn of(platform: &Platform) -> Option<&'static Self> {
        registry().iter().copied().find(|sender| sender.platform.name() == platform.name())
    }

    /// The platform that it writes for.
    pub fn platform(&self) -> &'static Platform {
        self.platform
    }

    /// Its name as people write it, such as `GitHub`.
    pub fn title(&self) -> &'static str {
        self.title.unwrap_or(self.platform.name())
    }

    /// Where an app gets the keys from that verify its signatures.
    pub fn keys_from(&self) -> KeysFrom {
        self.keys_from
    }

    /// The claim that names the owner of the keys, and who that is in its samples; `None` where the keys need none.
    pub fn key_owner(&self) -> Option<(&'static str, &'static str)> {
        self.key_owner
    }

    /// The events that it sends: the name of each one's kind, and its name on the platform.
    pub fn events(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.events.iter().map(|template| (template.kind, template.event))
    }

    /// A name for each event that [`sample`](Self::sample) finds it by: that of its kind where that tells it from the others, and
    /// else its own on the platform.
    ///
    /// ```
    /// use lifecycle_core::stripe;
    /// use lifecycle_testing::Sender;
    ///
    /// let stripe = Sender::of(&stripe::PLATFORM).expect("it is one of the registry's");
    /// assert_eq!(stripe.names()[..4], ["install", "upgrade", "uninstall", "account.application.authorized"]);
    /// ```
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<&str> = Vec::new();
        for (kind, event) in self.events() {
            names.push(if names.contains(&kind) { event } else { kind });
        }
        names
    }

    /// A sample of the event with this name on the platform, or else of this kind; `None` if it sends none.
    pub fn sample(&'static self, name: &str) -> Option<Sample> {
        let own = self.events.iter().find(|template| template.event == name);
        let template = own.or_else(|| self.events.iter().find(|template| template.kind == name))?;
        Some(Sample::new(self, template, None))
    }

    /// An event of a name that the platform does not send yet: a receiver has to take it all the same. `None` where a name of
    /// one's own cannot be written.
    ///
    /// # Panics
    /// When the platform sends no events at all.
    pub fn unknown(&'static self, name: &str) -> Option<Sample> {
        let path = self.named_at?;
        Some(Sample::new(self, &self.events[0], None).set(path, name))
    }

    /// What it sends to try out a URL; `None` if it does not.
    pub fn handshake(&'static self) -> Option<Sample> {
        let (template, expected) = self.handshake.as_ref()?;
        Some(Sample::new(self, template, Some(*expected)))
    }

    /// What it sends under this name: an event, as [`sample`](Self::sample) finds it, or else its handshake; `None` if neither is called so.
    ///
    /// ```
    /// use lifecycle_core::slack;
    /// use lifecycle_testing::Sender;
    ///
    /// let slack = Sender::of(&slack::PLATFORM).expect("it is one of the registry's");
    /// assert!(slack.sample("url_verification").is_none(), "a handshake is no event");
    /// assert!(slack.named("url_verification").is_some() && slack.named("uninstall").is_some());
    /// ```
    pub fn named(&'static self, name: &str) -> Option<Sample> {
        self.sample(name).or_else(|| self.handshake().filter(|handshake| handshake.event() == name))
    }

    /// What becomes of an event that is answered so, or not at all, after this time. A handshake is judged by its
    /// [`Sample::judge`].
    pub fn judge(&self, answer: Option<Answer<'_>>, elapsed: Duration) -> Judgement {
        Judgement::of(self.platform.ack(), &self.success, answer, elapsed)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&self.platform.name()).finish()
    }
}

/// The writing halves of all platforms that core knows.
pub fn registry() -> &'static [&'static Sender] {
    REGISTRY
}
