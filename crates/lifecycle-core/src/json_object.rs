//! JSON object: read strictly, before anybody has proven it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// An object in which no member is repeated, at whatever depth. A reader that takes the first of two and one that takes the
/// last would see two different tokens.
pub(crate) struct JsonObject<'j> {
    /// In their order as text.
    names: Vec<Cow<'j, str>>,
    withheld: Vec<Range<usize>>,
}

impl<'j> JsonObject<'j> {
    /// Reads an object, and remembers where the values of the members with these names are.
    pub(crate) fn read(json: &'j str, withheld: &[&str]) -> Option<Self> {
        let mut found = Vec::new();
        let mut reader = serde_json::Deserializer::from_str(json);
        let value = Value { json, withhold: withheld, found: &mut found };
        let names = value.deserialize(&mut reader).ok()??;
        reader.end().ok()?;
        Some(Self { names, withheld: found })
    }

    /// Whether the outermost object has a member of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.binary_search_by(|own| (**own).cmp(name)).is_ok()
    }

    /// Where the values are that are withheld, in their order.
    pub(crate) fn withheld(self) -> Vec<Range<usize>> {
        self.withheld
    }
}

/// Any value; of an object the names of its members.
struct Value<'w, 'j> {
    json: &'j str,
    withhold: &'w [&'w str],
    found: &'w mut Vec<Range<usize>>,
}

impl<'j> Value<'_, 'j> {
    fn again(&mut self) -> Value<'_, 'j> {
        Value { json: self.json, withhold: self.withhold, found: self.found }
    }
}

impl<'j> DeserializeSeed<'j> for Value<'_, 'j> {
    type Value = Option<Vec<Cow<'j, str>>>;

    fn deserialize<D: Deserializer<'j>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'j> Visitor<'j> for Value<'_, 'j> {
    type Value = Option<Vec<Cow<'j, str>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'j>>(mut self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element_seed(self.again())?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'j>>(mut self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut names = Vec::new();
        while let Some(Name(name)) = members.next_key()? {
            if self.withhold.contains(&&*name) {
                let value: &'j RawValue = members.next_value()?;
                let start = (value.get().as_ptr() as usize).wrapping_sub(self.json.as_ptr() as usize);
                self.found.push(start..start + value.get().len());
            } else {
                members.next_value_seed(self.again())?;
            }
            names.push(name);
        }
        names.sort_unstable();
        if names.windows(2).any(|two| two[0] == two[1]) {
            return Err(A::Error::custom("a member is there twice"));
        }
        Ok(Some(names))
    }
}

/// Borrowed where nothing is escaped. Read as the text that it is, in whatever way that comes: where another crate of the app turns on
/// `arbitrary_precision` of `serde_json`, a float is an object with a name made up.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_stands_twice_anywhere_is_refused() {
        for whole in
            [r"{}", r#"{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}"#, r#" {"a":[[],1.5,-1,true,null,"x"]} "#]
        {
            assert!(JsonObject::read(whole, &[]).is_some(), "{whole}");
        }
        for wrong in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"b":{"a":1,"a":2}}"#,
            r#"{"b":[{"a":1,"a":2}]}"#,
            "[]",
            "1",
            "",
            "{} {}",
            r#"{"a":1,}"#,
            "{",
        ] {
            assert!(JsonObject::read(wrong, &[]).is_none(), "{wrong}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(3000), "]".repeat(3000));
        assert!(JsonObject::read(&deep, &[]).is_none(), "and the stack is bounded");
    }

    #[test]
    fn only_a_name_of_the_outermost_object_is_one_of_its_members() {
        let object = JsonObject::read(r#"{"dat":{"u":1.0},"\u0074":5,"a":[{"l":7}]}"#, &[]).unwrap();
        assert!(["a", "dat", "t"].iter().all(|name| object.has(name)));
        assert!(!["u", "l", "", "d"].iter().any(|name| object.has(name)));
    }
}
