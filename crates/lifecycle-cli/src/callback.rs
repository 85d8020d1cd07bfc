//! Callback: the body of a Seismic callback, with every member settable.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::failure::Failure;

/// The members of a callback, in the order of the platform's own samples.
#[derive(Clone, Debug)]
pub(crate) struct Callback(Vec<(String, Value)>);

impl Callback {
    /// A callback of this kind, about a made-up app and tenant, with a request id of its own, sent now.
    pub(crate) fn new(kind: &str) -> Self {
        let now = Timestamp::now();
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now); // whole seconds, as in the samples
        let mut members = vec![
            ("appId", "04bd6eda-4b04-4572-a744-7233ccc077cd".to_owned()),
            ("appName", "my test app".to_owned()),
            ("tenantId", "bd6eda-4b04-4572-a744-7233ccc077cd04".to_owned()),
            ("tenant", "seismicapps".to_owned()),
            ("userId", "e6f77acb-6f11-482c-822b-5dbdcc002a20".to_owned()),
            ("userEmail", "avery.admin@example.com".to_owned()),
            ("requestId", Uuid::new_v4().to_string()),
            ("version", "0.1.4".to_owned()),
        ];
        if kind == "upgrade" {
            members.push(("priorVersion", "0.1.2".to_owned()));
        }
        members.extend([("type", kind.to_owned()), ("timestamp", now.to_string())]);
        Self(members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }

    /// Gives a member this value; a new one comes last.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        match self.0.iter_mut().find(|(own, _)| own == name) {
            Some(member) => member.1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Leaves a member out.
    pub(crate) fn unset(&mut self, name: &str) {
        self.0.retain(|(own, _)| own != name);
    }

    /// The JSON, in the order of the members and without blanks.
    pub(crate) fn json(&self) -> String {
        let members = self.0.iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

/// Reads `key=json`. What is neither an object, an array, a string in quotes, a number, `true`, `false` nor `null` is
/// taken as plain text.
pub(crate) fn assignment(text: &str) -> Result<(String, Value), Failure> {
    let next = r#"write it as tenant=acme, seats=5 or labels='["a","b"]'"#;
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| Failure::new(format!("--set {text} has no KEY="), next))?;
    match serde_json::from_str(value) {
        Ok(value) => Ok((name.to_owned(), value)),
        Err(_) if !value.starts_with(['{', '[', '"']) => Ok((name.to_owned(), value.into())),
        Err(error) => Err(Failure::new(format!("the value of --set {name} is not JSON: {error}"), next)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_in_the_order_of_the_samples() {
        let mut callback = Callback::new("upgrade");
        callback.set("requestId", "r".into());
        callback.set("timestamp", "t".into());
        callback.set("region", "eu-1".into());
        callback.unset("userEmail");
        let expected = concat!(
            r#"{"appId":"04bd6eda-4b04-4572-a744-7233ccc077cd","appName":"my test app","#,
            r#""tenantId":"bd6eda-4b04-4572-a744-7233ccc077cd04","tenant":"seismicapps","#,
            r#""userId":"e6f77acb-6f11-482c-822b-5dbdcc002a20","requestId":"r","version":"0.1.4","#,
            r#""priorVersion":"0.1.2","type":"upgrade","timestamp":"t","region":"eu-1"}"#,
        );
        assert_eq!(callback.json(), expected);
    }

    #[test]
    fn a_value_is_json_or_plain_text() {
        for (given, expected) in [
            ("a=1", Value::from(1)),
            ("a=null", Value::Null),
            (r#"a="1""#, "1".into()),
            ("a=acme", "acme".into()),
            ("a=0.1.4", "0.1.4".into()),
            ("a=", "".into()),
            ("a=b=c", "b=c".into()),
        ] {
            assert_eq!(assignment(given).unwrap(), ("a".to_owned(), expected), "{given}");
        }
        for wrong in ["", "a", "=1", "a={", "a=[1", "a=\"b"] {
            assert!(assignment(wrong).is_err(), "{wrong}");
        }
    }
}
