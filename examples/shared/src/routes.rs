//! Routes: what an example serves, as the conformance suite asks for it at `GET /routes`.

use lifecycle_core::{EventKind, Reply};
use serde_json::{Value, json};

use crate::describe::page;
use crate::platform_settings::PlatformSettings;

/// Every example serves all of them, under the same paths. `{token}` is the hook's token.
pub(crate) fn routes(platforms: &[PlatformSettings]) -> Reply {
    let route = |name: &str, path: &str, platform: &str, kind: &str| json!({"name": name, "path": path, "platform": platform, "kind": kind});
    let mut routes = vec![
        route("endpoint", "/seismic", "seismic", "endpoint"),
        route("middleware", "/middleware/seismic", "seismic", "middleware"),
        route("extractor", "/extractor/seismic", "seismic", "extractor"),
        route("gated", "/features", "seismic", "gated"),
        route("hook", "/securityscorecard/hook/{token}", "securityscorecard", "hook"),
        route("manifest", "/securityscorecard/manifest/{token}", "securityscorecard", "manifest"),
        route("page", "/healthz", "seismic", "page"),
        route("install-page", "/securityscorecard/install", "securityscorecard", "install-page"),
        route("action", "/securityscorecard/actions/notify_channel", "securityscorecard", "action"),
    ];
    routes.extend(EventKind::KNOWN.map(|kind| {
        let name = kind.name();
        let mut one = route(name, &format!("/seismic/{name}"), "seismic", "endpoint-one");
        one["event"] = Value::from(name);
        one
    }));
    for own in platforms {
        let name = own.platform.name();
        routes.extend(own.paths().map(|(path, callback)| match callback {
            None => route("endpoint", &path, name, "endpoint"),
            Some(callback) => {
                let mut one = route(callback, &path, name, "endpoint-one");
                one["event"] = Value::from(callback);
                one
            }
        }));
    }
    page(&Value::from(routes))
}
