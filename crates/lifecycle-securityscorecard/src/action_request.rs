//! The head of a request to an action's URL: which app, which action, and the user's secrets.

use std::fmt;

use crate::action_secrets::SECRETS_HEADER;
use crate::{ActionError, ActionSecrets};
use lifecycle_core::header_text;

/// The header that names the app.
pub const APP_ID_HEADER: &str = "x-ssc-app-id";
/// The header that names the action.
pub const ACTION_HEADER: &str = "x-ssc-action";

/// What the headers of an action say. The body is the app's own to read.
///
/// Without secrets there is no `ActionRequest`, since nothing else tells whose action it is. The app's id and the
/// action's name are no proof of anything: they only keep requests for others out.
///
/// ```
/// use lifecycle_securityscorecard::{ActionError, ActionRequest};
///
/// let headers: [(&str, &[u8]); 3] = [
///     ("x-ssc-app-id", b"6f1c2a0e"),
///     ("x-ssc-action", b"notify_channel"),
///     ("x-ssc-app-secrets", br#"{"ACCESS_TOKEN":"s3cr3t"}"#),
/// ];
/// let action = ActionRequest::read(headers)?;
/// action.expect_app("6f1c2a0e")?;
/// assert_eq!(action.action(), Some("notify_channel"));
/// assert_eq!(action.secrets().get("ACCESS_TOKEN"), Some("s3cr3t"));
/// # Ok::<(), ActionError>(())
/// ```
#[derive(Clone)]
pub struct ActionRequest {
    app_id: Option<String>,
    action: Option<String>,
    secrets: ActionSecrets,
}

impl ActionRequest {
    /// The longest app id or action that is read, in bytes.
    pub const MAX_NAME_LEN: usize = 256;

    /// Reads a request's header lines, pairs of name (in any case) and value, in UTF-8 or else in ISO-8859-1. A header that
    /// counts may stand more than once only if it says the same each time.
    ///
    /// # Errors
    /// [`ActionError`] says which; it converts to the answer.
    pub fn read<'h>(headers: impl IntoIterator<Item = (&'h str, &'h [u8])>) -> Result<Self, ActionError> {
        let mut first = [(SECRETS_HEADER, None), (APP_ID_HEADER, None), (ACTION_HEADER, None)];
        for (name, value) in headers {
            for (own, first) in first.iter_mut().filter(|(own, _)| name.eq_ignore_ascii_case(own)) {
                match (*first.get_or_insert(value) == value, *own) {
                    (true, _) => {}
                    (false, SECRETS_HEADER) => return Err(ActionError::MalformedSecrets),
                    (false, own) => return Err(ActionError::InvalidHeader(own)),
                }
            }
        }
        let [(_, secrets), app_id, action] = first;
        let secrets = ActionSecrets::parse(secrets.ok_or(ActionError::MissingSecrets)?)?;
        Ok(Self { app_id: name(app_id)?, action: name(action)?, secrets })
    }

    /// The id of the app that the platform means; empty counts as absent.
    pub fn app_id(&self) -> Option<&str> {
        self.app_id.as_deref()
    }

    /// The id of the action, as the manifest declares it; empty counts as absent.
    pub fn action(&self) -> Option<&str> {
        self.action.as_deref()
    }

    /// The user's secrets.
    pub fn secrets(&self) -> &ActionSecrets {
        &self.secrets
    }

    /// The user's secrets, taken out.
    pub fn into_secrets(self) -> ActionSecrets {
        self.secrets
    }

    /// Refuses an action that is meant for another app, or for none.
    ///
    /// # Errors
    /// [`ActionError::UnexpectedApp`].
    pub fn expect_app(&self, app_id: &str) -> Result<(), ActionError> {
        if self.app_id() == Some(app_id) { Ok(()) } else { Err(ActionError::UnexpectedApp) }
    }
}

impl fmt::Debug for ActionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionRequest").field("secrets", &self.secrets).finish_non_exhaustive()
    }
}

fn name((header, value): (&'static str, Option<&[u8]>)) -> Result<Option<String>, ActionError> {
    let invalid = ActionError::InvalidHeader(header);
    match value.map(<[u8]>::trim_ascii) {
        None | Some([]) => Ok(None),
        Some(value) if value.len() > ActionRequest::MAX_NAME_LEN => Err(invalid),
        Some(value) => Ok(Some(header_text(value).into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Lines<'a> = &'a [(&'a str, &'a [u8])];

    const SECRETS: (&str, &[u8]) = (SECRETS_HEADER, br#"{"A":"hunter2"}"#);

    #[test]
    fn the_app_and_the_action_are_read_from_any_case_and_may_be_absent() {
        let cases: &[(Lines<'_>, Option<&str>, Option<&str>)] = &[
            (&[SECRETS], None, None),
            (&[("X-SSC-App-Id", b"a"), SECRETS, ("X-Ssc-Action", b"n")], Some("a"), Some("n")),
            (&[SECRETS, ("x-ssc-app-id", b" a "), ("x-ssc-app-id", b" a ")], Some("a"), None),
            (&[SECRETS, ("x-ssc-app-id", b""), ("x-ssc-action", "é".as_bytes())], None, Some("é")),
            (&[SECRETS, ("x-ssc-app-id", b"\xe9"), ("x-ssc-action", b"\xff")], Some("é"), Some("ÿ")),
        ];
        for (headers, app_id, action) in cases {
            let request = ActionRequest::read(headers.iter().copied()).unwrap();
            assert_eq!((request.app_id(), request.action()), (*app_id, *action));
            assert_eq!(request.into_secrets().get("A"), Some("hunter2"));
        }
    }

    #[test]
    fn each_refusal_has_its_status_and_code() {
        let long = "a".repeat(257);
        let large = vec![b' '; ActionSecrets::MAX_LEN + 1];
        let cases: &[(Lines<'_>, u16, &str)] = &[
            (&[], 401, "missing-secrets"),
            (&[("x-ssc-app-id", b"a")], 401, "missing-secrets"),
            (&[(SECRETS_HEADER, b"{")], 400, "malformed-secrets"),
            (&[SECRETS, (SECRETS_HEADER, b"{}")], 400, "malformed-secrets"),
            (&[(SECRETS_HEADER, &large)], 431, "secrets-too-large"),
            (&[SECRETS, ("x-ssc-app-id", b"a"), ("x-ssc-app-id", b"b")], 400, "invalid-header"),
            (&[SECRETS, ("x-ssc-action", b"a"), ("x-ssc-action", b"b")], 400, "invalid-header"),
            (&[SECRETS, ("x-ssc-action", long.as_bytes())], 400, "invalid-header"),
        ];
        for (headers, status, code) in cases {
            let reply = ActionRequest::read(headers.iter().copied()).unwrap_err().reply();
            let body = std::str::from_utf8(reply.body()).unwrap();
            assert_eq!(reply.status(), *status, "{body}");
            assert!(body.contains(&format!(r#""status":{status},"code":"{code}"}}"#)), "{body}");
            assert!(!body.contains("hunter2"), "{body}");
        }
    }

    #[test]
    fn an_action_for_another_app_or_for_none_is_refused() {
        for (app_id, expected) in
            [("a", Ok(())), ("A", Err(ActionError::UnexpectedApp)), ("", Err(ActionError::UnexpectedApp))]
        {
            let request = ActionRequest::read([SECRETS, ("x-ssc-app-id", app_id.as_bytes())]).unwrap();
            assert_eq!(request.expect_app("a"), expected);
        }
        assert_eq!(ActionError::UnexpectedApp.reply().status(), 422);
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", ActionRequest::read([SECRETS]).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
