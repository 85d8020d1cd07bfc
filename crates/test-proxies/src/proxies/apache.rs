//! Apache httpd. A site's file of Debian is included by apache2.conf, which loads the modules.

use super::Proxy;
use crate::site::Front;

pub(super) static APACHE: Proxy = Proxy {
    name: "apache",
    program: "/usr/sbin/apache2",
    package: "apache2-bin", // the server alone: nothing that starts by itself
    arguments: &["-f", "{folder}/frame", "-D", "FOREGROUND"],
    environment: &[],
    guide: "apache.conf",
    guide_text: include_str!("../../../../docs/guide/proxies/apache.conf"),
    places: &[
        ("*:443", "{address}"),
        ("http://127.0.0.1:3000", "http://{app}"),
        ("/etc/ssl/app.example.pem", "{folder}/certificate.pem"),
        ("/etc/ssl/app.example.key", "{folder}/key.pem"),
        ("/var/log/apache2/", "{folder}/"),
    ],
    frame: Some(
        "\
ServerRoot {folder}
ServerName app.example
DefaultRuntimeDir {folder}
PidFile {folder}/pid
Mutex file:{folder} default
User www-data
Group www-data
ErrorLog {folder}/server.log
Define MODULES /usr/lib/apache2/modules
LoadModule mpm_event_module ${MODULES}/mod_mpm_event.so
LoadModule authz_core_module ${MODULES}/mod_authz_core.so
LoadModule env_module ${MODULES}/mod_env.so
LoadModule proxy_module ${MODULES}/mod_proxy.so
LoadModule proxy_http_module ${MODULES}/mod_proxy_http.so
LoadModule reqtimeout_module ${MODULES}/mod_reqtimeout.so
LoadModule ssl_module ${MODULES}/mod_ssl.so
Listen {address}
Include {folder}/apache.conf
",
    ),
    fronts: &[Front::Http1],
    too_large: &["401", "404", "408", "502"],
    mixes_continue: false,
    known_crash: None,
};
