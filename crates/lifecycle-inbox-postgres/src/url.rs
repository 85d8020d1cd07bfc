//! The URL of a database, as it stands in `DATABASE_URL`: what the driver does not know of what others write there.

use std::error::Error;
use std::path::PathBuf;
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, TargetSessionAttrs};

use crate::error::OpenError;

/// What a URL says.
pub(crate) struct Url {
    pub(crate) config: Config,
    /// Whether the server's certificate has to be of the name in the URL: always, but with `sslmode=verify-ca`.
    pub(crate) verifies_name: bool,
    /// `sslrootcert`
    pub(crate) root_certificates: Option<PathBuf>,
}

pub(crate) fn read(url: &str) -> Result<Url, OpenError> {
    let mut found = Url { config: Config::new(), verifies_name: true, root_certificates: None };
    let (start, separator) = match url.rfind('?') {
        Some(at) if url.contains("://") => (at + 1, '&'),
        None if url.contains("://") => (url.len(), '&'),
        _ => (0, ' '),
    };
    let (place, parameters) = url.split_at(start);
    let mut kept = Vec::new();
    for parameter in parameters.split(separator) {
        match parameter.split_once('=') {
            Some(("sslmode", mode @ ("verify-ca" | "verify-full"))) => {
                found.verifies_name = mode == "verify-full";
                kept.push("sslmode=require"); // which verifies too
            }
            Some(("sslrootcert", file)) if separator == '&' => {
                found.root_certificates = Some(PathBuf::from(file.replace("%2F", "/").replace("%20", " ")));
            }
            _ => kept.push(parameter),
        }
    }
    let known = format!("{place}{}", kept.join(&separator.to_string()));
    let is_whole = !parameters.contains('@') && separator == '&';
    let is_parameter = |name: &str| kept.iter().any(|parameter| parameter.split('=').next() == Some(name));
    found.config = Config::from_str(&known).map_err(|error| refused(&error, is_whole, is_parameter))?;
    if is_torn(&found.config) {
        return Err(OpenError::Url);
    }
    match found.config.get_target_session_attrs() {
        // A session on a node that takes no writes is of no use to an inbox, and what it reads there may be old.
        TargetSessionAttrs::Any => {
            found.config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        TargetSessionAttrs::ReadOnly => return Err(OpenError::Parameter("target_session_attrs".to_owned())),
        _ => {}
    }
    Ok(found)
}

/// What a password with a bare `@` in it would leave where the host or the database belongs must not be shown.
fn is_torn(config: &Config) -> bool {
    let in_host = |host: &Host| matches!(host, Host::Tcp(name) if name.contains(['@', '/', ' ']));
    config.get_dbname().is_some_and(|name| name.contains('@'))
        || config.get_hosts().iter().any(in_host)
        || config.get_hosts().is_empty() && config.get_hostaddrs().is_empty()
}

/// Names the parameter that is not known, or has no known value; never what may be a piece of a password.
fn refused(error: &tokio_postgres::Error, is_whole: bool, is_parameter: impl Fn(&str) -> bool) -> OpenError {
    let why = error.source().map(ToString::to_string).unwrap_or_default();
    let name = why.split('`').nth(1).unwrap_or_default();
    let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_ours = why.starts_with("invalid value"); // then it is one of the driver's own words
    if is_word && is_parameter(name) && (is_whole || is_ours) {
        OpenError::Parameter(name.to_owned())
    } else {
        OpenError::Url
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_postgres::config::SslMode;

    const HOST: &str = "postgres://u:p@host/db";

    #[test]
    fn the_modes_of_tls_mean_what_they_mean_elsewhere_and_verify() {
        for (mode, driver, verifies_name) in [
            ("disable", SslMode::Disable, true),
            ("prefer", SslMode::Prefer, true),
            ("require", SslMode::Require, true),
            ("verify-ca", SslMode::Require, false),
            ("verify-full", SslMode::Require, true),
        ] {
            for url in [
                format!("{HOST}?sslmode={mode}"),
                format!("{HOST}?connect_timeout=5&sslmode={mode}&application_name=a"),
                format!("host=host user=u sslmode={mode}"),
            ] {
                let found = read(&url).unwrap();
                assert_eq!(
                    (found.config.get_ssl_mode(), found.verifies_name),
                    (driver, verifies_name),
                    "{url}"
                );
            }
        }
        let found = read(&format!("{HOST}?sslmode=verify-full&sslrootcert=/etc/ca.pem")).unwrap();
        assert_eq!(found.root_certificates.as_deref(), Some(std::path::Path::new("/etc/ca.pem")));
    }

    #[test]
    fn a_parameter_that_is_not_known_is_named() {
        for (url, name) in [
            (format!("{HOST}?pgbouncer=true"), "pgbouncer"),
            (format!("{HOST}?schema=x"), "schema"),
            (format!("{HOST}?sslmode=allow"), "sslmode"),
            (format!("{HOST}?target_session_attrs=read-only"), "target_session_attrs"),
            (format!("{HOST}?connect_timeout=soon"), "connect_timeout"),
        ] {
            let error = read(&url).err().unwrap();
            assert!(matches!(&error, OpenError::Parameter(found) if found == name), "{url}: {error}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn a_piece_of_a_password_is_not_named() {
        for url in ["postgres://u:p@s?secret=x@host/db", "user=u password=two secret=words"] {
            let error = read(url).err().unwrap_or_else(|| panic!("{url} is read"));
            assert!(
                matches!(error, OpenError::Url) && !error.to_string().contains("secret"),
                "{url}: {error}"
            );
        }
    }

    #[test]
    fn no_session_is_opened_where_nothing_can_be_written() {
        let found = read(HOST).unwrap();
        assert_eq!(found.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    }
}
