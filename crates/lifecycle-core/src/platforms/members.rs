//! Members: the ids at paths of a JSON object that no type describes.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess};

use super::lenient::{self, Any, Wanted};

/// The text or integer at each of these paths, such as `data.tenant_id`; `None` where there is none, or something else. An empty
/// path leads nowhere.
///
/// # Errors
/// When it is not JSON, or one of the members is there twice.
pub(super) fn at<'a, const N: usize>(
    paths: [&str; N],
    json: &'a str,
) -> Result<[Option<Cow<'a, str>>; N], serde_json::Error> {
    let (mut found, mut seen) = ([const { None }; N], [false; N]);
    let mut reader = serde_json::Deserializer::from_str(json);
    let paths = paths.map(|path| Some(path).filter(|path| !path.is_empty()));
    Object { paths, found: &mut found, seen: &mut seen }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(found)
}

/// What is looked for in an object: of each path what is left of it, or `None` where it leads elsewhere.
struct Object<'p, 'f, 'a, const N: usize> {
    paths: [Option<&'p str>; N],
    found: &'f mut [Option<Cow<'a, str>>; N],
    seen: &'f mut [bool; N],
}

impl<'de: 'a, 'a, const N: usize> DeserializeSeed<'de> for Object<'_, '_, 'a, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(Any(self))
    }
}

impl<'de: 'a, 'a, const N: usize> Wanted<'de> for Object<'_, '_, 'a, N> {
    type Value = ();

    fn nothing() {}

    fn members<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut entered = [false; N];
        while let Some(Text(name)) = members.next_key()? {
            let rest = self.paths.map(|path| path.and_then(|path| path.strip_prefix(&*name)));
            if rest.contains(&Some("")) {
                let Id(id) = members.next_value()?;
                for nth in (0..N).filter(|nth| rest[*nth] == Some("")) {
                    if std::mem::replace(&mut self.seen[nth], true) {
                        return Err(A::Error::custom("a member is there twice"));
                    }
                    self.found[nth].clone_from(&id);
                }
                continue;
            }
            let paths = rest.map(|rest| rest.and_then(|rest| rest.strip_prefix('.')));
            if paths.iter().any(Option::is_some) {
                for nth in (0..N).filter(|nth| paths[*nth].is_some()) {
                    if std::mem::replace(&mut entered[nth], true) {
                        return Err(A::Error::custom("a member is there twice"));
                    }
                }
                let (found, seen) = (&mut *self.found, &mut *self.seen);
                members.next_value_seed(Object { paths, found, seen })?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Borrowed where nothing is escaped; read as `json_object::Name` is.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Id<'a>(#[serde(borrow, deserialize_with = "lenient::id")] Option<Cow<'a, str>>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_by_its_path_and_nowhere_else() {
        let json = r#"{"type":"t","data":{"app":{"id":7},"tenant":"x","list":[{"tenant":"y"}]},"tenant":"z","a.b":1}"#;
        let found =
            at(["type", "data.app.id", "data.tenant", "data.app", "data.list.tenant", "data.none"], json);
        let expected = [Some("t"), None, Some("x"), None, None, None].map(|text| text.map(Cow::Borrowed));
        assert_eq!(found.unwrap(), expected);
        assert_eq!(at(["data.app.id"], json).unwrap(), [Some(Cow::Borrowed("7"))]);
        assert_eq!(at(["tenant", "tenant"], json).unwrap(), [Some("z".into()), Some("z".into())]);
        assert_eq!(at(["ten"], json).unwrap(), [None], "a part of a name is another name");
        assert_eq!(at([""], r#"{"":1}"#).unwrap(), [None]);
        for other in ["[1]", "1", "-1", "1.5", "true", "null", r#""text""#] {
            assert_eq!(at(["a.b"], other).unwrap(), [None], "{other}");
        }
    }

    #[test]
    fn a_member_that_is_there_twice_is_an_error_and_so_is_what_follows_the_object() {
        for wrong in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":null,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"b":{"a":1},"b":{"a":1}}"#,
            r#"{"b":{"a":1},"b":5}"#,
            "{} {}",
            "{",
        ] {
            assert!(at(["a", "b.a"], wrong).is_err(), "{wrong}");
        }
    }
}
