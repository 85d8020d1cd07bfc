//! The old flat spelling of a manifest, brought into today's form before it is read.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::Manifest;

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut manifest = Map::deserialize(deserializer)?;
        nest_old_keys(&mut manifest);
        Self::deserialize(Value::Object(manifest)).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Manifest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// Reads `null` as nothing, as some writers mean it.
pub(super) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Where an old top-level key belongs today. `names` are the spellings of both members, today's first.
struct Moved {
    old: &'static [&'static str],
    parent: &'static [&'static str],
    names: &'static [&'static str],
}

const DISPLAY: &[&str] = &["display_settings", "displaySettings"];
const MOVED: [Moved; 4] = [
    Moved { old: &["long_description", "longDescription"], parent: &["description"], names: &["long"] },
    Moved { old: &["logo_url", "logoUrl"], parent: DISPLAY, names: &["logo_url", "logoUrl"] },
    Moved { old: &["homepage"], parent: DISPLAY, names: &["homepage_url", "homepageUrl"] },
    Moved { old: &["bg_color", "bgColor"], parent: DISPLAY, names: &["primary_color", "primaryColor"] },
];

/// An old key whose place is taken stays where it is, and so among the unknown ones: nothing is lost.
fn nest_old_keys(manifest: &mut Map<String, Value>) {
    for (key, member) in [("description", "short"), ("developer", "name")] {
        if let Some(text @ Value::String(_)) = manifest.get_mut(key) {
            *text = json!({ member: text.take() });
        }
    }
    for Moved { old, parent, names } in MOVED {
        for old in old {
            if manifest.get(*old).is_some_and(Value::is_string) {
                let value = manifest.remove(*old).unwrap_or_default();
                if let Some(value) = place(manifest, parent, names, value) {
                    manifest.insert((*old).into(), value);
                }
            }
        }
    }
}

/// Gives the value back if its place is taken.
fn place(manifest: &mut Map<String, Value>, parent: &[&str], names: &[&str], value: Value) -> Option<Value> {
    let spelling = parent.iter().find(|name| manifest.contains_key(**name)).unwrap_or(&parent[0]);
    let parent = manifest.entry(*spelling).or_insert(Value::Null);
    if parent.is_null() {
        *parent = json!({});
    }
    match parent {
        Value::Object(members) if !names.iter().any(|name| members.contains_key(*name)) => {
            members.insert(names[0].into(), value);
            None
        }
        _ => Some(value),
    }
}
