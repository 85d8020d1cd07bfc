//! Lenient: a JSON member that may be text, and is never a reason to refuse a callback when it is something else.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::freshness;

/// Text, or `None` for `null` and for any other type: a platform may change what an app does not need.
pub(super) fn text<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<Cow<'a, str>>, D::Error> {
    from.deserialize_any(Text { integers: false })
}

/// Text, or an integer as its decimal digits; `None` for `null` and for any other type. For ids, which some platforms write as
/// numbers. No float is an id: its digits are not those that were sent.
pub(super) fn id<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<Cow<'a, str>>, D::Error> {
    from.deserialize_any(Text { integers: true })
}

/// A whole number, or `None` for `null` and for any other type.
pub(super) fn integer<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(id(from)?.and_then(|digits| match digits {
        Cow::Owned(digits) => digits.parse().ok(), // a number; what is borrowed was text
        Cow::Borrowed(_) => None,
    }))
}

/// A whole number of seconds since the epoch, as a time; `None` for any other type, and for what is before the epoch.
pub(super) fn unix_time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SystemTime>, D::Error> {
    Ok(integer(from)?.filter(|seconds| *seconds >= 0).and_then(freshness::from_unix_seconds))
}

/// A whole number of milliseconds since the epoch, as a time; `None` for any other type, and for what is before the epoch.
pub(super) fn unix_millis<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SystemTime>, D::Error> {
    Ok(integer(from)?.and_then(|millis| u64::try_from(millis).ok()).and_then(after_the_epoch))
}

/// Milliseconds since the epoch in decimal, as a time.
pub(super) fn millis(digits: &str) -> Option<SystemTime> {
    digits.parse().ok().and_then(after_the_epoch)
}

fn after_the_epoch(millis: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

/// An object of which only its id is read.
#[derive(Deserialize)]
pub(super) struct Identified<'a> {
    #[serde(default, borrow, deserialize_with = "id")]
    pub(super) id: Option<Cow<'a, str>>,
}

/// What a callback cannot do without is neither missing nor empty.
pub(super) fn present(member: Option<Cow<'_, str>>) -> Option<Cow<'_, str>> {
    member.filter(|text| !text.is_empty())
}

struct Text {
    integers: bool,
}

impl<'de> Visitor<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.integers.then(|| Cow::Owned(number.to_string())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.integers.then(|| Cow::Owned(number.to_string())))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}
