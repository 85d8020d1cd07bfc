//! Address: which URLs the marketplace calls: https, or http on this very machine.

use reqwest::Url;

/// Parses the address of an app.
///
/// # Errors
/// In a few words, fit to follow the name of a field.
pub(crate) fn parse(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text.trim()).map_err(|_| "is not a URL such as https://app.example/seismic")?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        _ => return Err("must use https (http only for a loopback host such as 127.0.0.1)"),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("needs a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not carry a user name or password");
    }
    if url.fragment().is_some() {
        return Err("must not have a fragment (#...)");
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_host)
}

/// Whether a host, as it stands in a URL, means this machine.
pub fn is_loopback_host(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&host);
    let address = literal.parse::<std::net::IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_needed_except_on_loopback() {
        for good in [
            "https://app.example/seismic",
            "https://app.example:8443/a?b=c",
            "http://127.0.0.1:3000/seismic",
            "http://127.9.9.9/",
            "http://localhost:3000/",
            "http://app.localhost/",
            "http://[::1]:3000/",
            " http://localhost/ ",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for (bad, reason) in [
            ("http://app.example/seismic", "https"),
            ("http://10.0.0.1/", "https"),
            ("http://0.0.0.0/", "https"),
            ("http://localhost.evil.example/", "https"),
            ("http://127.0.0.1.evil.example/", "https"),
            ("ftp://localhost/", "https"),
            ("file:///etc/passwd", "https"),
            ("javascript:alert(1)", "https"),
            ("https://user:password@app.example/", "password"),
            ("https://app.example/#top", "fragment"),
            ("/seismic", "is not a URL"),
            ("https://", "is not a URL"),
            ("", "is not a URL"),
        ] {
            let refused = parse(bad).unwrap_err();
            assert!(refused.contains(reason), "{bad}: {refused}");
        }
    }
}
