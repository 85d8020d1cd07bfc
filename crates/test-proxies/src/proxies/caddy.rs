//! Caddy: one file, and everything else from the environment.

use super::Proxy;
use crate::attacks::REFUSED;
use crate::site::Front;

pub(super) static CADDY: Proxy = Proxy {
    name: "caddy",
    program: "/usr/bin/caddy",
    package: "caddy",
    arguments: &["run", "--config", "{folder}/Caddyfile", "--adapter", "caddyfile"],
    environment: &[
        ("CADDY_ADMIN", "unix/{folder}/admin"),
        ("HOME", "{folder}"),
        ("XDG_CONFIG_HOME", "{folder}"),
        ("XDG_DATA_HOME", "{folder}"),
    ],
    guide: "Caddyfile",
    guide_text: include_str!("../../../../docs/guide/proxies/Caddyfile"),
    places: &[
        ("http_port 80\n", "http_port {spare}\n"),
        ("https_port 443\n", "https_port {port}\n\tdefault_bind 127.0.0.1\n"),
        ("\n:443 {", "\n:{port} {"),
        ("127.0.0.1:3000", "{app}"),
        ("/etc/ssl/app.example.pem", "{folder}/certificate.pem"),
        ("/etc/ssl/app.example.key", "{folder}/key.pem"),
    ],
    frame: None,
    fronts: &Front::ALL,
    too_large: REFUSED,
    mixes_continue: true,
    known_crash: Some("nil pointer dereference"),
};
