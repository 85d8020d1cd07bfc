//! Cookies: which value a request has for a name.

use cookie::time::Duration;
use cookie::{Cookie, SameSite};

/// The value of this cookie in the lines of the header `Cookie`. HTTP/2 may cut it into several (RFC 9113, section 8.2.3),
/// and not everybody writes a space behind a `;`. If it is repeated with different values, there is none: it is
/// unknown which one is ours.
pub(crate) fn read(lines: impl IntoIterator<Item = impl AsRef<[u8]>>, name: &str) -> Option<String> {
    let mut values = lines.into_iter().flat_map(|line| {
        let line = String::from_utf8_lossy(line.as_ref()).into_owned();
        let own = Cookie::split_parse(line).flatten().filter(|cookie| cookie.name() == name);
        own.map(|cookie| cookie.value().to_owned()).collect::<Vec<_>>()
    });
    let first = values.next()?;
    values.all(|other| other == first).then_some(first)
}

/// The value of a header `Set-Cookie` for a browser to keep for ten minutes, and to show to this host alone.
pub(crate) fn keep(name: &str, value: &str) -> String {
    host_only(name, value, Duration::minutes(10))
}

/// The value of a header `Set-Cookie` for a browser to forget a cookie.
pub(crate) fn forget(name: &str) -> String {
    host_only(name, "", Duration::ZERO)
}

/// `Lax`: the browser comes back from another site.
fn host_only(name: &str, value: &str, age: Duration) -> String {
    let cookie = Cookie::build((name, value)).path("/").secure(true).http_only(true);
    cookie.same_site(SameSite::Lax).max_age(age).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_in_any_line_and_twice_only_with_one_value() {
        for (lines, expected) in [
            (vec!["n=v"], Some("v")),
            (vec!["a=b; n=v; c=d"], Some("v")),
            (vec!["a=b;n=v"], Some("v")),
            (vec!["a=b", "n=v"], Some("v")),
            (vec!["not a cookie; =; n=v"], Some("v")),
            (vec!["n=v; n=v", "n=v"], Some("v")),
            (vec!["n=v; n=w"], None),
            (vec!["n=v", "n=w"], None),
            (vec!["N=v; xn=v; n2=v"], None),
            (vec![""], None),
            (vec![], None),
        ] {
            assert_eq!(read(&lines, "n").as_deref(), expected, "{lines:?}");
        }
        assert_eq!(
            read([&b"a=\xff; n=v"[..]], "n").as_deref(),
            Some("v"),
            "another cookie's bytes are not text"
        );
    }

    #[test]
    fn a_cookie_is_for_this_host_alone() {
        let kept = keep("__Host-n", "v");
        assert_eq!(kept, "__Host-n=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600");
        assert!(forget("__Host-n").ends_with("Max-Age=0"));
    }
}
