//! Manifest: SecurityScorecard's, the headers of its actions, and the query of an install.
#![no_main]

use fuzz::Request;
use libfuzzer_sys::fuzz_target;
use lifecycle_securityscorecard::{ActionRequest, ActionSecrets, InstallQuery, InstallationId, Manifest};

fuzz_target!(|data: &[u8]| {
    if let Some(request) = Request::read(data) {
        let _ = ActionRequest::read(request.headers.iter().copied());
    }
    let _ = ActionSecrets::parse(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(id) = InstallationId::new(text) {
        assert_eq!(id.expose(), text);
    }
    let _ = InstallQuery::default().read(text);
    if let Ok(manifest) = serde_json::from_str::<Manifest>(text) {
        let _ = manifest.validate();
        let written = serde_json::to_string(&manifest).expect("a manifest is JSON");
        assert!(serde_json::from_str::<Manifest>(&written).is_ok());
    }
});
