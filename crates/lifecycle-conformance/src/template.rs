//! Template: text with placeholders, each filled when the case runs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use lifecycle_core::{AttemptTime, Proof};
use lifecycle_testing::SigningKeys;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::route::Route;
use crate::signing::{SecretName, sender, sign};
use crate::target::Credentials;

/// The most of `{{fill N}}`, in bytes: no server reads as long a head.
const LONGEST_FILL: usize = 1_000_000;

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
    /// The headers that `{{sign ..}}` covers, where the platform signs some.
    pub(crate) headers: &'a [(String, Vec<u8>)],
    /// What `{{sign ..}}` and `{{body ..}}` are about.
    pub(crate) body: &'a [u8],
    /// What `{{sign ..}}` makes a token of, where that is the platform's proof: claims and, if it is not the platform's own, a
    /// header.
    pub(crate) token: (&'a str, Option<&'a str>),
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
            "number" => {
                let digest = Sha256::digest(self.unique);
                // 48 bits, which every JSON parser reads exactly.
                digest[..6].iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte)).to_string()
            }
            "key-id" => self.current_keys()?.key_id()?.to_owned(),
            "tenant" => self.credentials.tenant.clone()?,
            "token" => self.credentials.current.clone(),
            "unique" => self.unique.to_owned(),
            _ => {
                if let Some(signing) = name.strip_prefix("sign ") {
                    return self.sign(signing);
                }
                if let Some(signing) = name.strip_prefix("mac ") {
                    return self.mac(signing);
                }
                if let Some(count) = name.strip_prefix("fill ") {
                    return Some("x".repeat(count.parse().ok().filter(|count| *count <= LONGEST_FILL)?));
                }
                return Some(self.time(name)?.to_string());
            }
        })
    }

    /// A secret, or two with a comma between them, and the time of the attempt: without one, that of the request's header, or
    /// now.
    fn sign(&self, written: &str) -> Option<String> {
        let (secrets, time) = match written.split_once(' ') {
            Some((secrets, time)) => (secrets, Some(self.time(time)?)),
            None => (written, None),
        };
        let platform = sender(&self.route.platform)?.platform();
        let keys = |name: &str| SecretName::parse(name)?.keys(platform, self.credentials);
        if let Proof::Token(scheme) = platform.proof() {
            let (keys, algorithm) = (keys(written)?, scheme.algorithm().name());
            let own = match keys.key_id() {
                None => format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#),
                Some(id) => format!(r#"{{"alg":"{algorithm}","kid":"{id}"}}"#),
            };
            let (claims, header) = self.token;
            return Some(keys.sign_token(header.unwrap_or(&own), claims));
        }
        let keys = match secrets.split_once(',') {
            None => keys(secrets)?,
            Some((previous, current)) => keys(current)?.with_previous(keys(previous)?),
        };
        // A time that is given is signed in place of the header's, which then is another one.
        let is_signed = |name: &str| match platform.attempt_time() {
            AttemptTime::Header(own) => time.is_none() || !name.eq_ignore_ascii_case(own),
            _ => true,
        };
        let headers: Vec<_> = self.headers.iter().filter(|(name, _)| is_signed(name)).cloned().collect();
        sign(platform, &keys, &headers, self.body, time.map_or_else(|| self.time("now"), Some)?.into())
    }

    fn current_keys(&self) -> Option<SigningKeys> {
        SecretName::Current.keys(sender(&self.route.platform)?.platform(), self.credentials)
    }

    /// A secret, and the text whose MAC it is.
    fn mac(&self, written: &str) -> Option<String> {
        let (secret, text) = written.split_once(' ')?;
        let platform = sender(&self.route.platform)?.platform();
        SecretName::parse(secret)?.keys(platform, self.credentials)?.mac(text)
    }

    /// `now`, or so many seconds before (`now-600s`) or after (`now+600s`), in whole seconds.
    fn time(&self, name: &str) -> Option<Timestamp> {
        let seconds: i64 = match name.strip_prefix("now")? {
            "" => 0,
            distance => distance.strip_suffix('s')?.parse().ok()?,
        };
        let time = self.now.checked_add(SignedDuration::from_secs(seconds)).ok()?;
        Timestamp::from_second(time.as_second()).ok()
    }
}

fn filtered(value: &str, filter: &str) -> Option<String> {
    Some(match filter {
        "base64" => STANDARD.encode(const_hex::decode(value).ok()?),
        "drop-first" => value.get(1..)?.to_owned(),
        "drop-signature" => value.get(..=value.rfind('.')?)?.to_owned(),
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
        "unix" => value.parse::<Timestamp>().ok()?.as_second().to_string(),
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
            current: "0123456789abcdef".into(),
            previous: Some("whsec_demo_old_9f01".into()),
            tenant: None,
        };
        let route = Route {
            name: "n".into(),
            path: "/seismic".into(),
            platform: "stripe".into(),
            kind: RouteKind::EndpointOne,
            event: Some("install".into()),
        };
        let values = Values {
            credentials: &credentials,
            route: &route,
            unique: "u1",
            now: "2020-09-01T08:45:42.9Z".parse().unwrap(),
            path: "/seismic",
            headers: &[],
            body: b"",
            token: ("", None),
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
            (
                "{{sign current now+1s}}",
                "t=1598949943,v1=d3675f6622cd80a8777995d0078418867cd8194bfec2ae22d8ad173805787921",
            ),
            (
                "{{sign previous,current}}",
                "t=1598949942,v1=cd35789d07fb6a81fdfe9de1a06e3aa7a7dac2abef0231efe70e0aadafce38b0,v1=6f94fc6b341fc4d9ad299ff14d0aa776c1d60d86f230a6a9be6b97b0fecb0d15",
            ),
            ("{{now|unix}} {{number}}", "1598949942 206167071374379"),
            ("{{body length}}", "0"),
            ("{{token|upper}}", "0123456789ABCDEF"),
            ("{{token|flip-first|drop-last}}", "1123456789abcde"),
            ("{{token|mixed}}", "0123456789AbCdEf"),
            ("{{token|base64}}", "ASNFZ4mrze8="),
            ("/{{fill 3}}{{fill 0}}", "/xxx"),
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
            "{{fill many}}",
            "{{fill 1000001}}",
            "{{unique",
            "{{unique|base64}}",
        ] {
            assert!(rendered(template).is_err(), "{template}");
        }
    }
}
