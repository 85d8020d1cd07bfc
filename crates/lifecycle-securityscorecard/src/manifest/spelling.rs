//! The flat spelling of a manifest, brought into today's form before it is read.
//!
//! Sources: SecurityScorecard's page "Design Guidelines" (`homepage`, `logo_url` and `bg_color` at the top), and the readme of its example
//! app `experimental-bare-app` (the same, `description` and `developer` as text, `long_description`).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::Manifest;

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut manifest = Map::deserialize(deserializer)?;
        nest_flat_keys(&mut manifest);
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

/// A flat key, and where it belongs today: the parent's name and the member's, each in every spelling, today's first.
type Flat = (&'static str, &'static [&'static str], &'static [&'static str]);

const DISPLAY: &[&str] = &["display_settings", "displaySettings"];
const FLAT: [Flat; 4] = [
    ("long_description", &["description"], &["long"]),
    ("logo_url", DISPLAY, &["logo_url", "logoUrl"]),
    ("homepage", DISPLAY, &["homepage_url", "homepageUrl"]),
    ("bg_color", DISPLAY, &["primary_color"]),
];

/// A flat key whose place is taken stays where it is, and so among the unknown ones: nothing is lost.
fn nest_flat_keys(manifest: &mut Map<String, Value>) {
    for (key, member) in [("description", "short"), ("developer", "name")] {
        if let Some(text @ Value::String(_)) = manifest.get_mut(key) {
            *text = json!({ member: text.take() });
        }
    }
    for (key, parent, names) in FLAT {
        if manifest.get(key).is_some_and(Value::is_string) {
            let value = manifest.remove(key).unwrap_or_default();
            if let Some(value) = place(manifest, parent, names, value) {
                manifest.insert(key.into(), value);
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
