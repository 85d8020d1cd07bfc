//! Claims: what a token says (RFC 7519), read strictly and, before their proof, bounded by the token's length.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use crate::freshness::from_unix_seconds;
use crate::json_object::{self, Members, Text};

/// The claims of a token, without those that are withheld.
pub(crate) struct Claims {
    text: Arc<str>,
    issuer: Option<Box<str>>,
    issued: Option<SystemTime>,
    begin: Option<NumericDate>,
    end: Option<SystemTime>,
}

/// The claims that RFC 7519 names.
#[derive(Default)]
pub(crate) struct Registered<'j> {
    aud: Option<Audiences<'j>>,
    exp: Option<NumericDate>,
    iat: Option<NumericDate>,
    iss: Option<Text<'j>>,
    nbf: Option<NumericDate>,
}

/// Seconds since the Unix epoch, which need not be whole (RFC 7519, section 2); `None` for a time that no clock can show.
struct NumericDate(Option<SystemTime>);

enum Audiences<'j> {
    One(Text<'j>),
    Many(Vec<Text<'j>>),
}

impl Claims {
    /// The claims in this JSON, if these are acceptable. Without an expiry they are none: such a token would be good for ever.
    pub(crate) fn read(
        json: &str,
        withheld: &[&str],
        accepts: impl FnOnce(&Registered<'_>) -> bool,
    ) -> Option<Self> {
        let mut registered = Registered::default();
        let withheld = json_object::read(json, withheld, &mut registered)?;
        if !accepts(&registered) {
            return None;
        }
        Some(Self {
            text: without(json, withheld),
            issuer: registered.issuer().map(Into::into),
            issued: registered.iat.and_then(|NumericDate(issued)| issued),
            begin: registered.nbf,
            end: registered.exp?.0,
        })
    }

    /// The JSON.
    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }

    pub(crate) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// When it was issued.
    pub(crate) fn issued(&self) -> Option<SystemTime> {
        self.issued
    }

    /// Whether it is valid at this time, on clocks that differ by so much. The time of issue alone decides nothing.
    pub(crate) fn is_valid_at(&self, now: SystemTime, leeway: Duration) -> bool {
        let has_begun = self.begin.as_ref().is_none_or(|NumericDate(begin)| {
            begin.is_some_and(|begin| now.checked_add(leeway).is_some_and(|latest| begin <= latest))
        });
        let end = self.end.and_then(|end| end.checked_add(leeway));
        has_begun && end.is_some_and(|end| now < end)
    }
}

/// JSON with `null` in place of these values.
fn without(json: &str, values: Vec<Range<usize>>) -> Arc<str> {
    if values.is_empty() {
        return json.into();
    }
    let mut json = json.to_owned();
    for value in values.into_iter().rev() {
        json.replace_range(value, "null");
    }
    json.into()
}

impl Registered<'_> {
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.iss.as_ref().map(|Text(issuer)| &**issuer)
    }

    /// Whether it is meant for this one; `None` where it does not say for whom.
    pub(crate) fn is_for(&self, audience: &str) -> Option<bool> {
        Some(match self.aud.as_ref()? {
            Audiences::One(Text(one)) => one == audience,
            Audiences::Many(many) => many.iter().any(|Text(own)| own == audience),
        })
    }

    /// Whether it names no more than one that it is meant for.
    pub(crate) fn is_for_one(&self) -> bool {
        !matches!(&self.aud, Some(Audiences::Many(many)) if many.len() > 1)
    }
}

impl<'j> Members<'j> for Registered<'j> {
    fn take<A: MapAccess<'j>>(&mut self, name: &str, value: &mut A) -> Result<bool, A::Error> {
        match name {
            "aud" => self.aud = value.next_value()?,
            "exp" => self.exp = Some(value.next_value()?),
            "iat" => self.iat = value.next_value()?,
            "iss" => self.iss = value.next_value()?,
            "nbf" => self.nbf = value.next_value()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(redacted)")
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_f64(Seconds) // by whatever a number is visited
    }
}

/// Reads a number, and nothing else.
struct Seconds;

impl Visitor<'_> for Seconds {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds")
    }

    fn visit_i64<E>(self, seconds: i64) -> Result<NumericDate, E> {
        Ok(NumericDate(from_unix_seconds(seconds)))
    }

    fn visit_u64<E>(self, seconds: u64) -> Result<NumericDate, E> {
        Ok(NumericDate(i64::try_from(seconds).ok().and_then(from_unix_seconds)))
    }

    fn visit_f64<E>(self, seconds: f64) -> Result<NumericDate, E> {
        let distance = Duration::try_from_secs_f64(seconds.abs()).ok();
        Ok(NumericDate(distance.and_then(|distance| {
            if seconds.is_sign_negative() {
                SystemTime::UNIX_EPOCH.checked_sub(distance)
            } else {
                SystemTime::UNIX_EPOCH.checked_add(distance)
            }
        })))
    }
}

impl<'de> Deserialize<'de> for Audiences<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OneOrMany)
    }
}

