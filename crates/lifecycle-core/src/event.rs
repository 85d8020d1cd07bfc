//! `LifecycleEvent`: what happened to an app in a tenant, in the same words for every platform.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use crate::ack::AckFailure;
use crate::document::{Document, Span};
use crate::idempotency::{self, IdempotencySource};
use crate::trust::{Field, Unproven};

/// What happened to the app.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// The app's features were switched off for the tenant.
    Disable,
    /// The app's features were switched on for the tenant.
    Enable,
    /// The app was installed.
    Install,
    /// A kind that is not known yet, by the name that the platform gives it. In a delivery, `other.` stands in front of a name
    /// that one of the five has: a store keeps the name, and must not read it back as that one.
    Other(Box<str>),
    /// The app was removed.
    Uninstall,
    /// The tenant was moved to another version.
    Upgrade,
}

impl EventKind {
    /// The longest name of [`Other`](Self::Other) that a delivery has, in bytes; the rest is cut off.
    pub const MAX_NAME: usize = 128;

    /// The five known kinds.
    pub const KNOWN: [Self; 5] = [Self::Install, Self::Enable, Self::Upgrade, Self::Disable, Self::Uninstall];

    /// The kind of this name; any name that is not one of the five stays [`Other`](Self::Other), exactly as given.
    pub fn from_name(name: &str) -> Self {
        match name {
            "disable" => Self::Disable,
            "enable" => Self::Enable,
            "install" => Self::Install,
            "uninstall" => Self::Uninstall,
            "upgrade" => Self::Upgrade,
            other => Self::Other(other.into()),
        }
    }

    /// The name in lower case; for [`Other`](Self::Other) as the platform gave it.
    pub fn name(&self) -> &str {
        match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Install => "install",
            Self::Other(name) => name,
            Self::Uninstall => "uninstall",
            Self::Upgrade => "upgrade",
        }
    }

    /// The kind in a form that a store can tell from all others by its name, and that a log can show. Whoever may choose an
    /// unsigned name could make an install of anything else otherwise, or fill a disk.
    fn told_apart(self) -> Self {
        match self {
            Self::Other(name) if Self::from_name(&name).is_known() => {
                Self::Other(format!("other.{name}").into())
            }
            Self::Other(name) if name.len() > Self::MAX_NAME => {
                let end = (0..=Self::MAX_NAME).rev().find(|end| name.is_char_boundary(*end));
                Self::Other(name[..end.unwrap_or_default()].into())
            }
            kind => kind,
        }
    }

    /// Whether the app's features are off after it: a disable or an uninstall.
    pub fn closes(&self) -> bool {
        matches!(self, Self::Disable | Self::Uninstall)
    }

    /// Whether it is one of the five.
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a platform's `decode` reads out of a verified request; borrowed from it wherever possible. `Debug` shows the kind only.
#[non_exhaustive]
pub struct EventFields<'a> {
    /// What happened.
    pub kind: EventKind,
    /// Which app, in the platform's words. Empty where the event names none.
    pub app: Cow<'a, str>,
    /// For whom: the platform's opaque id of the customer.
    pub tenant: Cow<'a, str>,
    /// The id of the installation, where the platform gives each re-install another one.
    pub installation: Option<Cow<'a, str>>,
    /// Who did it.
    pub actor: Option<Cow<'a, str>>,
    /// The app's version after the event.
    pub version: Option<Cow<'a, str>>,
    /// The app's version before an upgrade.
    pub prior_version: Option<Cow<'a, str>>,
    /// The platform's id of this event; the same when it is sent again. Give it as it is: one that is blank or the nil UUID
    /// (RFC 9562, 5.9) is taken as absent.
    pub request_id: Option<Cow<'a, str>>,
    /// When it happened, which orders events. A text without an offset from UTC is not such a time, unless the platform defines
    /// the zone.
    pub occurred: Option<SystemTime>,
    /// When the platform sent this attempt, where [`AttemptTime::Decoded`](crate::AttemptTime::Decoded) says that the document
    /// has it.
    pub attempted: Option<SystemTime>,
    /// What distinguishes this event from another.
    pub identity: IdempotencySource<'a>,
    /// What a failure means for this event, where that differs from what the platform's [`Ack`](crate::Ack) says of all.
    pub failure: Option<AckFailure>,
    pub(crate) unproven: Unproven,
}

