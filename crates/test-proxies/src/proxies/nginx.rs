//! nginx. A site's file is included by nginx.conf.

use super::Proxy;
use crate::attacks::REFUSED;
use crate::site::Front;

pub(super) static NGINX: Proxy = Proxy {
    name: "nginx",
    program: "/usr/sbin/nginx",
    package: "nginx",
    arguments: &["-p", "{folder}", "-c", "frame", "-g", "daemon off;"],
    environment: &[],
    guide: "nginx.conf",
    guide_text: include_str!("../../../../docs/guide/proxies/nginx.conf"),
    places: &[
        ("listen 443 ", "listen {address} "),
        ("127.0.0.1:3000", "{app}"),
        ("/etc/ssl/app.example.pem", "{folder}/certificate.pem"),
        ("/etc/ssl/app.example.key", "{folder}/key.pem"),
        ("/var/log/nginx/", "{folder}/"),
    ],
    frame: Some(
        "\
pid {folder}/pid;
error_log {folder}/server.log crit;
events { worker_connections 1024; }
http {
    client_body_temp_path {folder}/client-body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    include {folder}/nginx.conf;
}
",
    ),
    fronts: &Front::ALL,
    too_large: REFUSED,
    mixes_continue: false,
    known_crash: None,
};
