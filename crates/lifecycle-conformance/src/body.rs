//! Body: how a fixture describes the bytes of a body, and what happens to them after signing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::template::{TemplateError, Values};

/// A description of a body's bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Body {
    /// Any bytes, in base64.
    Base64(String),
    /// Seismic's documented callback with fresh ids, on one line.
    Callback(Callback),
    /// JSON, sent exactly as it is written in the fixture, white space included; a template.
    Json(Box<RawValue>),
    /// Brackets within brackets.
    Nested(Nested),
    /// One text many times.
    Repeat(Repeat),
    /// Text; a template.
    Text(String),
}

/// Seismic's documented callback. Its members keep the documented order; added ones follow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Callback {
    /// The value of `type`; a template. `upgrade` also brings `priorVersion`.
    #[serde(rename = "type")]
    pub event: String,
    /// Members to replace or add. Strings are templates.
    #[serde(default)]
    pub set: Map<String, Value>,
    /// Members to leave out.
    #[serde(default)]
    pub without: Vec<String>,
    /// The length in bytes that a last member `padding` brings the body to.
    #[serde(default)]
    pub pad_to: Option<usize>,
}

/// `before`, then `open` as often as `depth` says, as many `close`, then `after`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nested {
    /// What comes first; a template.
    pub before: String,
    /// What opens one level.
    pub open: String,
    /// What closes one level.
    pub close: String,
    /// How many levels.
    pub depth: usize,
    /// What comes last; a template.
    pub after: String,
}

/// `before`, then `unit` as often as `times` says, then `after`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// What comes first; a template.
    pub before: String,
    /// What is repeated.
    pub unit: String,
    /// How often.
    pub times: usize,
    /// What comes last; a template.
    pub after: String,
}

impl Body {
    pub(crate) fn bytes(&self, values: &Values<'_>) -> Result<Vec<u8>, TemplateError> {
        Ok(match self {
            Self::Base64(text) => decode_base64(text)?,
            Self::Callback(callback) => callback.text(values)?.into_bytes(),
            Self::Json(json) => values.render(json.get())?.into_bytes(),
            Self::Nested(Nested { before, open, close, depth, after }) => {
                let (before, after) = (values.render(before)?, values.render(after)?);
                [before, open.repeat(*depth), close.repeat(*depth), after].concat().into_bytes()
            }
            Self::Repeat(Repeat { before, unit, times, after }) => {
                [values.render(before)?, unit.repeat(*times), values.render(after)?].concat().into_bytes()
            }
            Self::Text(text) => values.render(text)?.into_bytes(),
        })
    }
}

pub(crate) fn decode_base64(text: &str) -> Result<Vec<u8>, TemplateError> {
    STANDARD.decode(text).map_err(|error| TemplateError(format!("not base64: {error}")))
}

impl Callback {
    fn text(&self, values: &Values<'_>) -> Result<String, TemplateError> {
        let event = values.render(&self.event)?;
        let mut members = vec![
            ("appId", "{{app}}"),
            ("appName", "my test app"),
            ("tenantId", "{{unique}}"),
            ("tenant", "seismicapps"),
            ("userId", "e6f77acb-6f11-482c-822b-5dbdcc002a20"),
            ("userEmail", "avery.admin@example.com"),
            ("requestId", "{{unique}}-r"),
            ("version", "0.1.4"),
        ];
        if event == "upgrade" {
            members.push(("priorVersion", "0.1.2"));
        }
        members.extend([("type", event.as_str()), ("timestamp", "{{now}}")]);

        let mut written = Vec::new();
        for (name, default) in &members {
            if !self.without.iter().any(|left_out| left_out == name) {
                let value = self.set.get(*name).cloned().unwrap_or_else(|| Value::from(*default));
                written.push(member(name, &values.render_json(&value)?));
            }
        }
        for (name, value) in &self.set {
            if !members.iter().any(|(known, _)| known == name) {
                written.push(member(name, &values.render_json(value)?));
            }
        }
        let text = format!("{{{}}}", written.join(","));
        let Some(length) = self.pad_to else { return Ok(text) };
        let around = text.len() + r#","padding":"""#.len();
        let Some(missing) = length.checked_sub(around) else {
            return Err(TemplateError(format!("pad_to {length} is less than the callback itself")));
        };
        Ok(format!(r#"{},"padding":"{}"}}"#, &text[..text.len() - 1], "a".repeat(missing)))
    }
}

fn member(name: &str, value: &Value) -> String {
    format!("{}:{value}", Value::from(name))
}

/// A change of the body's bytes between signing and sending.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Edit {
    /// Adds text at the end; a template.
    Append(String),
    /// Removes bytes from the end.
    DropLast(usize),
    /// Flips the lowest bit of the byte at this place, from 0.
    FlipBit(usize),
    /// Adds text at the start; a template.
    Prepend(String),
    /// Replaces each occurrence of the first text, which must occur, by the second.
    Replace(String, String),
}

impl Edit {
    pub(crate) fn apply(&self, mut body: Vec<u8>, values: &Values<'_>) -> Result<Vec<u8>, TemplateError> {
        let cannot = || TemplateError(format!("{self:?} does not apply to the body"));
        match self {
            Self::Append(text) => body.extend(values.render(text)?.into_bytes()),
            Self::DropLast(count) => body.truncate(body.len().checked_sub(*count).ok_or_else(cannot)?),
            Self::FlipBit(place) => *body.get_mut(*place).ok_or_else(cannot)? ^= 1,
            Self::Prepend(text) => {
                body.splice(0..0, values.render(text)?.into_bytes());
            }
            Self::Replace(from, to) => {
                let text = String::from_utf8(body).map_err(|_| cannot())?;
                if !text.contains(from.as_str()) {
                    return Err(cannot());
                }
                body = text.replace(from.as_str(), to).into_bytes();
            }
        }
        Ok(body)
    }
}