/// Reads a text or a list of texts, and nothing else.
struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Audiences<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_borrowed_str<E>(self, one: &'de str) -> Result<Self::Value, E> {
        Ok(Audiences::One(Text(Cow::Borrowed(one))))
    }

    fn visit_str<E>(self, one: &str) -> Result<Self::Value, E> {
        Ok(Audiences::One(Text(Cow::Owned(one.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut many = Vec::new();
        while let Some(one) = items.next_element()? {
            many.push(one);
        }
        Ok(Audiences::Many(many))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(json: &str) -> Option<Claims> {
        Claims::read(json, &[], |_| true)
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_value_is_withheld_at_any_depth_and_the_rest_stays_as_it_is() {
        for (json, expected) in [
            (
                r#"{"exp":1,"t": "live" ,"dat":{"t":{"deep":["live"]},"u":1.0},"\u0074x":5,"l":[{"t":7}]}"#,
                r#"{"exp":1,"t": null ,"dat":{"t":null,"u":1.0},"\u0074x":5,"l":[{"t":null}]}"#,
            ),
            (r#"{"\u0074":"live","exp":1}"#, r#"{"\u0074":null,"exp":1}"#),
        ] {
            let claims = Claims::read(json, &["t", "other"], |_| true).unwrap();
            assert_eq!(&**claims.text(), expected);
            assert_eq!(format!("{claims:?}"), "Claims(redacted)");
        }
        assert!(
            Claims::read(r#"{"exp":1,"t":1,"\u0074":2}"#, &["t"], |_| true).is_none(),
            "and may not stand there twice"
        );
    }

    #[test]
    fn a_token_is_valid_from_its_beginning_to_before_its_end_with_the_leeway() {
        let own = claims(r#"{"nbf":1000,"iat":5000,"exp":2000}"#).unwrap();
        let leeway = Duration::from_secs(10);
        for (now, valid) in [(989, false), (990, true), (1000, true), (2009, true), (2010, false)] {
            assert_eq!(own.is_valid_at(at(now), leeway), valid, "{now}");
        }
        assert!(claims(r#"{"exp":2000}"#).unwrap().is_valid_at(at(0), Duration::ZERO));
        assert_eq!(own.issued(), Some(at(5000)));
    }

    #[test]
    fn a_time_need_not_be_a_whole_number_of_seconds() {
        let own = claims(r#"{"nbf":1000.25,"iat":1.0005e3,"exp":2000.5}"#).unwrap();
        let valid =
            |millis| own.is_valid_at(SystemTime::UNIX_EPOCH + Duration::from_millis(millis), Duration::ZERO);
        for (millis, expected) in
            [(1_000_249, false), (1_000_250, true), (2_000_499, true), (2_000_500, false)]
        {
            assert_eq!(valid(millis), expected, "{millis}");
        }
        assert_eq!(own.issued(), Some(at(1000) + Duration::from_millis(500)));
    }

    #[test]
    fn a_hostile_time_makes_no_token_valid_and_does_not_overflow() {
        for (json, valid) in [
            (format!(r#"{{"exp":{}}}"#, i64::MAX), false),
            (format!(r#"{{"exp":{}}}"#, i64::MIN), false),
            (format!(r#"{{"exp":2000,"nbf":{}}}"#, i64::MAX), false),
            (r#"{"exp":2000,"nbf":-62135596800}"#.to_owned(), true),
            (r#"{"exp":-1}"#.to_owned(), false),
            (r#"{"exp":9223372036854775808}"#.to_owned(), false),
            (r#"{"exp":-2000.5}"#.to_owned(), false),
            (r#"{"exp":1e308}"#.to_owned(), false),
            (r#"{"exp":-1e308}"#.to_owned(), false),
            (r#"{"exp":2000,"nbf":1e19}"#.to_owned(), false),
            (r#"{"exp":2000,"nbf":-0.5}"#.to_owned(), true),
        ] {
            assert_eq!(
                claims(&json).unwrap().is_valid_at(at(1000), Duration::from_secs(10)),
                valid,
                "{json}"
            );
        }
    }

    #[test]
    fn claims_that_are_malformed_are_none() {
        for wrong in [
            "{}",
            r#"{"exp":null}"#,
            r#"{"exp":"1767225900"}"#,
            r#"{"exp":1e309}"#,
            r#"{"exp":NaN}"#,
            r#"{"exp":true}"#,
            r#"{"exp":1,"exp":2}"#,
            r#"{"exp":1,"dat":{"a":1,"a":2}}"#,
            r#"{"exp":1,"nbf":"1"}"#,
            r#"{"exp":1,"iat":[]}"#,
            r#"{"exp":1,"iss":5}"#,
            r#"{"exp":1,"aud":5}"#,
            r#"{"exp":1,"aud":["a",5]}"#,
            "[null,1]",
            "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
        ] {
            assert!(claims(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn an_audience_is_a_text_or_one_of_a_list() {
        let is_for = |json: &str| {
            let mut found = None;
            Claims::read(json, &[], |registered| {
                found = registered.is_for("a");
                true
            })
            .unwrap();
            found
        };
        assert_eq!(is_for(r#"{"exp":1,"aud":"a"}"#), Some(true));
        assert_eq!(is_for(r#"{"exp":1,"aud":"\u0061"}"#), Some(true));
        assert_eq!(is_for(r#"{"exp":1,"aud":["b","a"]}"#), Some(true));
        assert_eq!(is_for(r#"{"exp":1,"aud":"ab"}"#), Some(false));
        assert_eq!(is_for(r#"{"exp":1,"aud":["b","ab"]}"#), Some(false));
        assert_eq!(is_for(r#"{"exp":1,"aud":[]}"#), Some(false));
        assert_eq!(is_for(r#"{"exp":1,"aud":null}"#), None);
        assert_eq!(is_for(r#"{"exp":1}"#), None);
    }
}
