//! `LifecycleEvent`: what happened to an app in a tenant, in the same words for every platform.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use bytestring::ByteString;

use crate::freshness;
use crate::head::Headers;
use crate::idempotency;
use crate::platform::{Platform, VerifiedRequest};
use crate::rejection::Undecodable;

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
    /// A kind that is not known yet, by the name that the platform gives it.
    Other(Box<str>),
    /// The app was removed.
    Uninstall,
    /// The tenant was moved to another version.
    Upgrade,
}

impl EventKind {
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

/// What a platform's `decode` reads out of proven bytes; borrowed from them wherever possible. `Debug` shows the kind only.
#[non_exhaustive]
pub struct EventFields<'a> {
    /// What happened.
    pub kind: EventKind,
    /// Which app, in the platform's words.
    pub app: Cow<'a, str>,
    /// For whom: the platform's opaque id of the customer.
    pub tenant: Cow<'a, str>,
    /// Who did it.
    pub actor: Option<Cow<'a, str>>,
    /// The app's version after the event.
    pub version: Option<Cow<'a, str>>,
    /// The app's version before an upgrade.
    pub prior_version: Option<Cow<'a, str>>,
    /// The platform's id of this event; the same when it is sent again. One that is blank or the nil UUID (RFC 9562, 5.9)
    /// counts as none: give it as it is.
    pub request_id: Option<Cow<'a, str>>,
    /// When the platform sent it, as it wrote it: RFC 3339. Without an offset from UTC it does not order events.
    pub sent_at: Option<Cow<'a, str>>,
}

impl EventFields<'_> {
    /// Fields with nothing but the kind; set what the platform tells.
    pub fn new(kind: EventKind) -> Self {
        Self {
            kind,
            app: Cow::Borrowed(""),
            tenant: Cow::Borrowed(""),
            actor: None,
            version: None,
            prior_version: None,
            request_id: None,
            sent_at: None,
        }
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
    text: ByteString,
    fields: Fields,
}

impl LifecycleEvent {
    /// What happened.
    pub fn kind(&self) -> &EventKind {
        &self.fields.kind
    }

    /// The app's id on the platform. Where the event names none, it is the one that the verifier
    /// [expects](crate::Verifier::expect_app); empty if it expects none, which only [`EventKind::Other`] can be.
    pub fn app(&self) -> &str {
        self.fields.app.read(&self.text)
    }

    /// The tenant: Seismic's `tenantId`, SecurityScorecard's user name. Never empty for a known kind; may be empty for
    /// [`EventKind::Other`].
    pub fn tenant(&self) -> &str {
        self.fields.tenant.read(&self.text)
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

    /// When the platform sent it, as it wrote it.
    pub fn sent_at(&self) -> Option<&str> {
        self.read(self.fields.sent_at.as_ref())
    }

    /// When the platform sent it; `None` when it did not say, or not in RFC 3339. A missing offset is read as UTC, which is
    /// good enough for a maximum age. To order events such a time counts as not told, see [`Change`](crate::Change).
    pub fn sent_time(&self) -> Option<SystemTime> {
        freshness::parse_time(self.sent_at()?)
    }

    /// When the platform sent it, where that is told beyond doubt: with the offset from UTC.
    pub(crate) fn sent_instant(&self) -> Option<SystemTime> {
        freshness::parse_instant(self.sent_at()?)
    }

    /// Reads the event out of proven bytes.
    pub(crate) fn decode(platform: &Platform, body: Bytes, kept: &Headers) -> Result<Self, Undecodable> {
        let text = ByteString::try_from(body).map_err(|_| Undecodable::NotUtf8)?;
        let fields = Fields::of(platform.decode(&VerifiedRequest::new(without_mark(&text), kept))?, &text);
        Ok(Self { text, fields })
    }

    /// The body as text, without a byte order mark in front.
    pub(crate) fn text(&self) -> &str {
        without_mark(&self.text)
    }

    /// Names the app of an event that names none.
    pub(crate) fn set_app_if_untold(&mut self, app: &str) {
        if self.app().is_empty() {
            self.fields.app = Span::Owned(app.into());
        }
    }

    pub(crate) fn body(&self) -> &Bytes {
        self.text.as_bytes()
    }

    fn read<'s>(&'s self, span: Option<&'s Span>) -> Option<&'s str> {
        span.map(|span| span.read(&self.text))
    }
}

/// A byte order mark in front of JSON may be ignored (RFC 8259, section 8.1), and proven bytes that begin with one are
/// what the platform sent: to refuse them would block an administrator.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

impl fmt::Debug for LifecycleEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LifecycleEvent").field("kind", &self.fields.kind).finish_non_exhaustive()
    }
}

