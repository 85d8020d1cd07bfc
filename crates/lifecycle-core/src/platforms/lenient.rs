//! Lenient: a JSON member that may be text, and is never a reason to refuse a callback when it is something else.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::freshness;

/// Text, or `None` for `null` and for any other type: a platform may change what an app does not need.
pub(super) fn text<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<Cow<'a, str>>, D::Error> {
    from.deserialize_any(Any(Text))
}

/// Text, or an integer of at most 64 bits as its decimal digits, which stay where they are; `None` for `null` and for any other
/// type. For ids, which some platforms write as numbers.
pub(super) fn id<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<Cow<'a, str>>, D::Error> {
    let value = <&RawValue>::deserialize(from)?.get();
    match value.strip_prefix('"') {
        Some(_) if value.contains('\\') => serde_json::from_str(value).map_err(D::Error::custom),
        Some(text) => Ok(text.strip_suffix('"').map(Cow::Borrowed)),
        None if value.parse::<u64>().is_ok() || value.parse::<i64>().is_ok() => Ok(Some(value.into())),
        None => Ok(None),
    }
}

/// Whether it is `true`; any other value is not.
pub(super) fn is_true<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    from.deserialize_any(Any(True))
}

/// A whole number, or `None` for `null` and for any other type.
pub(super) fn integer<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(<&RawValue>::deserialize(from)?.get().parse().ok())
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

/// A body, which is a JSON object. What serde derives alone would read an array, too, member by member.
pub(super) fn document<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, serde_json::Error> {
    if body.trim_ascii_start().starts_with('{') {
        return serde_json::from_str(body);
    }
    serde_json::from_str::<IgnoredAny>(body)?;
    Err(Error::custom("not an object"))
}

/// An object, or `None` for `null` and for any other type.
pub(super) fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    from.deserialize_any(Any(Object(PhantomData)))
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

/// What is wanted of a JSON value: of one of another type there is nothing.
pub(super) trait Wanted<'de>: Sized {
    type Value;

    fn nothing() -> Self::Value;

    fn text(self, _text: Cow<'de, str>) -> Self::Value {
        Self::nothing()
    }

    fn truth(self, _value: bool) -> Self::Value {
        Self::nothing()
    }

    fn members<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::nothing())
    }
}

/// Reads a value of any type, and gives what is wanted of it.
pub(super) struct Any<W>(pub(super) W);

impl<'de, W: Wanted<'de>> Visitor<'de> for Any<W> {
    type Value = W::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(self.0.text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(self.0.truth(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(W::nothing())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(W::nothing())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(W::nothing())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(W::nothing())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(W::nothing())
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        self.0.members(members)
    }
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Wanted<'de> for Object<T> {
    type Value = Option<T>;

    fn nothing() -> Option<T> {
        None
    }

    fn members<A: MapAccess<'de>>(self, members: A) -> Result<Option<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(Some)
    }
}

struct True;

impl Wanted<'_> for True {
    type Value = bool;

    fn nothing() -> bool {
        false
    }

    fn truth(self, value: bool) -> bool {
        value
    }
}

struct Text;

impl<'de> Wanted<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn nothing() -> Self::Value {
        None
    }

    fn text(self, text: Cow<'de, str>) -> Self::Value {
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Undecodable, github, seismic, slack, stripe, testing, zoom};

    const TIME: [(&str, &str); 2] = [(slack::TIMESTAMP, "1767225600"), (zoom::TIMESTAMP, "1767225600")];

    #[test]
    fn an_array_is_no_callback_whatever_it_holds() {
        for (platform, body) in [
            (&seismic::PLATFORM, r#"["install","a","t","u","0.1","0.2","r","2026-01-01T00:00:00Z"]"#),
            (&slack::PLATFORM, r#"["url_verification","challenge"]"#),
            (&zoom::PLATFORM, r#"["endpoint.url_validation",1,["a","c","u","token"]]"#),
            (&stripe::PLATFORM, r#"["evt_1","apps.install.created","acct_1",1,null]"#),
        ] {
            let refused = testing::with_headers(platform, &TIME, body).unwrap_err();
            assert!(matches!(refused, Undecodable::Json { .. }), "{body}: {refused}");
        }
    }

    #[test]
    fn an_object_of_another_type_is_no_reason_to_reject_what_needs_none() {
        for other in ["[[],{}]", "1", "-1", "1.5", "true", "null", r#""text""#] {
            for (platform, body) in [
                (&zoom::PLATFORM, r#"{"event":"meeting.started","payload":OTHER}"#),
                (&slack::PLATFORM, r#"{"type":"app_rate_limited","event":OTHER}"#),
                (&stripe::PLATFORM, r#"{"id":"evt_1","type":"charge.failed","data":OTHER}"#),
                (&github::PLATFORM, r#"{"action":"opened","installation":OTHER,"sender":OTHER}"#),
            ] {
                let headers = [TIME.as_slice(), &[(github::EVENT, "issues")]].concat();
                let body = body.replace("OTHER", other);
                let taken = testing::with_headers(platform, &headers, &body);
                assert!(!taken.unwrap().event().kind().is_known(), "{body}");
            }
        }
    }
}
