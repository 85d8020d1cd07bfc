//! Event: the options that say what an event tells.

use clap::Args;
use lifecycle_testing::{Sample, Sender};
use serde_json::Value;

use crate::failure::Failure;
use crate::platform;

/// What the event tells; without them, what the vendor's sample tells.
#[derive(Args, Debug)]
#[group(id = "fields", conflicts_with = "body")]
pub(crate) struct EventArgs {
    /// The tenant's id
    #[arg(long, alias = "user", value_name = "ID", help_heading = "Body")]
    tenant: Option<String>,
    /// The app's id
    #[arg(long, value_name = "ID", help_heading = "Body")]
    app: Option<String>,
    /// The installation's id, where the platform has one
    #[arg(long, value_name = "ID", help_heading = "Body")]
    installation: Option<String>,
    /// Who acts
    #[arg(long, value_name = "ID", help_heading = "Body")]
    actor: Option<String>,
    /// The app's version; on an upgrade the new one
    #[arg(long, value_name = "A.B.C", help_heading = "Body")]
    app_version: Option<String>,
    /// The version before an upgrade
    #[arg(long, value_name = "A.B.C", help_heading = "Body")]
    prior_version: Option<String>,
    /// The id of the request [default: a new one]
    #[arg(long, value_name = "ID", help_heading = "Body")]
    request_id: Option<String>,
    /// Set any member to a JSON value, or to plain text; dots lead to inner ones, as in installation.account.login
    #[arg(long, value_name = "KEY=JSON", help_heading = "Body")]
    set: Vec<String>,
    /// Leave a member out
    #[arg(long, value_name = "KEY", help_heading = "Body")]
    unset: Vec<String>,
}

/// Has a sample tell something.
type Setter = fn(Sample, String) -> Sample;

impl EventArgs {
    /// A new event of this name.
    pub(crate) fn sample(&self, sender: &'static Sender, name: &str) -> Result<Sample, Failure> {
        let told: [(&Option<String>, Setter); 7] = [
            (&self.tenant, Sample::tenant),
            (&self.app, Sample::app),
            (&self.installation, Sample::installation),
            (&self.actor, Sample::actor),
            (&self.app_version, Sample::version),
            (&self.prior_version, Sample::prior_version),
            (&self.request_id, Sample::request_id),
        ];
        let mut sample = platform::sample(sender, name)?;
        for (value, set) in told {
            if let Some(value) = value {
                sample = set(sample, value.clone());
            }
        }
        for text in &self.set {
            let (name, value) = assignment(text)?;
            sample = sample.set(name, value);
        }
        Ok(self.unset.iter().fold(sample, Sample::without))
    }
}

/// Reads `key=json`. What is neither an object, an array, a string in quotes, a number, `true`, `false` nor `null` is
/// taken as plain text.
fn assignment(text: &str) -> Result<(String, Value), Failure> {
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
