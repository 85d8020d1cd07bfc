//! Proxies: each is a file here, which says how it is started.

mod apache;
mod caddy;
mod haproxy;
mod nginx;

use crate::site::Front;

/// A proxy, as data. Everything in braces is filled in when it starts: see [`Place`](crate::place::Place).
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) name: &'static str,
    /// Where Debian's package has it.
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// Its file in docs/guide/proxies.
    pub(crate) guide: &'static str,
    pub(crate) guide_text: &'static str,
    /// What in that file is a place of the operator's machine, and what stands there in the test. Nothing else of the file
    /// is changed, and each of these has to be in it.
    pub(crate) places: &'static [(&'static str, &'static str)],
    /// What a distribution has around that file: the least of it. Its name is `frame`.
    pub(crate) frame: Option<&'static str>,
    /// The protocols that the guide's settings have.
    pub(crate) fronts: &'static [Front],
    /// What it may answer to megabytes that the app has refused: its own 413, or that it cannot send them on.
    pub(crate) too_large: &'static [&'static str],
    /// Whether it may write its own `100 Continue` and an answer at the same time, on the connection of whoever sent `Expect`:
    /// bytes of either then follow the answer.
    pub(crate) mixes_continue: bool,
    /// What its output says when it ends by a known bug; it is started again then, and that is counted.
    pub(crate) known_crash: Option<&'static str>,
}

/// All of them.
pub(crate) const PROXIES: [&Proxy; 4] = [&apache::APACHE, &caddy::CADDY, &haproxy::HAPROXY, &nginx::NGINX];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::with_places;

    #[test]
    fn what_the_test_puts_elsewhere_is_in_the_guides_settings() {
        for proxy in PROXIES {
            with_places(proxy.guide_text, proxy.places).unwrap();
        }
    }

    #[test]
    fn the_test_changes_no_line_but_those_that_name_a_place() {
        for proxy in PROXIES {
            let changed = with_places(proxy.guide_text, proxy.places).unwrap();
            for line in proxy.guide_text.lines().filter(|line| !line.trim().is_empty()) {
                let is_kept = changed.lines().any(|kept| kept == line);
                let names_a_place = proxy.places.iter().any(|(theirs, _)| line.contains(theirs.trim()));
                assert!(is_kept || names_a_place, "{}: {line}", proxy.name);
            }
        }
    }
}
