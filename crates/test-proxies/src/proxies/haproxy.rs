//! HAProxy: one file, and its log on the standard output.

use super::Proxy;
use crate::attacks::REFUSED;
use crate::site::Front;

pub(super) static HAPROXY: Proxy = Proxy {
    name: "haproxy",
    program: "/usr/sbin/haproxy",
    package: "haproxy",
    arguments: &["-db", "-f", "{folder}/haproxy.cfg"],
    environment: &[],
    guide: "haproxy.cfg",
    guide_text: include_str!("../../../../docs/guide/proxies/haproxy.cfg"),
    places: &[
        ("bind :443", "bind {address}"),
        ("127.0.0.1:3000", "{app}"),
        ("/etc/haproxy/app.example.pem", "{folder}/both.pem"),
    ],
    frame: None,
    fronts: &Front::ALL,
    too_large: REFUSED,
    mixes_continue: false,
    known_crash: None,
};
