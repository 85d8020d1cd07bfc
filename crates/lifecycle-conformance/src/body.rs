//! Body: how a fixture describes the bytes of a body, and what happens to them after signing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use lifecycle_testing::Sample as Written;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::signing::sender;
use crate::template::{TemplateError, Values};

/// A description of a body's bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Body {
    /// Any bytes, in base64.
    Base64(String),
    /// JSON, sent exactly as it is written in the fixture, white space included; a template.
    Json(Box<RawValue>),
    /// Brackets within brackets.
    Nested(Nested),
    /// One text many times.
    Repeat(Repeat),
    /// An event of the platform as its documentation shows it, with fresh ids, on one line.
    Sample(Box<Sample>),
    /// Text; a template.
    Text(String),
}

/// An event of the platform, as its documentation shows it. Members keep their order; added ones follow. All texts are
/// templates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The kind of event, or its name on the platform.
    pub event: String,
    /// Which app it is about.
    #[serde(default = "app")]
    pub app: String,
    /// For whom it is.
    #[serde(default = "tenant")]
    pub tenant: String,
    /// The id of the event, where the body has one.
    #[serde(default = "request_id")]
    pub request_id: String,
    /// When it happened, in RFC 3339.
    #[serde(default = "at")]
    pub at: String,
    /// The id of the installation; by default the sample's own.
    #[serde(default)]
    pub installation: Option<String>,
    /// Members to replace or add, named by their paths, such as `installation.account`.
    #[serde(default)]
    pub set: Map<String, Value>,
    /// Members to leave out.
    #[serde(default)]
    pub without: Vec<String>,
    /// The length in bytes that a last member `padding` brings the body to.
    #[serde(default)]
    pub pad_to: Option<usize>,
}

fn app() -> String {
    "{{app}}".into()
}

fn tenant() -> String {
    "{{unique}}".into()
}

fn request_id() -> String {
    "{{unique}}-r".into()
}

fn at() -> String {
    "{{now}}".into()
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
            Self::Json(json) => values.render(json.get())?.into_bytes(),
            Self::Nested(Nested { before, open, close, depth, after }) => {
                let (before, after) = (values.render(before)?, values.render(after)?);
                [before, open.repeat(*depth), close.repeat(*depth), after].concat().into_bytes()
            }
            Self::Repeat(Repeat { before, unit, times, after }) => {
                [values.render(before)?, unit.repeat(*times), values.render(after)?].concat().into_bytes()
            }
            Self::Sample(sample) => sample.text(values)?.into_bytes(),
            Self::Text(text) => values.render(text)?.into_bytes(),
        })
    }
}

impl Body {
    /// The claims of a token that it describes: those of a sample, or else its own bytes.
    pub(crate) fn claims(&self, values: &Values<'_>) -> Result<String, TemplateError> {
        match self {
            Self::Sample(sample) => Ok(sample.written(values)?.claims().unwrap_or_default()),
            other => Ok(String::from_utf8_lossy(&other.bytes(values)?).into_owned()),
        }
    }

    /// The sample that it is, if it is one.
    pub(crate) fn written(&self, values: &Values<'_>) -> Result<Option<Written>, TemplateError> {
        match self {
            Self::Sample(sample) => sample.written(values).map(Some),
            _ => Ok(None),
        }
    }

    /// Whether it is an event as its platform documents it.
    pub(crate) fn is_sample(&self) -> bool {
        matches!(self, Self::Sample(_))
    }
}

pub(crate) fn decode_base64(text: &str) -> Result<Vec<u8>, TemplateError> {
    STANDARD.decode(text).map_err(|error| TemplateError(format!("not base64: {error}")))
}

impl Sample {
    fn text(&self, values: &Values<'_>) -> Result<String, TemplateError> {
        let text = self.written(values)?.body();
        let Some(length) = self.pad_to else { return Ok(text) };
        let around = text.len() + r#","padding":"""#.len();
        let Some(missing) = length.checked_sub(around) else {
            return Err(TemplateError(format!("pad_to {length} is less than the sample itself")));
        };
        Ok(format!(r#"{},"padding":"{}"}}"#, &text[..text.len() - 1], "a".repeat(missing)))
    }

    fn written(&self, values: &Values<'_>) -> Result<Written, TemplateError> {
        let event = values.render(&self.event)?;
        let at = values.render(&self.at)?;
        let at: Timestamp = at.parse().map_err(|_| TemplateError(format!("{at} is no time")))?;
        let sender = sender(&values.route.platform);
        let mut sample = sender
            .and_then(|sender| sender.named(&event))
            .ok_or_else(|| TemplateError(format!("{} sends no {event}", values.route.platform)))?
            .app(values.render(&self.app)?)
            .tenant(values.render(&self.tenant)?)
            .request_id(values.render(&self.request_id)?)
            .at(at.into());
        if let Some(installation) = &self.installation {
            sample = sample.installation(values.render(installation)?);
        }
        for (path, value) in &self.set {
            sample = sample.set(path, values.render_json(value)?);
        }
        Ok(self.without.iter().fold(sample, Written::without))
    }
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
