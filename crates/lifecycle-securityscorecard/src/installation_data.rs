//! The JSON request that completes an installation from the app's own server, and the platform's answer to it.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::InstallationId;

/// The body of a `POST` to [`INSTALLATION_DATA_URL`](crate::INSTALLATION_DATA_URL), with `Authorization: Token ..`.
///
/// The platform's own toolkit completes installations this way; its documentation describes the form that
/// [`InstallPage`](crate::InstallPage) makes. Prefer the form: with this request the secrets pass through your server.
/// `Debug` shows the keys only, and the values are wiped when dropped; what your HTTP client copies is not.
///
/// ```
/// use lifecycle_securityscorecard::{InstallationAnswer, InstallationData, InstallationId};
///
/// let data = InstallationData::new(InstallationId::new("ins_7Yk2")?).secret("ACCESS_TOKEN", "s3cr3t");
/// assert_eq!(
///     serde_json::to_string(&data)?,
///     r#"{"installation":"ins_7Yk2","secrets":[{"key":"ACCESS_TOKEN","value":"s3cr3t"}]}"#,
/// );
///
/// let answer: InstallationAnswer = serde_json::from_str(r#"{"next_url":"https://platform.example/done"}"#)?;
/// assert_eq!(answer.next_url, "https://platform.example/done");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct InstallationData {
    installation: InstallationId,
    secrets: Vec<(String, Zeroizing<String>)>,
}

impl InstallationData {
    /// The data of an installation, without secrets yet.
    pub fn new(installation: InstallationId) -> Self {
        Self { installation, secrets: Vec::new() }
    }

    /// Adds a secret under a key that the manifest declares; one that was added under the same key is replaced.
    #[must_use]
    pub fn secret(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let (key, value) = (key.into(), Zeroizing::new(value.into()));
        self.secrets.retain(|(own, _)| *own != key);
        self.secrets.push((key, value));
        self
    }
}

impl Serialize for InstallationData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            installation: &'a str,
            secrets: Vec<Pair<'a>>,
        }

        #[derive(Serialize)]
        struct Pair<'a> {
            key: &'a str,
            value: &'a str,
        }

        let secrets = self.secrets.iter().map(|(key, value)| Pair { key, value }).collect();
        Body { installation: self.installation.expose(), secrets }.serialize(serializer)
    }
}

impl fmt::Debug for InstallationData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.secrets.iter().map(|(key, _)| key.as_str()).collect();
        f.debug_struct("InstallationData").field("keys", &keys).finish_non_exhaustive()
    }
}

/// The platform's answer to [`InstallationData`]. `Debug` does not show the address, which may carry a one-time value.
#[derive(Clone, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct InstallationAnswer {
    /// Where to send the browser next.
    pub next_url: String,
}

impl fmt::Debug for InstallationAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstallationAnswer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> InstallationData {
        InstallationData::new(InstallationId::new("ins_7Yk2").unwrap())
            .secret("A", "hunter2")
            .secret("B", "hunter3")
    }

    #[test]
    fn each_key_is_sent_once_with_its_last_value() {
        let sent = serde_json::to_value(data().secret("A", "new")).unwrap();
        let secrets = serde_json::json!([{"key": "B", "value": "hunter3"}, {"key": "A", "value": "new"}]);
        assert_eq!(sent, serde_json::json!({"installation": "ins_7Yk2", "secrets": secrets}));
    }

    #[test]
    fn an_answer_may_grow_but_needs_its_address() {
        let answer: InstallationAnswer = serde_json::from_str(r#"{"next_url":"u","new":1}"#).unwrap();
        assert_eq!(answer.next_url, "u");
        assert!(serde_json::from_str::<InstallationAnswer>("{}").is_err());
    }

    #[test]
    fn debug_shows_neither_the_id_nor_a_value_nor_the_address() {
        assert_eq!(format!("{:?}", data()), r#"InstallationData { keys: ["A", "B"], .. }"#);
        let answer = InstallationAnswer { next_url: "https://x/?code=hunter2".into() };
        assert_eq!(format!("{answer:?}"), "InstallationAnswer { .. }");
    }
}
