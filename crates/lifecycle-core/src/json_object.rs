//! JSON object: read strictly, before anybody has proven it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What is wanted of an object.
pub(crate) trait Members<'j> {
    /// Takes the value of this member. `false` where it is not wanted: then its value is still to be read.
    fn take<A: MapAccess<'j>>(&mut self, name: &str, value: &mut A) -> Result<bool, A::Error>;
}

/// Reads an object in which no member is repeated, at whatever depth. A reader that takes the first of two and one that takes the
/// last would see two different tokens. Gives the places of the values, at whatever depth, of members with the names of `withheld`.
pub(crate) fn read<'j>(
    json: &'j str,
    withheld: &[&str],
    wanted: &mut impl Members<'j>,
) -> Option<Vec<Range<usize>>> {
    let mut text = serde_json::Deserializer::from_str(json);
    let mut reader = Reader { json, withheld, found: Vec::new(), names: Vec::with_capacity(16) };
    text.deserialize_map(Object { reader: &mut reader, wanted }).ok()?;
    text.end().ok()?;
    Some(reader.found)
}

/// Borrowed where nothing is escaped. Read as the text that it is, in whatever way that comes: where another crate of the app turns on
/// `arbitrary_precision` of `serde_json`, a float is an object with a name made up.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

struct Reader<'w, 'j> {
    json: &'j str,
    withheld: &'w [&'w str],
    found: Vec<Range<usize>>,
    /// Of the members of the objects that are being read, the outermost first.
    names: Vec<Cow<'j, str>>,
}

impl<'j> Reader<'_, 'j> {
    fn members<A: MapAccess<'j>>(
        &mut self,
        mut members: A,
        wanted: &mut impl Members<'j>,
    ) -> Result<(), A::Error> {
        let first = self.names.len();
        while let Some(Text(name)) = members.next_key()? {
            if self.withheld.contains(&&*name) {
                let value: &'j RawValue = members.next_value()?;
                let start = (value.get().as_ptr() as usize).wrapping_sub(self.json.as_ptr() as usize);
                self.found.push(start..start + value.get().len());
            } else if !wanted.take(&name, &mut members)? {
                members.next_value_seed(Value(self))?;
            }
            self.names.push(name);
        }
        let own = &mut self.names[first..];
        // By length first, which tells most names apart.
        own.sort_unstable_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
        if own.windows(2).any(|two| two[0] == two[1]) {
            return Err(A::Error::custom("a member is there twice"));
        }
        self.names.truncate(first);
        Ok(())
    }
}

/// The outermost object.
struct Object<'r, 'w, 'j, W> {
    reader: &'r mut Reader<'w, 'j>,
    wanted: &'r mut W,
}

impl<'j, W: Members<'j>> Visitor<'j> for Object<'_, '_, 'j, W> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'j>>(self, members: A) -> Result<(), A::Error> {
        self.reader.members(members, self.wanted)
    }
}

/// Any value within it.
struct Value<'r, 'w, 'j>(&'r mut Reader<'w, 'j>);

impl<'j> DeserializeSeed<'j> for Value<'_, '_, 'j> {
    type Value = ();

    fn deserialize<D: Deserializer<'j>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'j> Visitor<'j> for Value<'_, '_, 'j> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'j>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Value(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'j>>(self, members: A) -> Result<(), A::Error> {
        self.0.members(members, &mut Nothing)
    }
}

struct Nothing;

impl<'j> Members<'j> for Nothing {
    fn take<A: MapAccess<'j>>(&mut self, _: &str, _: &mut A) -> Result<bool, A::Error> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_stands_twice_anywhere_is_refused() {
        for whole in
            [r"{}", r#"{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}"#, r#" {"a":[[],1.5,-1,true,null,"x"]} "#]
        {
            assert!(read(whole, &[], &mut Nothing).is_some(), "{whole}");
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
            assert!(read(wrong, &[], &mut Nothing).is_none(), "{wrong}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(3000), "]".repeat(3000));
        assert!(read(&deep, &[], &mut Nothing).is_none(), "and the stack is bounded");
    }

    #[test]
    fn only_a_member_of_the_outermost_object_is_taken() {
        struct Taken(Vec<String>);

        impl<'j> Members<'j> for Taken {
            fn take<A: MapAccess<'j>>(&mut self, name: &str, value: &mut A) -> Result<bool, A::Error> {
                self.0.push(name.to_owned());
                if name == "t" { value.next_value::<u8>().map(|_| true) } else { Ok(false) }
            }
        }

        let mut taken = Taken(Vec::new());
        let json = r#"{"dat":{"u":1.0,"t":""},"\u0074":5,"a":[{"l":7}]}"#;
        assert!(read(json, &[], &mut taken).is_some());
        assert_eq!(taken.0, ["dat", "t", "a"]);
        let twice = r#"{"t":1,"a":{},"t":1}"#;
        assert!(read(twice, &[], &mut taken).is_none(), "also one that is taken");
        assert!(read(r#"{"t":""}"#, &[], &mut taken).is_none());
    }
}