impl EventFields<'_> {
    /// Fields with nothing but the kind; set what the platform sends.
    pub fn new(kind: EventKind) -> Self {
        Self {
            kind,
            app: Cow::Borrowed(""),
            tenant: Cow::Borrowed(""),
            installation: None,
            actor: None,
            version: None,
            prior_version: None,
            request_id: None,
            occurred: None,
            attempted: None,
            identity: IdempotencySource::Document(None),
            failure: None,
            unproven: Unproven::default(),
        }
    }

    /// Says that the proof does not cover this field: it was read from what is not signed.
    pub fn unproven(&mut self, field: Field) {
        self.unproven.insert(field);
    }
}

impl fmt::Debug for EventFields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventFields").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What happened to an app in a tenant. Ids and versions are opaque text: the platforms promise no format for them.
///
/// It shares the received body's buffer; cloning is cheap. `Debug` shows the kind only, as the rest may be personal.
#[derive(Clone)]
pub struct LifecycleEvent {
    document: Document,
    fields: Fields,
}

impl LifecycleEvent {
    /// What happened.
    pub fn kind(&self) -> &EventKind {
        &self.fields.kind
    }

    /// The app's id on the platform. Where the event names none, it is the one that the verifier
    /// [expects](crate::ExpectedApp); empty if it expects none.
    pub fn app(&self) -> &str {
        self.fields.app.read(&self.document)
    }

    /// The tenant: Seismic's `tenantId`, SecurityScorecard's user name. Never empty for a known kind; may be empty for
    /// [`EventKind::Other`].
    pub fn tenant(&self) -> &str {
        self.fields.tenant.read(&self.document)
    }

    /// The id of the installation, where the platform gives each re-install another one.
    pub fn installation(&self) -> Option<&str> {
        self.read(self.fields.installation.as_ref())
    }

    /// Who did it, as the platform's user id.
    pub fn actor(&self) -> Option<&str> {
        self.read(self.fields.actor.as_ref())
    }

    /// The app's version; on an upgrade the new one.
    pub fn version(&self) -> Option<&str> {
        self.read(self.fields.version.as_ref())
    }

    /// The version before an upgrade. An upgrade without it is still valid.
    pub fn prior_version(&self) -> Option<&str> {
        self.read(self.fields.prior_version.as_ref())
    }

    /// The platform's id of this event; `None` also where it is a placeholder: blank, or the nil UUID.
    pub fn request_id(&self) -> Option<&str> {
        self.read(self.fields.request_id.as_ref())
    }

    /// When it happened, as the platform says; `None` when it does not say, or not with an offset from UTC.
    pub fn occurred(&self) -> Option<SystemTime> {
        self.fields.occurred
    }

    pub(crate) fn new(document: Document, fields: Fields) -> Self {
        Self { document, fields }
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    pub(crate) fn fields(&self) -> &Fields {
        &self.fields
    }

    pub(crate) fn identity(&self) -> IdempotencySource<'_> {
        self.fields.identity.read(&self.document)
    }

    fn read<'s>(&'s self, span: Option<&'s Span>) -> Option<&'s str> {
        span.map(|span| span.read(&self.document))
    }
}

impl fmt::Debug for LifecycleEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LifecycleEvent").field("kind", &self.fields.kind).finish_non_exhaustive()
    }
}

/// [`EventFields`], free of the borrow: with places in the document, which can then be moved.
#[derive(Clone)]
pub(crate) struct Fields {
    pub(crate) unproven: Unproven,
    pub(crate) failure: Option<AckFailure>,
    kind: EventKind,
    app: Span,
    tenant: Span,
    installation: Option<Span>,
    actor: Option<Span>,
    version: Option<Span>,
    prior_version: Option<Span>,
    request_id: Option<Span>,
    occurred: Option<SystemTime>,
    identity: Identity,
}

impl Fields {
    pub(crate) fn of(fields: EventFields<'_>, document: &Document) -> Self {
        let span = |field| Span::of(field, document);
        Self {
            unproven: fields.unproven,
            failure: fields.failure,
            kind: fields.kind.told_apart(),
            app: span(fields.app),
            tenant: span(fields.tenant),
            installation: fields.installation.map(span),
            actor: fields.actor.map(span),
            version: fields.version.map(span),
            prior_version: fields.prior_version.map(span),
            request_id: fields.request_id.filter(|id| !idempotency::is_placeholder(id)).map(span),
            occurred: fields.occurred,
            identity: Identity::of(fields.identity, document),
        }
    }
}

