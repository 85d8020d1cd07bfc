//! Faces: what an example serves, as the conformance suite asks for it at `GET /faces`.

use lifecycle_core::{EventKind, Reply};
use serde_json::{Value, json};

use crate::describe::page;

/// Every example serves all of them, under the same paths. `{token}` stands for the hook's token.
pub(crate) fn faces() -> Reply {
    let face = |name: &str, path: &str, platform: &str, kind: &str| json!({"name": name, "path": path, "platform": platform, "kind": kind});
    let mut faces = vec![
        face("endpoint", "/seismic", "seismic", "endpoint"),
        face("verified", "/verified/seismic", "seismic", "verified"),
        face("extracted", "/extracted/seismic", "seismic", "extracted"),
        face("gated", "/features", "seismic", "gated"),
        face("hook", "/securityscorecard/hook/{token}", "securityscorecard", "hook"),
        face("manifest", "/securityscorecard/manifest/{token}", "securityscorecard", "manifest"),
        face("page", "/healthz", "seismic", "page"),
        face("install-page", "/securityscorecard/install", "securityscorecard", "install-page"),
        face("action", "/securityscorecard/actions/notify_channel", "securityscorecard", "action"),
    ];
    faces.extend(EventKind::KNOWN.map(|kind| {
        let name = kind.name();
        let mut one = face(name, &format!("/seismic/{name}"), "seismic", "endpoint-one");
        one["event"] = Value::from(name);
        one
    }));
    page(&Value::from(faces))
}
