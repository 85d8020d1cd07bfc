//! The URL of a database, as it stands in `DATABASE_URL`.

use std::path::PathBuf;

use crate::open::OpenError;

/// Reads a database URL as other programs do, and gives the path of the file.
///
/// | URL | file |
/// | --- | --- |
/// | `sqlite:inbox.db`, `sqlite://inbox.db` | `inbox.db` in the current folder |
/// | `sqlite:/var/lib/app/inbox.db`, `sqlite:///var/lib/app/inbox.db` | `/var/lib/app/inbox.db` |
/// | `sqlite:my%20inbox.db` | `my inbox.db` |
/// | `sqlite:inbox.db?mode=rwc` | `inbox.db`; the parameter says what is done anyway: read, write, create |
///
/// ```
/// use lifecycle_inbox_sqlite::path_from_url;
/// use std::path::Path;
///
/// assert_eq!(path_from_url("sqlite://inbox.db")?, Path::new("inbox.db"));
/// assert!(path_from_url("sqlite::memory:").is_err());
/// # Ok::<(), lifecycle_inbox_sqlite::OpenError>(())
/// ```
///
/// # Errors
/// [`OpenError::Url`], which names what cannot be meant: another scheme, no file, a database in memory, a parameter that
/// is not known.
pub fn path_from_url(url: &str) -> Result<PathBuf, OpenError> {
    let refused = |why: &str| Err(OpenError::Url(why.to_owned()));
    let Some(rest) = url.strip_prefix("sqlite:") else {
        return refused("it begins with sqlite:");
    };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter {
            "mode=rwc" => {}
            "mode=memory" => return refused(IN_MEMORY),
            _ => return refused(&format!("the parameter {parameter:?} is not known: only mode=rwc is")),
        }
    }
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.starts_with(":memory:") {
        return refused(IN_MEMORY);
    }
    let Some(path) = decode(path) else {
        return refused("a % in it stands before two hexadecimal digits: % itself is %25");
    };
    if path.is_empty() {
        return refused("it names no file: it is like sqlite:inbox.db");
    }
    Ok(PathBuf::from(path))
}

const IN_MEMORY: &str = "an inbox in memory would lose what it acknowledged: name a file";

/// Undoes percent-encoding; nothing where it is none.
fn decode(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|byte| *byte != 0)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_means_what_it_means_elsewhere() {
        for (url, path) in [
            ("sqlite:inbox.db", "inbox.db"),
            ("sqlite://inbox.db", "inbox.db"),
            ("sqlite://data/inbox.db", "data/inbox.db"),
            ("sqlite:./inbox.db", "./inbox.db"),
            ("sqlite://../inbox.db", "../inbox.db"),
            ("sqlite:/var/inbox.db", "/var/inbox.db"),
            ("sqlite:///var/inbox.db", "/var/inbox.db"),
            ("sqlite:my%20inbox.db", "my inbox.db"),
            ("sqlite:50%25.db", "50%.db"),
            ("sqlite:%C3%A4.db", "ä.db"),
            ("sqlite:a%3Fb#c.db", "a?b#c.db"),
            ("sqlite://inbox.db?mode=rwc", "inbox.db"),
            ("sqlite:inbox.db?", "inbox.db"),
        ] {
            assert_eq!(path_from_url(url).unwrap(), PathBuf::from(path), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        for (url, named) in [
            ("sqlite:", "names no file"),
            ("sqlite://", "names no file"),
            ("sqlite:?mode=rwc", "names no file"),
            ("sqlite::memory:", "in memory"),
            ("sqlite://:memory:", "in memory"),
            ("sqlite:x?mode=memory", "in memory"),
            ("sqlite:inbox.db?mode=ro", "\"mode=ro\""),
            ("sqlite:inbox.db?mode=rwc&cache=shared", "\"cache=shared\""),
            ("sqlite:50%.db", "%25"),
            ("sqlite:%zz", "%25"),
            ("sqlite:%00", "%25"),
            ("sqlite:%ff", "%25"),
            ("file:inbox.db", "sqlite:"),
        ] {
            let error = path_from_url(url).unwrap_err().to_string();
            assert!(error.contains(named), "{url}: {error}");
        }
    }
}
