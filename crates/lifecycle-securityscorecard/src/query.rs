//! The query that a user's browser comes with to install the app, and the installation id in it.

use std::borrow::Cow;

use crate::{InstallationId, InstallationIdError};

/// The parameter names that are tried, in this order. The platform's page does not show the name; the first one is that
/// of the same value in the request that completes an installation.
pub(super) const PARAMETERS: [&str; 4] = ["installation", "installation_id", "installationId", "id"];

/// Longest query that is looked at, in bytes: an id of the greatest length, and as much for other parameters.
const MAX_QUERY: usize = 8 * 1024;

/// Reads the installation id from the query of a request to `install_url`.
///
/// Without a name of your own, the first that is there of `installation`, `installation_id`, `installationId` and `id`
/// counts. A query that gives the counting parameter twice with different values is refused, because two readers could
/// pick different ones.
///
/// ```
/// use lifecycle_securityscorecard::{InstallQuery, InstallationIdError};
///
/// let id = InstallQuery::default().read("installation=ins_7Yk2&lang=en")?;
/// assert_eq!(id.expose(), "ins_7Yk2");
///
/// let answer = InstallQuery::default().read("lang=en").unwrap_err().reply();
/// assert_eq!(answer.status(), 400);
/// # Ok::<(), InstallationIdError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct InstallQuery {
    parameter: Option<Cow<'static, str>>,
}

impl InstallQuery {
    /// Reads the parameter of this name, and no other.
    pub fn named(parameter: impl Into<Cow<'static, str>>) -> Self {
        Self { parameter: Some(parameter.into()) }
    }

    /// `query` is what stands after the `?` of the request's target, still percent-encoded; empty if there is none.
    ///
    /// # Errors
    /// The query names no installation, or one that cannot be used. The error converts to a [`Reply`](lifecycle_core::Reply).
    pub fn read(&self, query: &str) -> Result<InstallationId, InstallationIdError> {
        if query.len() > MAX_QUERY {
            return Err(InstallationIdError::TooLong);
        }
        match &self.parameter {
            Some(name) => read_named(query, name),
            None => PARAMETERS
                .iter()
                .map(|name| read_named(query, name))
                .find(|read| !matches!(read, Err(InstallationIdError::Missing)))
                .unwrap_or(Err(InstallationIdError::Missing)),
        }
    }
}

fn read_named(query: &str, name: &str) -> Result<InstallationId, InstallationIdError> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let Some((_, first)) = values.next() else { return Err(InstallationIdError::Missing) };
    if values.any(|(_, value)| value != first) {
        return Err(InstallationIdError::Conflicting);
    }
    InstallationId::new(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_parameter_counts_and_a_conflict_is_refused() {
        use InstallationIdError::{Characters, Conflicting, Missing, TooLong};
        let longest = format!("installation={}", "a".repeat(4096));
        let too_long = format!("{longest}a");
        let huge = format!("installation=a&x={}", "a".repeat(8 * 1024));
        let cases = [
            ("installation=ins_7Yk2", Ok("ins_7Yk2")),
            ("installation_id=a", Ok("a")),
            ("installationId=a", Ok("a")),
            ("id=a", Ok("a")),
            ("id=b&installation=a", Ok("a")),
            ("lang=en&installation=a%2Bb%2F%C3%A9&&", Ok("a+b/é")),
            ("%69nstallation=a", Ok("a")),
            ("installation=a&installation=a", Ok("a")),
            ("installation=&id=a", Ok("a")),
            ("installation=a&installation=b", Err(Conflicting)),
            ("installation=&installation=b", Err(Conflicting)),
            ("", Err(Missing)),
            ("installation", Err(Missing)),
            ("installation=", Err(Missing)),
            ("INSTALLATION=a", Err(Missing)),
            ("installation[]=a", Err(Missing)),
            ("installation=%ff", Err(Characters)),
            ("installation=a%0d%0ab", Err(Characters)),
            ("installation=a%00", Err(Characters)),
            (longest.as_str(), Ok(&longest["installation=".len()..])),
            (too_long.as_str(), Err(TooLong)),
            (huge.as_str(), Err(TooLong)),
        ];
        for (query, expected) in cases {
            let read = InstallQuery::default().read(query);
            assert_eq!(read.as_ref().map(InstallationId::expose), expected.as_ref().copied(), "{query}");
        }
    }

    #[test]
    fn a_name_of_ones_own_is_the_only_one_that_counts() {
        let query = InstallQuery::named("code");
        assert_eq!(query.read("code=a&installation=b").unwrap().expose(), "a");
        assert_eq!(query.read("installation=b").unwrap_err(), InstallationIdError::Missing);
    }

    #[test]
    fn the_answer_is_400_with_a_stable_code_and_never_repeats_the_value() {
        let cases = [("", "missing-installation"), ("id=hunter2%00", "invalid-installation")];
        for (query, code) in cases {
            let reply = InstallQuery::default().read(query).unwrap_err().reply();
            let body = std::str::from_utf8(reply.body()).unwrap();
            assert_eq!(reply.status(), 400);
            assert!(body.contains(&format!("\"code\":\"{code}\"")), "{body}");
            assert!(!body.contains("hunter2"), "{body}");
        }
    }
}