/// [`EventFields`], free of the borrow.
#[derive(Clone)]
struct Fields {
    kind: EventKind,
    app: Span,
    tenant: Span,
    actor: Option<Span>,
    version: Option<Span>,
    prior_version: Option<Span>,
    request_id: Option<Span>,
    sent_at: Option<Span>,
}

impl Fields {
    fn of(fields: EventFields<'_>, text: &str) -> Self {
        let span = |field| Span::of(field, text);
        Self {
            kind: fields.kind,
            app: span(fields.app),
            tenant: span(fields.tenant),
            actor: fields.actor.map(span),
            version: fields.version.map(span),
            prior_version: fields.prior_version.map(span),
            request_id: fields.request_id.filter(|id| !idempotency::is_placeholder(id)).map(span),
            sent_at: fields.sent_at.map(span),
        }
    }
}

/// A field's place in the body, or its own text where JSON escapes kept it from standing there as it reads.
#[derive(Clone)]
enum Span {
    At { start: usize, end: usize },
    Owned(Box<str>),
}

impl Span {
    fn of(field: Cow<'_, str>, text: &str) -> Self {
        match field {
            Cow::Borrowed(part) => {
                let start = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
                let end = start.wrapping_add(part.len());
                // A decoder may also borrow text that is not the body's, such as a constant; then it lies elsewhere.
                if text.get(start..end).is_some() {
                    Self::At { start, end }
                } else {
                    Self::Owned(part.into())
                }
            }
            Cow::Owned(own) => Self::Owned(own.into()),
        }
    }

    fn read<'s>(&'s self, text: &'s str) -> &'s str {
        match self {
            Self::At { start, end } => &text[*start..*end],
            Self::Owned(own) => own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_back_from_wherever_it_came() {
        let text = ByteString::from_static(r#"{"tenantId":"t1"}"#);
        let mut fields = EventFields::new(EventKind::Install);
        fields.tenant = Cow::Borrowed(&text[13..15]);
        fields.app = Cow::Borrowed("constant");
        fields.actor = Some(Cow::Owned("escaped".to_owned()));
        let fields = Fields::of(fields, &text);
        let event = LifecycleEvent { text, fields };
        assert!(matches!(event.fields.tenant, Span::At { start: 13, end: 15 }), "shares the body");
        assert_eq!((event.tenant(), event.app(), event.actor()), ("t1", "constant", Some("escaped")));
        assert_eq!(event.version(), None);
    }

    #[test]
    fn a_placeholder_is_no_request_id() {
        let read = |id: &str| {
            let text = ByteString::from(id);
            let mut fields = EventFields::new(EventKind::Install);
            fields.request_id = Some(Cow::Borrowed(&text));
            let fields = Fields::of(fields, &text);
            LifecycleEvent { text, fields }.request_id().map(str::to_owned)
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
    fn debug_shows_the_kind_and_nothing_personal() {
        let text = ByteString::from_static("jordan.lee@example.com");
        let mut fields = EventFields::new(EventKind::Install);
        fields.tenant = Cow::Borrowed(&text);
        let fields = Fields::of(fields, &text);
        let shown = format!("{:?}", LifecycleEvent { text, fields });
        assert_eq!(shown, "LifecycleEvent { kind: Install, .. }");
    }
}
