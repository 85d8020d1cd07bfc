//! Template: text with placeholders, each filled when the case runs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::route::Route;
use crate::signing::{SecretName, sign};
use crate::target::Credentials;

/// Why a template cannot be filled.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TemplateError(pub(crate) String);

/// What placeholders stand for in one request of one case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values<'a> {
    pub(crate) credentials: &'a Credentials,
    pub(crate) route: &'a Route,
    /// Differs from case to case and from run to run.
    pub(crate) unique: &'a str,
    pub(crate) now: Timestamp,
    /// The route's path with the request's token in it.
    pub(crate) path: &'a str,
    /// What `{{sign ..}}` and `{{body ..}}` are about.
    pub(crate) body: &'a [u8],
}

impl Values<'_> {
    /// Fills each `{{name}}` or `{{name|filter|..}}`.
    pub(crate) fn render(&self, template: &str) -> Result<String, TemplateError> {
        let mut filled = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, from)) = rest.split_once("{{") {
            let (placeholder, after) =
                from.split_once("}}").ok_or_else(|| TemplateError("a placeholder is not closed".into()))?;
            filled.push_str(before);
            filled.push_str(&self.placeholder(placeholder)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// Fills the strings within a JSON value.
    pub(crate) fn render_json(&self, value: &Value) -> Result<Value, TemplateError> {
        Ok(match value {
            Value::String(text) => Value::String(self.render(text)?),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.render_json(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let mut filled = Map::new();
                for (name, value) in members {
                    filled.insert(name.clone(), self.render_json(value)?);
                }
                Value::Object(filled)
            }
            other => other.clone(),
        })
    }

    fn placeholder(&self, written: &str) -> Result<String, TemplateError> {
        let mut parts = written.split('|').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let mut value =
            self.value(name).ok_or_else(|| TemplateError(format!("no placeholder {{{{{name}}}}}")))?;
        for filter in parts {
            value = filtered(&value, filter).ok_or_else(|| {
                TemplateError(format!("filter `{filter}` does not apply in {{{{{written}}}}}"))
            })?;
        }
        Ok(value)
    }

    fn value(&self, name: &str) -> Option<String> {
        Some(match name {
            "app" => self.credentials.app.clone(),
            "body length" => self.body.len().to_string(),
            "body sha256" => const_hex::encode(Sha256::digest(self.body)),
            "event" => self.route.event.clone()?,
            "route" => self.path.to_owned(),
            "token" => self.credentials.token.clone()?,
            "unique" => self.unique.to_owned(),
            _ => {
                if let Some(secret) = name.strip_prefix("sign ") {
                    return sign(SecretName::parse(secret)?, self.credentials, self.body);
                }
                return self.time(name.strip_prefix("now")?);
            }
        })
    }

    /// Now, or so many seconds before (`-600s`) or after (`+600s`), in whole seconds.
    fn time(&self, distance: &str) -> Option<String> {
        let seconds: i64 = match distance {
            "" => 0,
            _ => distance.strip_suffix('s')?.parse().ok()?,
        };
        let time = self.now.checked_add(SignedDuration::from_secs(seconds)).ok()?;
        Some(Timestamp::from_second(time.as_second()).ok()?.to_string())
    }
}

fn filtered(value: &str, filter: &str) -> Option<String> {
    Some(match filter {
        "base64" => STANDARD.encode(const_hex::decode(value).ok()?),
        "drop-first" => value.get(1..)?.to_owned(),
        "drop-last" => value.get(..value.len().checked_sub(1)?)?.to_owned(),
        "flip-first" => format!("{}{}", other_digit(value.chars().next()?), value.get(1..)?),
        "flip-last" => {
            let last = value.chars().next_back()?;
            format!("{}{}", value.get(..value.len() - last.len_utf8())?, other_digit(last))
        }
        "mixed" => value
            .chars()
            .enumerate()
            .map(|(place, letter)| if place % 2 == 0 { letter.to_ascii_uppercase() } else { letter })
            .collect(),
        "upper" => value.to_uppercase(),
        _ => return None,
    })
}

fn other_digit(digit: char) -> char {
    if digit == '0' { '1' } else { '0' }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::RouteKind;

    fn rendered(template: &str) -> Result<String, TemplateError> {
        let credentials = Credentials {
            app: "a1".into(),
            current: "seismic-demo-signing-secret-1".into(),
            previous: None,
            token: Some("0123456789abcdef".into()),
        };
        let route = Route {
            name: "n".into(),
            path: "/seismic".into(),
            platform: "seismic".into(),
            kind: RouteKind::EndpointOne,
            event: Some("install".into()),
        };
        let values = Values {
            credentials: &credentials,
            route: &route,
            unique: "u1",
            now: "2020-09-01T08:45:42.9Z".parse().unwrap(),
            path: "/seismic",
            body: b"",
        };
        values.render(template)
    }

    #[test]
    fn fills_each_placeholder() {
        for (template, expected) in [
            ("plain", "plain"),
            (r#"{"a":{"b":"{{unique}}"}}"#, r#"{"a":{"b":"u1"}}"#),
            ("{{app}} {{event}} {{route}}?x", "a1 install /seismic?x"),
            ("{{now}}", "2020-09-01T08:45:42Z"),
            ("{{now-600s}} {{now+1s}}", "2020-09-01T08:35:42Z 2020-09-01T08:45:43Z"),
            ("{{sign current}}", "52b59bfb2011a5d81875c9c712e730e482dbedcf3ddcc262451eee177a8e2ac0"),
            ("{{body length}}", "0"),
            ("{{token|upper}}", "0123456789ABCDEF"),
            ("{{token|flip-first|drop-last}}", "1123456789abcde"),
            ("{{token|mixed}}", "0123456789AbCdEf"),
            ("{{token|base64}}", "ASNFZ4mrze8="),
        ] {
            assert_eq!(rendered(template).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn a_mistyped_placeholder_is_an_error() {
        for template in [
            "{{uniqe}}",
            "{{token|louder}}",
            "{{sign nobody}}",
            "{{now-10}}",
            "{{unique",
            "{{unique|base64}}",
        ] {
            assert!(rendered(template).is_err(), "{template}");
        }
    }
}
