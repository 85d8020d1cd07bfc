//! Body: a JSON object whose members keep the order of the vendor's sample.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// The members of a JSON object, in order. A member is named by its path, such as `installation.account.id`.
#[derive(Clone, Default)]
pub(crate) struct Body(Vec<(String, Box<RawValue>)>);

impl Body {
    /// The text of a member, if there is one.
    pub(crate) fn get(&self, path: &str) -> Option<Box<RawValue>> {
        let (name, rest) = split(path);
        let (_, value) = self.0.iter().find(|(own, _)| own == name)?;
        match rest {
            None => Some(value.clone()),
            Some(rest) => object(value)?.get(rest),
        }
    }

    /// Gives a member this value; a new one comes last, as do new objects on the way to it.
    pub(crate) fn set(&mut self, path: &str, value: &Value) {
        self.set_raw(path, to_raw_value(value).expect("a value serializes"));
    }

    pub(crate) fn set_raw(&mut self, path: &str, value: Box<RawValue>) {
        let (name, rest) = split(path);
        let place = self.0.iter().position(|(own, _)| own == name);
        let value = match rest {
            None => value,
            Some(rest) => {
                let mut inner = place.and_then(|place| object(&self.0[place].1)).unwrap_or_default();
                inner.set_raw(rest, value);
                to_raw_value(&inner).expect("an object of raw values serializes")
            }
        };
        match place {
            Some(place) => self.0[place].1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Leaves a member out.
    pub(crate) fn remove(&mut self, path: &str) {
        match path.rsplit_once('.') {
            None => self.0.retain(|(own, _)| own != path),
            Some((around, name)) => {
                if let Some(mut inner) = self.get(around).as_deref().and_then(object) {
                    inner.remove(name);
                    self.set_raw(around, to_raw_value(&inner).expect("an object of raw values serializes"));
                }
            }
        }
    }
}

fn split(path: &str) -> (&str, Option<&str>) {
    path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)))
}

fn object(value: &RawValue) -> Option<Body> {
    serde_json::from_str(value.get()).ok()
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Body;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Body(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(edit: impl FnOnce(&mut Body)) -> String {
        let mut body: Body = serde_json::from_str(r#"{"z":1,"a":{"y":[true],"b":"x"}}"#).unwrap();
        edit(&mut body);
        serde_json::to_string(&body).unwrap()
    }

    #[test]
    fn members_keep_their_order_and_new_ones_come_last() {
        for (path, expected) in [
            ("z", r#"{"z":0,"a":{"y":[true],"b":"x"}}"#),
            ("a.y", r#"{"z":1,"a":{"y":0,"b":"x"}}"#),
            ("a.c.d", r#"{"z":1,"a":{"y":[true],"b":"x","c":{"d":0}}}"#),
            ("z.d", r#"{"z":{"d":0},"a":{"y":[true],"b":"x"}}"#),
        ] {
            assert_eq!(edited(|body| body.set(path, &0.into())), expected, "{path}");
        }
    }

    #[test]
    fn a_member_is_left_out_and_one_that_is_not_there_changes_nothing() {
        assert_eq!(edited(|body| body.remove("a.y")), r#"{"z":1,"a":{"b":"x"}}"#);
        for absent in ["b", "a.c", "z.a", "c.d"] {
            assert_eq!(edited(|body| body.remove(absent)), edited(|_| ()), "{absent}");
        }
    }
}