/// [`IdempotencySource`], free of the borrow.
#[derive(Clone)]
enum Identity {
    Document(Option<Span>),
    Event(Span),
    Told(Span),
}

impl Identity {
    fn of(source: IdempotencySource<'_>, document: &Document) -> Self {
        match source {
            IdempotencySource::Document(id) => Self::Document(id.map(|id| Span::of(id, document))),
            IdempotencySource::Event(text) => Self::Event(Span::of(text, document)),
            IdempotencySource::Told(text) => Self::Told(Span::of(text, document)),
        }
    }

    fn read<'s>(&'s self, document: &'s Document) -> IdempotencySource<'s> {
        let text = |span: &'s Span| Cow::Borrowed(span.read(document));
        match self {
            Self::Document(id) => IdempotencySource::Document(id.as_ref().map(text)),
            Self::Event(span) => IdempotencySource::Event(text(span)),
            Self::Told(span) => IdempotencySource::Told(text(span)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::Headers;
    use crate::seismic;

    fn document(text: &str) -> Document {
        let names = seismic::PLATFORM.header_names();
        Document::new(text.to_owned().into(), Headers::none(names), None).unwrap()
    }

    fn event(document: Document, fields: EventFields<'_>) -> LifecycleEvent {
        let fields = Fields::of(fields, &document);
        LifecycleEvent::new(document, fields)
    }

    #[test]
    fn a_field_is_read_back_from_wherever_it_came() {
        let document = document(r#"{"tenantId":"t1"}"#);
        let shared = document.clone();
        let mut fields = EventFields::new(EventKind::Install);
        fields.tenant = Cow::Borrowed(&shared.text()[13..15]);
        fields.app = Cow::Borrowed("constant");
        fields.actor = Some(Cow::Owned("escaped".to_owned()));
        let event = event(document, fields);
        assert!(matches!(event.fields.tenant, Span::Body { start: 13, end: 15 }), "shares the body");
        assert_eq!((event.tenant(), event.app(), event.actor()), ("t1", "constant", Some("escaped")));
        assert_eq!(event.version(), None);
    }

    #[test]
    fn a_placeholder_is_no_request_id() {
        let read = |id: &str| {
            let mut fields = EventFields::new(EventKind::Install);
            fields.request_id = Some(Cow::Borrowed(id));
            event(document(id), fields).request_id().map(str::to_owned)
        };
        for placeholder in [
            "",
            " ",
            "\t\u{a0}\n",
            "00000000-0000-0000-0000-000000000000",
            " 00000000-0000-0000-0000-000000000000 ",
            "{00000000-0000-0000-0000-000000000000}",
            "(00000000-0000-0000-0000-000000000000)",
            "00000000000000000000000000000000",
        ] {
            assert_eq!(read(placeholder), None, "{placeholder:?}");
        }
        for id in [
            "0",
            "-",
            "é",
            "00000000-0000-0000-0000-00000000000é",
            "null",
            " r ",
            "0000000000000000000000000000000",
            "000000000000000000000000000000000",
            "00000000-0000-0000-0000-000000000001",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ] {
            assert_eq!(read(id).as_deref(), Some(id), "{id:?}");
        }
    }

    #[test]
    fn an_unknown_kind_keeps_its_name() {
        assert_eq!(EventKind::from_name("update").name(), "update");
        assert!(!EventKind::from_name("Install").is_known());
        assert!(EventKind::KNOWN.iter().all(|kind| EventKind::from_name(kind.name()) == *kind));
    }

    #[test]
    fn a_name_is_cut_between_two_characters_before_it_fills_a_log() {
        let told = |name: String| EventKind::Other(name.into()).told_apart().name().len();
        assert_eq!(told("n".repeat(128)), 128);
        assert_eq!(told("n".repeat(250_000)), 128);
        assert_eq!(told("é".repeat(100) + "n"), 128);
        assert_eq!(told("n".to_owned() + &"é".repeat(100)), 127);
    }

    #[test]
    fn debug_shows_the_kind_and_nothing_personal() {
        let mut fields = EventFields::new(EventKind::Install);
        fields.tenant = Cow::Borrowed("jordan.lee@example.com");
        let shown = format!("{:?}", event(document(""), fields));
        assert_eq!(shown, "LifecycleEvent { kind: Install, .. }");
    }
}
